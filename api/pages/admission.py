"""Which account's page asks, whether it may, and which pools it asks."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from api.http import lookups, replies
from api.http.refusals import Headers
from api.http.replies import Reply
from api.http.request import Request
from api.pages import origins, server_visit
from ringpool.catalog.snapshot import Snapshot
from ringpool.faults import Fault
from ringpool.model import Account, NumberFormat, Pool
from ringpool.visits.click import Click

MAX_TARGETS = 100

_FORMATS = "|".join(NumberFormat)
_TARGET = re.compile(rf"(\+?\d{{4,15}}(?:;ext=\d{{1,11}})?)(?::({_FORMATS}))?", re.ASCII)


class AskedPool(NamedTuple):
    """A pool that a page asks for a number, and the targets that the number would replace there.

    The one target "" stands for a pool without targets that was asked for by name.
    """

    pool: Pool
    targets: Sequence[str]


class Admission(NamedTuple):
    """A page that may ask.

    ``snapshot``: what it was admitted under, a newer one perhaps than the one given.
    ``unknown_targets``: those that no pool of the account replaces.
    """

    snapshot: Snapshot
    account: Account
    cors: Headers
    pools: Sequence[AskedPool]
    unknown_targets: Sequence[str]


async def admit(request: Request, parameters: Mapping[str, str], snapshot: Snapshot) -> Admission:
    """Find the account, check the page's origin, and find the pools that it asks.

    A server has a key instead of an origin (``server_visit``).
    Those are the pools of ``targets``, of ``pool``, or of every target of the account. Raises a
    Refusal, a Fault, or StoreUnavailable when nothing could be read yet.
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
    pools, unknown = _asked_pools(snapshot, account_id, pool_id, parameters.get("targets"))
    return Admission(snapshot, account, cors, pools, unknown)


async def preflight(request: Request) -> Reply:
    """OPTIONS: what a page of this account may send."""
    services = request.services
    account_id = lookups.required(request.parameters(), "account")
    snapshot = await lookups.with_account(services, services.snapshot, account_id)
    cors = origins.allowed(request, snapshot.accounts[account_id])
    return replies.empty(origins.preflight(cors))


def _asked_pools(
    snapshot: Snapshot, account_id: str, pool_id: str, targets: str | None
) -> tuple[list[AskedPool], list[str]]:
    """The pools, each once, and the targets that none of them replaces."""
    by_target = snapshot.targets(account_id)
    if pool_id:
        named = snapshot.pools[pool_id]
        if named.pool.account != account_id:
            raise lookups.unknown_pool(pool_id)
        by_target = dict.fromkeys(named.pool.swap_targets, named)
        if not by_target:
            return [AskedPool(named.pool, ("",))], []
    on_page = by_target if targets is None else target_formats(targets)
    asked: dict[str, tuple[Pool, list[str]]] = {}
    unknown = []
    for target in on_page:
        prepared = by_target.get(target)
        if prepared is None:
            unknown.append(target)
        else:
            asked.setdefault(prepared.pool.id, (prepared.pool, []))[1].append(target)
    return [AskedPool(pool, replaced) for pool, replaced in asked.values()], unknown


@lru_cache(maxsize=1024)
def target_formats(text: str) -> Mapping[str, NumberFormat | None]:
    """The numbers in ``targets``, split by commas, and the format that each is wanted in.

    That is written after a colon (``+18005550100:national``); None: the pool's. A plus that became
    a blank in the URL counts.
    """
    targets = [target.strip() for target in text.split(",") if target.strip()]
    if len(targets) > MAX_TARGETS:
        raise Fault("targets", f"at most {MAX_TARGETS}")
    formats: dict[str, NumberFormat | None] = {}
    for target in targets:
        matched = _TARGET.fullmatch(target)
        if matched is None:
            message = f"{target[:40]!r} is not a number in E.164, with :FORMAT ({_FORMATS}) or not"
            raise Fault("targets", message)
        number = f"+{matched[1].removeprefix('+')}"
        wanted = NumberFormat(matched[2]) if matched[2] else None
        if formats.setdefault(number, wanted) is not wanted:
            raise Fault("targets", f"{number} is there twice, with different formats")
    return formats


def page_click(
    parameters: Mapping[str, str], *, is_phone: bool, publishers: Container[str]
) -> Click:
    """The click that a page reports; raises a Fault for a visitor id that is none.

    ``publishers``: accounts that the page's URL may name as its publisher.
    """
    return Click(
        parameters.get("url", ""),
        parameters.get("ref", ""),
        parameters,
        parameters.get("visitor", ""),
        {"device": "phone" if is_phone else "other"},
        publishers,
    )
