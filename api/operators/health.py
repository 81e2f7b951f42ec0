"""For operators: is the process alive, can it serve, and how do things stand."""

from __future__ import annotations

import asyncio
from importlib.metadata import version

from msgspec import Struct

from allocator.answers import PoolStatus
from allocator.gather import gather_limited
from allocator.port import StoreUnavailable
from allocator.replies import UnknownPool
from api import metrics
from api.http import replies
from api.http.endpoint import Endpoint
from api.http.refusals import RETRY_AFTER, Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.http.services import Services

READY_SECONDS = 1.0
"""How long ``/readyz`` waits for the store."""

SCRAPE_SECONDS = 2.0
"""How long ``/metrics`` spends on pools; what isn't read by then is left out of this scrape."""

_AT_ONCE = 32


class Health(Struct, frozen=True):
    """``status``: ``alive`` or ``ready``."""

    status: str
    version: str


async def _livez(_request: Request) -> Reply:
    """The process alone: a restart doesn't cure a store that is away."""
    return replies.json(Health("alive", version("ringpool")))


async def _readyz(request: Request) -> Reply:
    try:
        await asyncio.wait_for(request.services.store.ping(), READY_SECONDS)
    except (StoreUnavailable, TimeoutError):
        raise Refusal(
            503, "StoreUnavailable", "the store doesn't answer", headers=(RETRY_AFTER,)
        ) from None
    return replies.json(Health("ready", version("ringpool")))


async def _metrics(request: Request) -> Reply:
    services = request.services
    pools = await _statuses(services)
    up = bool(pools) or not services.snapshot.pools
    body = services.metrics.exposition(pools, store_up=up)
    return Reply(200, metrics.CONTENT_TYPE, body)


async def _statuses(services: Services) -> list[tuple[str, PoolStatus]]:
    """Every pool's status, as many as the store gives within SCRAPE_SECONDS."""
    found: list[tuple[str, PoolStatus]] = []
    failures = 0

    async def read(pool_id: str) -> None:
        nonlocal failures
        if failures >= _AT_ONCE:  # a store that is down costs one deadline, not one a pool
            return
        try:
            found.append((pool_id, await services.allocator.status(pool_id)))
        except UnknownPool:
            pass
        except StoreUnavailable:
            failures += 1

    try:
        async with asyncio.timeout(SCRAPE_SECONDS):
            await gather_limited(read, services.snapshot.pools, _AT_ONCE)
    except TimeoutError:
        pass
    return sorted(found, key=lambda pair: pair[0])


def _problem(_request: Request, refused: Refusal) -> Reply:
    return replies.problem(refused)


livez = Endpoint("livez", _problem, {"GET": _livez})
readyz = Endpoint("readyz", _problem, {"GET": _readyz})
exposition = Endpoint("metrics", _problem, {"GET": _metrics})
