"""For managers: accounts, pools and stocks as resources. Every change goes through the catalog.

The representation of a pool or stock leaves its ``numbers`` out (there may be a million): they
are a resource of their own. A body without ``numbers`` leaves them as they are; one with
``numbers`` lists all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import islice
from typing import Any

import msgspec

from api.http import replies
from api.http.description import (
    INVALID_JSON,
    JSON,
    Operation,
    content,
    named,
    parameter,
    too_large,
)
from api.http.documents import parsed_object
from api.http.endpoint import Endpoint, problem_form
from api.http.paging import PAGE_REFUSALS, page, page_parameters
from api.http.refusals import MAX_FAULTS, Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.managers.callers import Caller, ManagedOperation, authenticate
from api.managers.entity_schemas import patch_body, put_body, shown
from api.managers.merge_patch import merge_patch
from ringpool.aside import aside
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
        "when": {"host": "www.newspress.example"},
        "swap_targets": ["+18005550100"],
    },
    "stock": {"id": "us-toll-free", "account": "newspress", "quarantine": "30d"},
}
"""One of each kind, for ``/openapi.json``."""

_CREATE_PROBLEMS = (400, 401, 403, 409, 413, 415, 422)
_CHANGE_PROBLEMS = (400, 401, 403, 404, 413, 415, 422)

_REFUSALS: Mapping[str, dict[int, tuple[str, str]]] = {
    "account": {
        403: ("Forbidden", "only the administrator's token may do this"),
        422: ("InvalidDocument", "name: expected text, got 1: put it in quotes"),
    },
    "pool": {
        422: ("InvalidDocument", "min_duration: 0s is outside 1s to 10y"),
    },
    "stock": {
        422: (
            "InvalidDocument",
            "quarantine: 'soon' is not a duration: write a number and one of s m h d w y",
        ),
    },
}
"""What is peculiar to a kind."""

_READING = {
    "account": "Its name, its pages' origins and its API keys.",
    "pool": "Its rules and its key. Its numbers are at `/admin/v1/pools/{id}/numbers`.",
    "stock": "Without its numbers, of which there may be a million.",
}
_REMOVING = {
    "account": "Refused while it has pools or stocks.",
    "pool": "Refused while it has numbers: PATCH `numbers: []`, and wait until they have drained.",
    "stock": "Refused while it has numbers, and while a pool grows from it.",
}
_IN_USE = {
    "account": "newspress still has stock us-toll-free",
    "pool": "ad-placement still has numbers: remove them, and wait until they have drained",
    "stock": "pool ad-placement grows from us-toll-free",
}
"""Why one is not removed."""


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
        body = await request.document(MAX_BODY_BYTES)
        wanted = await aside(len(body), lambda: self._parse(parsed_object(body)))
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
        wanted = await aside(_values(document), self._parse, document)
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
        faults = list(islice(codec.faults(document, self._kind, ""), MAX_FAULTS + 1))
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
        return [
            ManagedOperation(
                "GET",
                f"list_{section}",
                f"The {section}, by id",
                {200: content(listed)},
                (400, 401),
                page_parameters(example=example["id"]),
                tag=section,
                text="An account's key sees its own. A page that has `next` isn't the last: ask "
                "again with that as `after`.",
                examples={200: {section: [example]}},
                refusals=PAGE_REFUSALS,
            ),
            ManagedOperation(
                "POST",
                f"create_{name}",
                f"Make a {name}",
                {201: entity},
                _CREATE_PROBLEMS,
                body=entity,
                tag=section,
                text="Refused where there is one of this id; PUT makes it or replaces it.",
                examples={201: example},
                example=example,
                refusals=self._refusals(),
            ),
        ]

    def _item_operations(self) -> list[Operation]:
        name, entity, put = self._name, shown(self._kind), put_body(self._kind)
        patch = content(patch_body(self._kind), JSON, "application/merge-patch+json")
        problems = _CHANGE_PROBLEMS
        example = _EXAMPLES[name]
        ids = [parameter("id", Identifier, "path", text=f"The {name}'s id", example=example["id"])]
        operation = partial(
            ManagedOperation, parameters=ids, tag=self._section, refusals=self._refusals()
        )
        made = {200: entity, 201: entity}
        return [
            operation(
                "GET",
                f"get_{name}",
                f"One {name}",
                {200: entity},
                (401, 404),
                text=_READING[name],
                examples={200: example},
            ),
            operation(
                "PUT",
                f"put_{name}",
                f"Make or replace a {name}",
                made,
                problems,
                body=put,
                text="Fields that aren't given get their defaults, all but `numbers`: without them "
                "those that are there stay, and a list is the whole list. 201: it was made.",
                examples={200: example, 201: example},
                example=example,
            ),
            operation(
                "PATCH",
                f"patch_{name}",
                f"Change some fields of a {name}",
                {200: entity},
                problems,
                body=patch,
                text="A JSON merge patch (RFC 7396): fields that aren't given stay as they are, "
                "null gives a field its default.",
                examples={200: example},
                example=dict([list(example.items())[-1]]),
            ),
            operation(
                "DELETE",
                f"delete_{name}",
                f"Remove a {name}",
                {204: None},
                (401, 403, 404, 409) if self._kind is Account else (401, 404, 409),
                text=_REMOVING[name],
                refusals={**self._refusals(), 409: ("InUse", f"{name}: {_IN_USE[name]}")},
            ),
        ]

    def _refusals(self) -> dict[int, tuple[str, str]]:
        """Class and detail of problems, for ``/openapi.json``."""
        name, example = self._name, _EXAMPLES[self._name]
        return {
            400: INVALID_JSON,
            404: (f"Unknown{self._kind.__name__}", f"there is no {name} '{example['id']}'"),
            409: ("Exists", f"{example['id']} exists already: PUT or PATCH it"),
            413: too_large(MAX_BODY_BYTES),
            **_REFUSALS[name],
        }


def _values(document: Mapping[str, Any]) -> int:
    """About how many values a document holds: how long it takes to check it."""
    return sum(len(value) for value in document.values() if isinstance(value, list | dict)) + len(
        document
    )


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
