"""Who calls the managers' API, and what a caller may see and change.

A caller is the administrator, or an account that is limited to what is its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from allocator.answers import Holding
from api.http import lookups
from api.http.description import Operation
from api.http.refusals import Refusal
from api.http.request import Request
from ringpool.catalog.audit import Actor
from ringpool.catalog.snapshot import PreparedPool
from ringpool.model import Account, Entity, Pool

_MAX_PATH = 200
"""Characters of a path that are noted with a change."""

_CHALLENGE = (b"www-authenticate", b'Bearer realm="ringpool admin"')

ManagedOperation = partial(Operation, security=("Bearer",))
"""An operation that needs a manager's token."""


@dataclass(frozen=True, slots=True)
class Caller:
    """``account``: the id of the account whose key it is; None for the administrator."""

    account: str | None

    def actor(self, request: Request) -> Actor:
        """Who the audit log says makes a change with this request."""
        client = request.scope.get("client")
        return Actor(
            kind="administrator" if self.account is None else "account",
            account=self.account or "",
            address=client[0] if client else "",
            via=f"{request.method} {request.scope['path'][:_MAX_PATH]}",
        )

    def may_see(self, entity: Entity) -> bool:
        """Whether the entity belongs to this caller. To others it is as if it weren't there."""
        owner = entity.id if isinstance(entity, Account) else entity.account
        return self.account is None or self.account == owner

    def may_see_holding(self, holding: Holding, pool: Pool | None) -> bool:
        """Whether this caller may know who held a number, in a pool that was its own then.

        ``pool``: the one that has the holding's pool id now; only holdings of before owners were
        noted go by that.
        """
        if self.account is None:
            return True
        if holding.owner:
            return holding.owner == self.account
        return pool is not None and self.may_see(pool)

    def check_owns(self, entity: Entity) -> None:
        """Raise Refusal 403 when this caller would give something to another account."""
        if not self.may_see(entity):
            raise Refusal(403, "Forbidden", f"this key is for account {self.account} alone")

    def check_administrator(self) -> None:
        """Raise Refusal 403 for an account's key."""
        if self.account is not None:
            raise Refusal(403, "Forbidden", "only the administrator's token may do this")


def authenticate(request: Request) -> Caller:
    """Whose token it is; raises Refusal 401."""
    token = request.bearer()
    if token:
        if request.services.keyring.is_admin(token):
            return Caller(None)
        owner = request.services.snapshot.account_of_key(token)
        if owner is not None:
            return Caller(owner.id)
    raise Refusal(
        401,
        "Unauthorized",
        "send Authorization: Bearer with a token of this service",
        headers=(_CHALLENGE,),
    )


async def callers_pool(request: Request) -> PreparedPool:
    """The pool that the path's ``id`` names, if the caller may see it; raises Refusal 401, 404."""
    caller = authenticate(request)
    pool_id = request.path("id")
    prepared = await lookups.pool(request.services, pool_id)
    if not caller.may_see(prepared.pool):
        raise lookups.unknown_pool(pool_id)
    return prepared
