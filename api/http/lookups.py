"""Find a pool or an account for a request, or say why not."""

from __future__ import annotations

from collections.abc import Mapping

from api.http.refusals import Refusal
from api.http.services import Services
from ringpool.catalog.snapshot import PreparedPool
from ringpool.faults import Fault
from ringpool.model import Account


async def pool(services: Services, pool_id: str) -> PreparedPool:
    """The pool; raises Refusal 404, or StoreUnavailable when nothing could be read yet."""
    prepared = await services.keeper.pool(pool_id)
    if prepared is None:
        await check_started(services)
        raise unknown_pool(pool_id)
    return prepared


def unknown_pool(pool_id: str) -> Refusal:
    """404, for a pool that isn't there or isn't the caller's to see."""
    return Refusal(404, "UnknownPool", f"there is no pool {pool_id[:63]!r}")


async def account(services: Services, parameters: Mapping[str, str]) -> Account:
    """The account that ``account`` names; raises Refusal 400 or 404, or StoreUnavailable."""
    account_id = required(parameters, "account")
    found = services.snapshot.accounts.get(account_id)
    if found is None:
        await check_started(services)
        raise Refusal(404, "UnknownAccount", f"there is no account {account_id[:63]!r}")
    return found


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
