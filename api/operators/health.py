"""For operators: is the process alive, can it serve, and its metrics."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from importlib.metadata import version

from msgspec import Struct

from allocator.answers import PoolStatus
from allocator.gather import gather_limited
from allocator.port import StoreUnavailable, Unconfirmed
from allocator.replies import UnknownPool
from api import metrics
from api.http import replies
from api.http.description import PLAIN, Operation, content
from api.http.endpoint import Endpoint, problem_form
from api.http.refusals import RETRY_AFTER, Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.http.services import Services

READY_SECONDS = 1.0
"""How long ``/readyz`` waits for the store, and ``/metrics`` for the configuration."""

SCRAPE_SECONDS = 2.0
"""How long ``/metrics`` spends on pools; what isn't read by then is left out of this scrape."""

_MAX_READERS = 32
"""Pools that a scrape reads from the store at the same time."""


class Health(Struct, frozen=True):
    """``status``: ``alive`` or ``ready``."""

    status: str
    version: str


async def _livez(_request: Request) -> Reply:
    """The process alone: a store that is away isn't cured by a restart of the process."""
    return replies.json(Health("alive", version("ringpool")))


async def _readyz(request: Request) -> Reply:
    try:
        await asyncio.wait_for(request.services.store.ping(), READY_SECONDS)
    except Unconfirmed as error:
        reason = f"nothing new is given, as changes aren't confirmed: {error}"
        raise Refusal(503, "StoreUnavailable", reason, headers=(RETRY_AFTER,)) from None
    except (StoreUnavailable, TimeoutError):
        raise Refusal(
            503, "StoreUnavailable", "the store doesn't answer", headers=(RETRY_AFTER,)
        ) from None
    return replies.json(Health("ready", version("ringpool")))


async def _metrics(request: Request) -> Reply:
    services = request.services
    with suppress(StoreUnavailable, TimeoutError):  # then as it was read last
        await asyncio.wait_for(services.keeper.refresh(), READY_SECONDS)
    pools = await _statuses(services)
    up = bool(pools) or not services.snapshot.pools
    body = services.metrics.exposition(pools, store_up=up)
    return Reply(200, metrics.CONTENT_TYPE, body)


async def _statuses(services: Services) -> list[tuple[str, PoolStatus]]:
    """Every pool's status, as many as the store gives within SCRAPE_SECONDS.

    A store that is away, or a part of a cluster, isn't asked for every pool: the scrape ends when
    as many reads have failed as go on at the same time.
    """
    found: list[tuple[str, PoolStatus]] = []
    failures = 0

    async def read(pool_id: str) -> None:
        nonlocal failures
        try:
            found.append((pool_id, await services.allocator.status(pool_id)))
        except UnknownPool:
            pass  # deleted since the snapshot
        except StoreUnavailable:
            failures += 1
            if failures == _MAX_READERS:
                raise

    with suppress(TimeoutError, StoreUnavailable):
        async with asyncio.timeout(SCRAPE_SECONDS):
            await gather_limited(read, services.snapshot.pools, _MAX_READERS)
    return sorted(found, key=lambda pair: pair[0])


_LIVEZ = Operation(
    "GET",
    "livez",
    "The process lives; the store isn't looked at",
    {200: Health},
    tag="operators",
    text="For what restarts a process that hangs. A store that is away is no reason to restart.",
    examples={200: {"status": "alive", "version": "0.1.0"}},
)
_READYZ = Operation(
    "GET",
    "readyz",
    "The store answers too, and confirms changes",
    {200: Health},
    (),
    tag="operators",
    text="For what sends requests here or elsewhere. Waits for the store a second at most. "
    "503 also when too few replicas confirm changes, and how many do.",
    examples={200: {"status": "ready", "version": "0.1.0"}},
)
_METRICS = Operation(
    "GET",
    "metrics",
    "Figures in Prometheus' text format",
    {200: content(str, PLAIN)},
    tag="operators",
    text="What was asked for and answered, how fast, and every pool's numbers as they stand.",
    examples={200: 'ringpool_pool_unassigned{pool="ad-placement"} 2.0\n'},
)
livez = Endpoint("livez", problem_form, {"GET": _livez}, [_LIVEZ])
readyz = Endpoint("readyz", problem_form, {"GET": _readyz}, [_READYZ])
exposition = Endpoint("metrics", problem_form, {"GET": _metrics}, [_METRICS])
