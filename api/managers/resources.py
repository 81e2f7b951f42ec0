"""For managers: accounts, pools and stocks as resources. Every change goes through the catalog.

The representation of a pool or stock leaves its ``numbers`` out (there may be a million): they
are a resource of their own. A body without ``numbers`` leaves them alone, as everywhere, and one
with ``numbers`` says all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from api.http import replies
from api.http.documents import parsed_object
from api.http.endpoint import Endpoint
from api.http.paging import page
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.managers.callers import Caller, caller
from ringpool.config import codec
from ringpool.faults import Fault, Faults
from ringpool.model import Account, Configuration, Entity, Pool, Stock

MAX_BODY_BYTES = 4 * 1024 * 1024


class AccountList(Struct, frozen=True, omit_defaults=True):
    """``next``: the ``after`` of the next page, absent on the last."""

    accounts: list[Account]
    next: str = ""


class PoolList(Struct, frozen=True, omit_defaults=True):
    """``next``: the ``after`` of the next page, absent on the last."""

    pools: list[Pool]
    next: str = ""


class StockList(Struct, frozen=True, omit_defaults=True):
    """``next``: the ``after`` of the next page, absent on the last."""

    stocks: list[Stock]
    next: str = ""


class Collection:
    """One kind of entity: its list and its items."""

    def __init__(self, section: str, kind: type[Entity], list_kind: type[Any]) -> None:
        self._section = section
        self._kind = kind
        self._list = list_kind
        singular = section.removesuffix("s")
        self.all = Endpoint(section, problem, {"GET": self._page, "POST": self._create})
        self.one = Endpoint(
            singular,
            problem,
            {
                "GET": self._read,
                "PUT": self._put,
                "PATCH": self._patch,
                "DELETE": self._delete,
            },
        )

    async def _page(self, request: Request) -> Reply:
        who = caller(request)
        await request.services.keeper.refresh()
        after, limit = page(request)
        known = self._known(request)
        ids = sorted(key for key in known if key > after and who.sees(owner(known[key])))
        shown = [known[key] for key in ids[:limit]]
        following = ids[limit - 1] if len(ids) > limit else ""
        return replies.json(self._list(shown, following))

    async def _create(self, request: Request) -> Reply:
        who = caller(request)
        wanted = self._entity(parsed_object(await request.document(MAX_BODY_BYTES)))
        self._check_writable(who, wanted, None)
        await request.services.keeper.refresh()
        if wanted.id in self._known(request):
            raise Refusal(409, "Exists", f"{wanted.id} exists already: PUT or PATCH it")
        await self._apply(request, wanted)
        location = f"/admin/v1/{self._section}/{wanted.id}".encode("ascii")
        return replies.json(
            self._known(request)[wanted.id], 201, headers=((b"location", location),)
        )

    async def _read(self, request: Request) -> Reply:
        return replies.json(await self._present(request, caller(request)))

    async def _put(self, request: Request) -> Reply:
        who = caller(request)
        entity_id = request.path("id")
        document = parsed_object(await request.document(MAX_BODY_BYTES))
        if document.setdefault("id", entity_id) != entity_id:
            raise Faults([Fault("id", "is another one than the URL's")])
        await request.services.keeper.refresh()
        present = self._known(request).get(entity_id)
        if present is not None and not who.sees(owner(present)):
            raise _unknown(self._kind, entity_id)
        return await self._replace(request, who, present, document)

    async def _patch(self, request: Request) -> Reply:
        who = caller(request)
        change = parsed_object(await request.document(MAX_BODY_BYTES))
        present = await self._present(request, who)
        if change.get("id", present.id) != present.id:
            raise Faults([Fault("id", "can't be changed")])
        whole = msgspec.to_builtins(present, enc_hook=codec.encode_hook)
        return await self._replace(request, who, present, _merged(whole, change))

    async def _delete(self, request: Request) -> Reply:
        who = caller(request)
        present = await self._present(request, who)
        self._check_writable(who, present, present)
        catalog = request.services.catalog
        try:
            if isinstance(present, Account):
                await catalog.delete_account(present.id)
            elif isinstance(present, Pool):
                await catalog.delete_pool(present.id)
            else:
                await catalog.delete_stock(present.id)
        except Fault as error:
            raise Refusal(409, "InUse", error.message, faults=(error,)) from None
        await request.services.keeper.refresh()
        return replies.empty()

    async def _replace(
        self, request: Request, who: Caller, present: Entity | None, document: dict[str, Any]
    ) -> Reply:
        wanted = self._entity(document)
        self._check_writable(who, wanted, present)
        await self._apply(request, wanted)
        saved = self._known(request)[wanted.id]
        return replies.json(saved, 201 if present is None else 200)

    async def _present(self, request: Request, who: Caller) -> Entity:
        await request.services.keeper.refresh()
        entity_id = request.path("id")
        present = self._known(request).get(entity_id)
        if present is None or not who.sees(owner(present)):
            raise _unknown(self._kind, entity_id)
        return present

    def _known(self, request: Request) -> Mapping[str, Entity]:
        directory = request.services.snapshot
        if self._kind is Account:
            return directory.accounts
        if self._kind is Stock:
            return directory.stocks
        return {key: prepared.pool for key, prepared in directory.pools.items()}

    def _entity(self, document: dict[str, Any]) -> Entity:
        found = list(codec.faults(document, self._kind, ""))
        if found:
            raise Faults(found)
        return codec.convert(document, self._kind)

    def _check_writable(self, who: Caller, entity: Entity, present: Entity | None) -> None:
        if isinstance(entity, Account):
            who.check_administrator()
            return
        who.check_owns(entity.account)
        if isinstance(entity, Pool) and entity.on_exhausted is not None:
            known = present.on_exhausted if isinstance(present, Pool) else None
            if entity.on_exhausted != known:
                # The service itself posts there, and can reach what an account's owner can't.
                who.check_administrator()

    async def _apply(self, request: Request, wanted: Entity) -> None:
        services = request.services
        try:
            await services.catalog.apply(_alone(wanted))
        except Faults as error:
            prefix = f"{self._section}[0]."
            raise Faults(_rooted(error.faults, prefix)) from None
        await services.keeper.refresh()


def problem(_request: Request, refused: Refusal) -> Reply:
    """The managers' error form."""
    return replies.problem(refused)


def owner(entity: Entity) -> str:
    """The account that an entity belongs to; an account belongs to itself."""
    return entity.id if isinstance(entity, Account) else entity.account


def _alone(entity: Entity) -> Configuration:
    match entity:
        case Account():
            return Configuration(accounts=(entity,))
        case Pool():
            return Configuration(pools=(entity,))
        case Stock():
            return Configuration(stocks=(entity,))


def _merged(present: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7396: null removes, objects are merged, everything else replaces."""
    merged = dict(present)
    for name, value in change.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            inner = merged.get(name)
            merged[name] = _merged(inner if isinstance(inner, dict) else {}, value)
        else:
            merged[name] = value
    return merged


def _rooted(faults: Iterable[Fault], prefix: str) -> list[Fault]:
    return [Fault(fault.field.removeprefix(prefix), fault.message) for fault in faults]


def _unknown(kind: type[Entity], entity_id: str) -> Refusal:
    word = kind.__name__.lower()
    return Refusal(404, f"Unknown{kind.__name__}", f"there is no {word} {entity_id[:63]!r}")


accounts = Collection("accounts", Account, AccountList)
pools = Collection("pools", Pool, PoolList)
stocks = Collection("stocks", Stock, StockList)
