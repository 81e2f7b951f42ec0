"""Who calls the managers' API, and what a caller may see and change.

A caller is the administrator, or an account that is limited to what is its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from allocator.answers import Holding
from api.http import lookups
from api.http.api_keys import missing_scope, scopes_of, used_key
from api.http.description import Operation
from api.http.refusals import Refusal
from api.http.request import Request
from ringpool.catalog.audit import Actor
from ringpool.catalog.snapshot import PreparedPool
from ringpool.model import Account, Entity, Pool, Scope, Stock, without_secrets

_MAX_PATH = 200
"""Characters of a path that are noted with a change."""

_CHALLENGE = (b"www-authenticate", b'Bearer realm="ringpool admin"')


def ManagedOperation(*args: Any, **more: Any) -> Operation:  # noqa: N802 - it makes one
    """An operation that needs a manager's token, or a key with one of its ``scopes``.

    Where none are named: READ, to change something MANAGE.
    """
    made = Operation(*args, **more)
    scopes = made.scopes or (Scope.READ if made.method == "GET" else Scope.MANAGE,)
    problems, refusals = made.problems or (), made.refusals
    classes = ["MissingScope"]
    if 403 in problems:
        classes.append("Forbidden")
    else:
        refusals = {**refusals, 403: ("MissingScope", missing_scope(scopes).message)}
    if made.method != "GET" and Scope.MANAGE in scopes:
        classes.append("QuotaExceeded")
    return made._replace(
        security=("Bearer",),
        scopes=scopes,
        problems=sorted({*problems, 403}),
        refusals=refusals,
        classes={403: classes},
    )


@dataclass(frozen=True, slots=True)
class Caller:
    """Who it is, and what the key allows.

    ``account``: the id of the account whose key it is; None for the administrator. ``key``: the
    key's name; "" for the administrator. ``expires``: Unix seconds before which the key works.
    """

    account: str | None
    key: str = ""
    scopes: frozenset[Scope] = frozenset(Scope)
    expires: float = math.inf

    def actor(self, request: Request) -> Actor:
        """Who the audit log says makes a change with this request."""
        client = request.scope.get("client")
        return Actor(
            kind="administrator" if self.account is None else "account",
            account=self.account or "",
            key=self.key,
            address=client[0] if client else "",
            via=f"{request.method} {request.scope['path'][:_MAX_PATH]}",
        )

    def may_see(self, entity: Entity) -> bool:
        """Whether the entity belongs to this caller. To others it is as if it weren't there."""
        owner = entity.id if isinstance(entity, Account) else entity.account
        return self.account is None or self.account == owner

    def shown(self, entity: Entity) -> Entity:
        """The entity without keys by which this caller could do more than it may.

        Of API keys there are but hashes; somebody may have chosen a text that can be guessed. The
        secrets of webhooks are shown to nobody.
        """
        entity = without_secrets(entity)
        if isinstance(entity, Pool) and not self.scopes & {Scope.ALLOCATE, Scope.MANAGE}:
            return msgspec.structs.replace(entity, key=UNSET, former_key=UNSET)
        if isinstance(entity, Account) and Scope.MANAGE not in self.scopes:
            return msgspec.structs.replace(entity, api_keys=UNSET)
        return entity

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
    """Whose token it is; raises Refusal 401, and 403 for a key without the scope needed here."""
    token = request.bearer()
    if token:
        if request.services.keyring.is_admin(token):
            return Caller(None)
        known = used_key(request, request.services.snapshot, token, _CHALLENGE)
        if known is not None:
            return Caller(known.account.id, known.key.name, scopes_of(known), known.expires)
    raise Refusal(
        401,
        "Unauthorized",
        "send Authorization: Bearer with a token of this service",
        headers=(_CHALLENGE,),
    )


async def callers_pool(request: Request) -> PreparedPool:
    """The pool that the path's ``id`` names, if the caller may see it.

    Raises Refusal 401, 403, 404.
    """
    caller = authenticate(request)
    pool_id = request.path("id")
    prepared = await lookups.pool(request.services, pool_id)
    if not caller.may_see(prepared.pool):
        raise lookups.unknown_pool(pool_id)
    return prepared


async def callers_stock(request: Request) -> Stock:
    """The stock that the path's ``id`` names, likewise."""
    caller = authenticate(request)
    stock_id = request.path("id")
    stock = await lookups.stock(request.services, stock_id)
    if not caller.may_see(stock):
        raise lookups.unknown_stock(stock_id)
    return stock
