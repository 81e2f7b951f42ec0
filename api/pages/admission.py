"""Which account's page asks, whether it may, and which pools it asks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import structs

from api.http import lookups, replies
from api.http.refusals import Headers
from api.http.replies import Reply
from api.http.request import Request
from api.pages import origins, server_visit
from ringpool.catalog.routing import Targets
from ringpool.catalog.snapshot import Snapshot
from ringpool.catalog.targets import read_targets
from ringpool.model import Account
from ringpool.visits import crawlers
from ringpool.visits.click import Surroundings, device
from ringpool.visits.source_rules import ALL_HEADERS

_NONE: frozenset[str] = frozenset()
_ACCOUNT = re.compile(rb"(?:^|&)account=([a-z0-9-]{1,63})(?=&|$)")


class Admission(NamedTuple):
    """A page that may ask.

    ``snapshot``: what it was admitted under, a newer one perhaps than the one given. ``targets``:
    those asked for, each with the pools that may replace it. ``unknown_targets``: those that no
    pool of the account replaces.
    """

    snapshot: Snapshot
    account: Account
    cors: Headers
    targets: Targets
    unknown_targets: Sequence[str]


async def admit(request: Request, parameters: Mapping[str, str], snapshot: Snapshot) -> Admission:
    """Find the account, check the page's origin, and find the pools that it may ask.

    A server has a key instead of an origin (``server_visit``).
    Those are the pools of ``targets``, or of every target of the account; or ``pool`` alone, which
    is asked for whatever visits its rule says it is for. Raises a Refusal, a Fault, or
    StoreUnavailable when nothing could be read yet.
    """
    services = request.services
    if request.bearer():
        snapshot, account = await server_visit.account_of(request, parameters, snapshot)
        account_id, cors = account.id, []
    else:
        account_id = lookups.required(parameters, "account")
        snapshot = await lookups.with_account(services, snapshot, account_id)
        account = snapshot.accounts[account_id]
        cors = origins.allowed(request, account)
    pool_id = parameters.get("pool", "")
    if pool_id and pool_id not in snapshot.pools:
        # A newer configuration may have other origins: everything is looked at again under it.
        newer = await lookups.with_pool(services, snapshot, pool_id)
        return await admit(request, parameters, newer)
    targets, unknown = _asked(snapshot, account_id, pool_id, parameters.get("targets"))
    return Admission(snapshot, account, cors, targets, unknown)


async def preflight(request: Request) -> Reply:
    """OPTIONS: what a page of this account may send."""
    services = request.services
    account_id = lookups.required(request.parameters(), "account")
    snapshot = await lookups.with_account(services, services.snapshot, account_id)
    cors = origins.allowed(request, snapshot.accounts[account_id])
    return replies.empty(origins.preflight(cors))


def headers_read(snapshot: Snapshot, query: bytes) -> frozenset[str]:
    """What an account's rules and pools read in headers (``source_rules.ALL_HEADERS``).

    All of them, when the account can't be told without reading the whole query.
    """
    account = _ACCOUNT.search(query)
    if account is None:
        return ALL_HEADERS
    return snapshot.by_headers.get(account[1].decode("ascii"), _NONE)


def _asked(
    snapshot: Snapshot, account_id: str, pool_id: str, targets: str | None
) -> tuple[Targets, list[str]]:
    """The targets with their pools, and the targets that no pool replaces."""
    by_target: Targets = snapshot.targets(account_id)
    if pool_id:
        named = snapshot.pools[pool_id]
        if named.pool.account != account_id:
            raise lookups.unknown_pool(pool_id)
        if named.rule is not None:
            named = structs.replace(named, rule=None)
        if not named.pool.swap_targets:
            return {"": (named,)}, []
        by_target = dict.fromkeys(named.pool.swap_targets, (named,))
    if targets is None:
        return by_target, []
    on_page = read_targets(targets)
    asked = {target: by_target[target] for target in on_page if target in by_target}
    return asked, [target for target in on_page if target not in by_target]


def surroundings_of(request: Request) -> Surroundings:
    """What a request's headers tell of the visitor."""
    is_phone = crawlers.is_phone(request.headers)
    return Surroundings(device(is_phone=is_phone), request.country(), request.area())
