"""For managers: accounts, pools and stocks as resources. Every change goes through the catalog.

The representation of a pool or stock leaves its ``numbers`` out (there may be a million): they
are a resource of their own. A body without ``numbers`` leaves them as they are; one with
``numbers`` lists all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from api.http import replies
from api.http.description import JSON, Operation, content, named, parameter
from api.http.documents import parsed_object
from api.http.endpoint import Endpoint, problem_form
from api.http.paging import page, page_parameters
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.managers.callers import Caller, ManagedOperation, authenticate
from api.managers.entity_schemas import patch_body, put_body, shown
from api.managers.merge_patch import merge_patch
from ringpool.config import codec
from ringpool.faults import Fault, Faults
from ringpool.model import Account, Configuration, Entity, Identifier, Pool, Stock

MAX_BODY_BYTES = 4 * 1024 * 1024


_EXAMPLES: Mapping[str, dict[str, Any]] = {
    "account": {
        "id": "newspress",
        "name": "The Newspress",
        "origins": ["https://www.newspress.example"],
    },
    "pool": {
        "id": "ad-placement",
        "account": "newspress",
        "parameters": ["website", "location", "path"],
        "min_duration": "10m",
        "overflow_number": "+18005550190",
        "landing_url": "https://www.newspress.example/subscribe",
        "swap_targets": ["+18005550100"],
    },
    "stock": {"id": "us-toll-free", "account": "newspress", "quarantine": "30d"},
}
"""One of each kind, for ``/openapi.json``."""

_CHANGE_PROBLEMS = (400, 401, 403, 404, 409, 413, 415, 422)


class Collection:
    """One kind of entity: the endpoints of the list and of one item."""

    def __init__(self, kind: type[Entity]) -> None:
        self._kind = kind
        self._name = kind.__name__.lower()
        self._section = f"{self._name}s"
        self.all = Endpoint(
            self._section,
            problem_form,
            {"GET": self._list, "POST": self._create},
            self._list_operations(),
        )
        self.one = Endpoint(
            self._name,
            problem_form,
            {
                "GET": self._read,
                "PUT": self._put,
                "PATCH": self._patch,
                "DELETE": self._delete,
            },
            self._item_operations(),
        )

    async def _list(self, request: Request) -> Reply:
        caller = authenticate(request)
        await request.services.keeper.refresh()
        after, limit = page(request)
        entities = self._entities(request)
        ids = sorted(id for id in entities if id > after and caller.may_see(entities[id]))
        following = {"next": ids[limit - 1]} if len(ids) > limit else {}
        return replies.json({self._section: [entities[id] for id in ids[:limit]]} | following)

    async def _create(self, request: Request) -> Reply:
        caller = authenticate(request)
        wanted = self._parse(parsed_object(await request.document(MAX_BODY_BYTES)))
        self._check_writable(caller, wanted, None)
        await request.services.keeper.refresh()
        if wanted.id in self._entities(request):
            raise Refusal(409, "Exists", f"{wanted.id} exists already: PUT or PATCH it")
        location = f"/admin/v1/{self._section}/{wanted.id}".encode("ascii")
        saved = await self._apply(request, wanted)
        return replies.json(saved, 201, headers=((b"location", location),))

    async def _read(self, request: Request) -> Reply:
        return replies.json(await self._find(request, authenticate(request)))

    async def _put(self, request: Request) -> Reply:
        caller = authenticate(request)
        entity_id = request.path("id")
        document = parsed_object(await request.document(MAX_BODY_BYTES))
        if document.setdefault("id", entity_id) != entity_id:
            raise Faults([Fault("id", "is another one than the URL's")])
        await request.services.keeper.refresh()
        present = self._entities(request).get(entity_id)
        if present is not None and not caller.may_see(present):
            raise self._unknown(entity_id)
        return await self._replace(request, caller, present, document)

    async def _patch(self, request: Request) -> Reply:
        caller = authenticate(request)
        patch = parsed_object(await request.document(MAX_BODY_BYTES))
        present = await self._find(request, caller)
        if patch.get("id", present.id) != present.id:
            raise Faults([Fault("id", "can't be changed")])
        document = msgspec.to_builtins(present, enc_hook=codec.encode_hook)
        return await self._replace(request, caller, present, merge_patch(document, patch))

    async def _delete(self, request: Request) -> Reply:
        caller = authenticate(request)
        present = await self._find(request, caller)
        self._check_writable(caller, present, present)
        catalog = request.services.catalog
        try:
            match present:
                case Account():
                    await catalog.delete_account(present.id)
                case Pool():
                    await catalog.delete_pool(present.id)
                case Stock():
                    await catalog.delete_stock(present.id)
        except Fault as error:
            raise Refusal(409, "InUse", error.message, faults=(error,)) from None
        await request.services.keeper.refresh()
        return replies.empty()

    async def _replace(
        self, request: Request, caller: Caller, present: Entity | None, document: dict[str, Any]
    ) -> Reply:
        wanted = self._parse(document)
        self._check_writable(caller, wanted, present)
        return replies.json(await self._apply(request, wanted), 201 if present is None else 200)

    async def _apply(self, request: Request, wanted: Entity) -> Entity:
        """Save the entity; returns it as it is then. Raises Faults, their paths inside of it."""
        services = request.services
        try:
            await services.catalog.apply(_configuration(wanted))
        except Faults as error:
            prefix = f"{self._section}[0]."
            raise Faults(
                Fault(fault.field.removeprefix(prefix), fault.message) for fault in error.faults
            ) from None
        await services.keeper.refresh()
        return self._entities(request)[wanted.id]

    async def _find(self, request: Request, caller: Caller) -> Entity:
        """The entity that the path names, if the caller may see it; raises Refusal 404."""
        await request.services.keeper.refresh()
        entity_id = request.path("id")
        present = self._entities(request).get(entity_id)
        if present is None or not caller.may_see(present):
            raise self._unknown(entity_id)
        return present

    def _entities(self, request: Request) -> Mapping[str, Entity]:
        """All of this kind by id, as the worker knows them now."""
        snapshot = request.services.snapshot
        if self._kind is Account:
            return snapshot.accounts
        if self._kind is Stock:
            return snapshot.stocks
        return {pool_id: prepared.pool for pool_id, prepared in snapshot.pools.items()}

    def _parse(self, document: dict[str, Any]) -> Entity:
        """The document as an entity; raises Faults that name every field that is wrong."""
        faults = list(codec.faults(document, self._kind, ""))
        if faults:
            raise Faults(faults)
        return codec.convert(document, self._kind)

    def _check_writable(self, caller: Caller, entity: Entity, present: Entity | None) -> None:
        """Raise Refusal 403 when the caller may not put ``entity`` in ``present``'s place."""
        if isinstance(entity, Account):
            caller.check_administrator()
            return
        caller.check_owns(entity)
        if isinstance(entity, Pool) and entity.on_exhausted is not None:
            known = present.on_exhausted if isinstance(present, Pool) else None
            if entity.on_exhausted != known:
                # The service itself posts there, and can reach what an account's owner can't.
                caller.check_administrator()

    def _unknown(self, entity_id: str) -> Refusal:
        return Refusal(
            404, f"Unknown{self._kind.__name__}", f"there is no {self._name} {entity_id[:63]!r}"
        )

    def _list_operations(self) -> list[Operation]:
        section, name, entity = self._section, self._name, shown(self._kind)
        listed = named(
            f"{self._kind.__name__}List",
            {section: {"type": "array", "items": entity}, "next": str},
            [section],
        )
        example = _EXAMPLES[name]
        problems = _CHANGE_PROBLEMS
        return [
            ManagedOperation(
                "GET",
                f"list_{section}",
                f"The {section}, by id",
                {200: content(listed)},
                (400, 401),
                page_parameters(example=example["id"]),
                tag=section,
                examples={200: {section: [example]}},
            ),
            ManagedOperation(
                "POST",
                f"create_{name}",
                f"Make a {name}",
                {201: entity},
                problems,
                body=entity,
                tag=section,
                examples={201: example},
                example=example,
            ),
        ]

    def _item_operations(self) -> list[Operation]:
        name, entity, put = self._name, shown(self._kind), put_body(self._kind)
        patch = content(patch_body(self._kind), JSON, "application/merge-patch+json")
        problems = _CHANGE_PROBLEMS
        example = _EXAMPLES[name]
        ids = [parameter("id", Identifier, "path", text=f"The {name}'s id", example=example["id"])]
        operation = partial(ManagedOperation, parameters=ids, tag=self._section)
        reading = f"A {name} without its numbers"
        replacing = "Make or replace; numbers are left alone unless given"
        changing = "Change some fields (RFC 7396)"
        removing = "Remove it; refused while it is in use"
        made = {200: entity, 201: entity}
        return [
            operation(
                "GET",
                f"get_{name}",
                reading,
                {200: entity},
                (401, 404),
                examples={200: example},
            ),
            operation(
                "PUT",
                f"put_{name}",
                replacing,
                made,
                problems,
                body=put,
                examples={200: example, 201: example},
                example=example,
            ),
            operation(
                "PATCH",
                f"patch_{name}",
                changing,
                {200: entity},
                problems,
                body=patch,
                examples={200: example},
                example=dict([list(example.items())[-1]]),
            ),
            operation("DELETE", f"delete_{name}", removing, {204: None}, (401, 403, 404, 409)),
        ]


def _configuration(entity: Entity) -> Configuration:
    """A configuration of this entity alone."""
    match entity:
        case Account():
            return Configuration(accounts=(entity,))
        case Pool():
            return Configuration(pools=(entity,))
        case Stock():
            return Configuration(stocks=(entity,))


accounts = Collection(Account)
pools = Collection(Pool)
stocks = Collection(Stock)
