"""Find a pool or an account for a request, or refuse it.

A request is answered under one snapshot of the configuration. One that doesn't know what is asked
for may be replaced by a newer one here, before anything was decided by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from api.http.refusals import Refusal
from api.http.services import Services
from ringpool.catalog.snapshot import PreparedPool, Snapshot
from ringpool.faults import Fault
from ringpool.model import Stock


async def with_pool(services: Services, snapshot: Snapshot, pool_id: str) -> Snapshot:
    """The snapshot if it has the pool, else a newer one that has it.

    Raises Refusal 404, or StoreUnavailable when nothing could be read yet.
    """
    if pool_id in snapshot.pools:
        return snapshot
    await services.keeper.look()
    await check_started(services)
    newer = services.snapshot
    if pool_id not in newer.pools:
        raise unknown_pool(pool_id)
    return newer


async def with_known_pools(
    services: Services, snapshot: Snapshot, pool_ids: Iterable[str]
) -> Snapshot:
    """The snapshot if it has all these pools, else one read after this was called.

    The store is asked once, however many aren't known; some may be unknown after that.
    """
    for pool_id in pool_ids:
        if pool_id not in snapshot.pools:
            await services.keeper.look()
            return services.snapshot
    return snapshot


async def with_account(services: Services, snapshot: Snapshot, account_id: str) -> Snapshot:
    """The snapshot if it has the account, else a newer one, as ``with_pool``."""
    if account_id in snapshot.accounts:
        return snapshot
    await services.keeper.look()
    await check_started(services)
    newer = services.snapshot
    if account_id not in newer.accounts:
        raise Refusal(404, "UnknownAccount", f"there is no account {account_id[:63]!r}")
    return newer


async def pool(services: Services, pool_id: str) -> PreparedPool:
    """The pool, for a request that needs no more of the configuration; raises as ``with_pool``."""
    return (await with_pool(services, services.snapshot, pool_id)).pools[pool_id]


async def stock(services: Services, stock_id: str) -> Stock:
    """The stock, as ``pool``."""
    if stock_id not in services.snapshot.stocks:
        await services.keeper.look()
        await check_started(services)
    found = services.snapshot.stocks.get(stock_id)
    if found is None:
        raise unknown_stock(stock_id)
    return found


def unknown_stock(stock_id: str) -> Refusal:
    """404, for a stock that isn't there or that the caller may not see."""
    return Refusal(404, "UnknownStock", f"there is no stock {stock_id[:63]!r}")


def unknown_pool(pool_id: str) -> Refusal:
    """404, for a pool that isn't there or that the caller may not see."""
    return Refusal(404, "UnknownPool", f"there is no pool {pool_id[:63]!r}")


def required(parameters: Mapping[str, str], name: str) -> str:
    """A parameter that must be there and not empty; raises Refusal 400."""
    value = parameters.get(name, "")
    if not value:
        missing = Fault(name, "missing")
        raise Refusal(400, "MissingParameter", str(missing), faults=(missing,))
    return value


async def check_started(services: Services) -> None:
    """A worker that started while the store was away knows nothing yet: that is no 404.

    Raises StoreUnavailable then.
    """
    if services.snapshot.revision == 0:
        await services.keeper.refresh()
