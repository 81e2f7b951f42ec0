"""How many requests a minute an account's keys may make, over all workers (its ``quota``).

Who has a pool's key alone isn't on it, as the number API's requests are too many to be counted one
by one: a pool's budget has a rate for them.
"""

from __future__ import annotations

from time import time

from allocator.port import StoreUnavailable
from api.http.refusals import Refusal
from api.http.request import Request
from ringpool.faults import Fault

OVER_QUOTA = Fault(
    "quota.requests", "the account has made as many requests as it may make in a minute"
)


async def count_request(request: Request) -> None:
    """Count a request for the account whose key it has, if any; raises Refusal 429.

    Without the store nothing is counted: what needs the store fails by itself.
    """
    token = request.bearer()
    known = request.services.snapshot.api_key(token) if token else None
    if known is None or known.expires <= time():
        return
    account = known.account
    if account.quota is None or account.quota.requests is None:
        return
    try:
        wait = await request.services.rates.count(f"requests:{account.id}", account.quota.requests)
    except StoreUnavailable:
        return
    if wait:
        request.services.metrics.count_over_quota(account.id)
        request.scope["api_key"] = known  # for the log
        seconds = b"%d" % -(-wait // 1000)
        raise Refusal(
            429,
            "QuotaExceeded",
            str(OVER_QUOTA),
            faults=(OVER_QUOTA,),
            headers=((b"retry-after", seconds),),
        )
