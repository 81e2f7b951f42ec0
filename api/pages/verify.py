"""For pages: whether a number that came with a tracking link was signed here."""

from __future__ import annotations

import re
from time import time

from msgspec import Struct

from api.http import lookups
from api.http.description import Operation, parameter, response
from api.http.endpoint import Endpoint
from api.http.replies import Reply
from api.http.request import Request
from api.pages import origins
from api.pages.page_operations import NotEmpty
from api.pages.page_replies import callback_name, error_form, page_reply
from api.pages.swap_answers import Swaps
from ringpool.faults import Fault


class Verdict(Struct, frozen=True):
    """The answer of ``/v1/verify``."""

    valid: bool


async def _verify(request: Request) -> Reply:
    """Whether a tracking link's number was signed here and may still be shown."""
    parameters = request.parameters()
    callback = callback_name(parameters)
    number, pool, expires, signature = (
        lookups.required(parameters, name) for name in ("rp_number", "rp_pool", "rp_exp", "rp_sig")
    )
    if not re.fullmatch(r"\d{1,12}", expires, re.ASCII):
        raise Fault("rp_exp", "expected Unix seconds")
    account, known = parameters.get("account", ""), request.services.snapshot.pools.get(pool)
    valid = (
        int(expires) > time()
        and (not account or (known is not None and known.pool.account == account))
        and request.services.keyring.signer.verify(number, pool, int(expires), signature)
    )
    return page_reply(callback, Verdict(valid), [origins.ANY])


_VERIFY = Operation(
    "GET",
    "verify",
    "Whether a tracking link's number is ours; with callback=NAME as JSONP",
    {200: Verdict, 400: response("A parameter is missing", Swaps)},
    parameters=(
        parameter("rp_number", NotEmpty, required=True),
        parameter("rp_pool", NotEmpty, required=True),
        parameter("rp_exp", {"type": "string", "pattern": "^[0-9]{1,12}$"}, required=True),
        parameter("rp_sig", NotEmpty, required=True),
        parameter("account", text="Valid only if the pool is this account's"),
    ),
)
verify = Endpoint("verify", error_form, {"GET": _verify}, [_VERIFY])
