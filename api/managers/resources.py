"""For managers: accounts, pools and stocks as resources. Every change goes through the catalog.

The representation of a pool or stock leaves its ``numbers`` out (there may be a million): they
are a resource of their own. A body without ``numbers`` leaves them as they are; one with
``numbers`` lists all of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from api.http import replies
from api.http.description import (
    DESCRIPTIONS,
    INVALID_JSON,
    JSON,
    Described,
    Operation,
    Schema,
    content,
    named,
    parameter,
    response,
    too_large,
)
from api.http.documents import converted, parsed_object
from api.http.paging import PAGE_REFUSALS, page, page_parameters
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.managers import conditions
from api.managers.callers import Caller, ManagedOperation, authenticate
from api.managers.entity_schemas import patch_body, put_body, shown
from api.managers.managed_endpoint import managed_endpoint
from api.managers.merge_patch import merge_patch
from ringpool.aside import aside
from ringpool.catalog.condition import Condition, ConditionUnmet
from ringpool.config import codec
from ringpool.faults import Fault, Faults, OverQuota
from ringpool.model import KINDS, Account, Entity, Identifier, Kind, Pool, Stock, without_secrets

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
        "destination": "+18885551234",
        "whisper": "A call from {website}, {location}",
        "landing_url": "https://www.newspress.example/subscribe",
        "when": {"host": "www.newspress.example"},
        "swap_targets": ["+18005550100"],
    },
    "stock": {"id": "us-toll-free", "account": "newspress", "quarantine": "30d"},
}
"""One of each kind, for ``/openapi.json``."""

_CREATE_PROBLEMS = (400, 401, 403, 409, 413, 415, 422)
_PATCH_PROBLEMS = (400, 401, 403, 404, 412, 413, 415, 422)
_PUT_PROBLEMS = (*_PATCH_PROBLEMS, 428)
_PUT_ACCOUNT_PROBLEMS = (400, 401, 403, 412, 413, 415, 422, 428)

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

_OWN_KEY = " An account's own key, with the scope manage, may change `notify` and `carriers` alone."

_READING = {
    "account": "Its name, its pages' origins and its API keys: their hashes, for who may manage.",
    "pool": "Its rules, and its key for who may allocate or manage. Its numbers are at "
    "`/admin/v1/pools/{id}/numbers`.",
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
        self._name: Kind = next(name for name, entity in KINDS.items() if entity is kind)
        self._section = f"{self._name}s"
        self.all = managed_endpoint(
            self._section,
            {"GET": self._list, "POST": self._create},
            self._list_operations(),
        )
        self.one = managed_endpoint(
            self._name,
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
        return conditions.listed(
            request, {self._section: [caller.shown(entities[id]) for id in ids[:limit]]} | following
        )

    async def _create(self, request: Request) -> Reply:
        caller = authenticate(request)
        condition = conditions.condition(request, caller, exists=False)
        body = await request.document(MAX_BODY_BYTES)
        wanted = await aside(len(body), lambda: self._parse(parsed_object(body)))
        check_writable(caller, wanted, None)
        location = f"/admin/v1/{self._section}/{wanted.id}".encode("ascii")

        async def made(_: Entity | None) -> Entity:
            return wanted

        return await self._change(
            request, caller, wanted.id, made, condition, (b"location", location)
        )

    async def _read(self, request: Request) -> Reply:
        caller = authenticate(request)
        entity_id = request.path("id")
        while True:
            await request.services.keeper.refresh()
            entities, revision = self._entities(request), request.services.snapshot.revision
            present = entities.get(entity_id)
            if present is None or not caller.may_see(present):
                raise ConditionUnmet(self._name, entity_id, "unknown")
            at, (version,) = await request.services.catalog.versions(self._name, [entity_id])
            if at == revision:  # else it was changed between the two, and is read again
                return conditions.shown(request, caller.shown(present), version)

    async def _put(self, request: Request) -> Reply:
        caller = authenticate(request)
        if self._kind is Account:  # first, so that it doesn't tell which accounts there are
            caller.check_administrator()
        entity_id = request.path("id")
        condition = conditions.condition(request, caller, named=True)
        document = parsed_object(await request.document(MAX_BODY_BYTES))
        if document.setdefault("id", entity_id) != entity_id:
            raise Faults([Fault("id", "is another one than the URL's")])
        wanted = await aside(_values(document), self._parse, document)

        async def made(present: Entity | None) -> Entity:
            check_writable(caller, wanted, present)
            return wanted

        try:
            return await self._change(request, caller, entity_id, made, condition)
        except ConditionUnmet as error:
            if error.unmet == "exists":  # If-None-Match: *
                raise Refusal(412, "Exists", str(error)) from None
            raise

    async def _patch(self, request: Request) -> Reply:
        caller = authenticate(request)
        condition = conditions.condition(request, caller, exists=True)
        patch = parsed_object(await request.document(MAX_BODY_BYTES))
        entity_id = request.path("id")

        async def patched(present: Entity | None) -> Entity:
            assert present is not None
            if patch.get("id", entity_id) != entity_id:
                raise Faults([Fault("id", "can't be changed")])
            document = msgspec.to_builtins(present, enc_hook=codec.encode_hook)
            wanted = await aside(_values(patch), self._parse, merge_patch(document, patch))
            check_writable(caller, wanted, present)
            return wanted

        return await self._change(request, caller, entity_id, patched, condition)

    async def _delete(self, request: Request) -> Reply:
        caller = authenticate(request)
        condition = conditions.condition(request, caller, exists=True)
        if self._kind is Account:
            caller.check_administrator()
        catalog, entity_id = request.services.catalog.by(caller.actor(request)), request.path("id")
        delete = {
            "account": catalog.delete_account,
            "pool": catalog.delete_pool,
            "stock": catalog.delete_stock,
        }[self._name]
        try:
            await delete(entity_id, condition)
        except OverQuota:
            raise
        except Fault as error:
            raise Refusal(409, "InUse", error.message, faults=(error,)) from None
        await request.services.keeper.refresh()
        return replies.empty()

    async def _change(
        self,
        request: Request,
        caller: Caller,
        entity_id: str,
        make: Callable[[Entity | None], Awaitable[Entity]],
        condition: Condition,
        *headers: tuple[bytes, bytes],
    ) -> Reply:
        """Save what ``make`` returns of what is there; raises Faults, their paths inside of it.

        The answer shows what this change made, whoever changes it again meanwhile.
        """
        services = request.services
        try:
            catalog = services.catalog.by(caller.actor(request))
            saved = await catalog.change(self._name, entity_id, make, condition)
        except Faults as error:
            prefix = f"{self._section}[0]."
            raise Faults(
                Fault(fault.field.removeprefix(prefix), fault.message) for fault in error.faults
            ) from None
        await services.keeper.refresh()
        status = 201 if saved.made else 200
        visible = without_secrets(saved.entity)
        return replies.json(visible, status, (*headers, conditions.etag(saved.version)))

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
        return converted(document, self._kind)

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
                {200: _versioned(200, listed), 304: None},
                (400, 401),
                (*page_parameters(example=example["id"]), conditions.IF_CHANGED),
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
                {201: _versioned(201, entity)},
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
        example = _EXAMPLES[name]
        ids = [parameter("id", Identifier, "path", text=f"The {name}'s id", example=example["id"])]
        operation = partial(ManagedOperation, tag=self._section)
        refusals = self._refusals()
        one = {200: _versioned(200, entity)}
        made = {**one, 201: _versioned(201, entity)}
        match = [*ids, conditions.IF_MATCH]
        return [
            operation(
                "GET",
                f"get_{name}",
                f"One {name}",
                {**one, 304: None},
                (400, 401, 404),
                [*ids, conditions.IF_CHANGED],
                refusals={**refusals, 400: conditions.invalid("If-None-Match")},
                text=_READING[name],
                examples={200: example},
            ),
            operation(
                "PUT",
                f"put_{name}",
                f"Make or replace a {name}",
                made,
                _PUT_ACCOUNT_PROBLEMS if self._kind is Account else _PUT_PROBLEMS,
                [*match, conditions.IF_NONE_MATCH],
                body=put,
                text="Fields that aren't given get their defaults, all but `numbers`: without them "
                "those that are there stay, and a list is the whole list. 201: it was made. One "
                "that is there is replaced only with `If-Match` (428 without), so that nobody's "
                "change is lost; a PUT that changes nothing needs none.",
                examples={200: example, 201: example},
                example=example,
                refusals=refusals,
            ),
            operation(
                "PATCH",
                f"patch_{name}",
                f"Change some fields of a {name}",
                one,
                _PATCH_PROBLEMS,
                match,
                body=patch,
                text="A JSON merge patch (RFC 7396): fields that aren't given stay as they are, "
                "whoever changes them meanwhile; null gives a field its default."
                + (_OWN_KEY if self._kind is Account else ""),
                examples={200: example},
                example=dict([list(example.items())[-1]]),
                refusals=refusals,
            ),
            operation(
                "DELETE",
                f"delete_{name}",
                f"Remove a {name}",
                {204: None},
                (400, 401, 403, 404, 409, 412)
                if self._kind is Account
                else (400, 401, 404, 409, 412),
                match,
                text=_REMOVING[name],
                refusals={
                    **refusals,
                    400: conditions.invalid("If-Match"),
                    409: ("InUse", f"{name}: {_IN_USE[name]}"),
                },
            ),
        ]

    def _refusals(self) -> dict[int, tuple[str, str]]:
        """Class and detail of problems, for ``/openapi.json``."""
        name, example = self._name, _EXAMPLES[self._name]
        return {
            400: INVALID_JSON,
            404: (f"Unknown{self._kind.__name__}", f"there is no {name} '{example['id']}'"),
            409: ("Exists", f"{example['id']} exists already"),
            412: ("Changed", f"{name} {example['id']} is not at the version named: read it again"),
            428: (
                "PreconditionRequired",
                f"{name} {example['id']} exists already: name the version that is to be replaced",
            ),
            413: too_large(MAX_BODY_BYTES),
            **_REFUSALS[name],
        }


def check_writable(caller: Caller, entity: Entity, present: Entity | None) -> None:
    """Raise Refusal 403 when the caller may not put ``entity`` in ``present``'s place."""
    if isinstance(entity, Account):
        # Its own key may say who is told, and who tells of calls, and nothing else.
        own = {
            name: getattr(present, name) for name in ("notify", "carriers") if present is not None
        }
        if not caller.may_see(entity) or msgspec.structs.replace(entity, **own) != present:
            caller.check_administrator()
        return
    caller.check_owns(entity)
    if isinstance(entity, Pool) and entity.on_exhausted is not None:
        known = present.on_exhausted if isinstance(present, Pool) else None
        if entity.on_exhausted != known:
            # The service itself posts there, and can reach what an account's owner can't.
            caller.check_administrator()


def _versioned(status: int, schema: Schema) -> Described:
    """A response with an ETag, for ``/openapi.json``."""
    return {**response(DESCRIPTIONS[status], content(schema)), "headers": conditions.ETAG}


def _values(document: Mapping[str, Any]) -> int:
    """About how many values a document holds: how long it takes to check it."""
    return sum(len(value) for value in document.values() if isinstance(value, list | dict)) + len(
        document
    )


accounts = Collection(Account)
pools = Collection(Pool)
stocks = Collection(Stock)
