"""For managers: API keys of an account, and the key of a pool.

An API key's text is shown once, when it is made.

An account's own key with the scope ``manage`` may manage its account's keys, and makes none that
may do more, or works longer, than itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from api.http import replies
from api.http.api_keys import missing_scope
from api.http.description import INVALID_JSON, Described, content, parameter, response, too_large
from api.http.documents import converted, parsed_object
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.managers import conditions
from api.managers.callers import Caller, ManagedOperation, authenticate
from api.managers.managed_endpoint import managed_endpoint
from ringpool.catalog.catalog import Saved
from ringpool.catalog.condition import Condition
from ringpool.catalog.key_changes import (
    check_overlap,
    expiry,
    find_key,
    new_pool_key,
    with_key,
    with_key_rotated,
    with_pool_key_rotated,
    without_key,
)
from ringpool.catalog.key_report import KeyReport, MadeKey, key_reports, made_key
from ringpool.model import (
    Account,
    ApiKey,
    Entity,
    FormerKey,
    Identifier,
    Instant,
    Kind,
    Pool,
    Scope,
)
from ringpool.patterns import whole
from ringpool.security.api_keys import hash_of, new_key
from ringpool.times import Duration, now

MAX_BODY_BYTES = 16 * 1024


class NewKey(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A key to be made; never to expire without either."""

    name: Identifier
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=10)]
    expires: Instant | None = None
    expires_in: Duration | None = None


class Rotation(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``overlap``: how long the present key goes on working."""

    overlap: Duration = Duration.parse("24h")


class KeyList(Struct, frozen=True):
    """An account's keys."""

    keys: list[KeyReport]


class PoolKey(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A pool's new key, and the one before as long as it works."""

    key: str
    former_key: FormerKey | None = None


async def _list(request: Request) -> Reply:
    caller = authenticate(request)
    account_id, services = request.path("id"), request.services
    while True:
        await services.keeper.refresh()
        snapshot = services.snapshot
        account = snapshot.accounts.get(account_id)
        _condition(caller).check("account", account_id, account, "")
        assert account is not None
        at, (version,) = await services.catalog.versions("account", [account_id])
        if at == snapshot.revision:  # else it was changed between the two, and is read again
            break
    reports = await key_reports(account, services.key_uses, now())
    return replies.json(KeyList(reports), headers=(conditions.etag(version),))


async def _make(request: Request) -> Reply:
    caller = authenticate(request)
    condition = conditions.condition(request, caller, exists=True)
    wanted = converted(parsed_object(await request.document(MAX_BODY_BYTES)), NewKey)
    at, text = now(), new_key()
    key = ApiKey(
        name=wanted.name,
        hash=hash_of(text),
        scopes=wanted.scopes,
        created=at,
        expires=expiry(wanted.expires, wanted.expires_in, at),
    )
    _check_no_more(caller, key)
    saved = await _change_account(
        request, caller, lambda account: with_key(account, key), condition
    )
    return _made(saved, key.name, text, 201)


async def _rotate(request: Request) -> Reply:
    caller = authenticate(request)
    condition = conditions.condition(request, caller, exists=True)
    overlap, name = await _overlap(request), request.path("name")
    at, text = now(), new_key()

    def rotated(account: Account) -> Account:
        _check_no_more(caller, find_key(account, name))
        return with_key_rotated(account, name, text, overlap, at)

    saved = await _change_account(request, caller, rotated, condition)
    return _made(saved, name, text, 200)


async def _revoke(request: Request) -> Reply:
    caller = authenticate(request)
    condition = conditions.condition(request, caller, exists=True)
    name = request.path("name")
    await _change_account(request, caller, lambda account: without_key(account, name), condition)
    return replies.empty()


async def _rotate_pool_key(request: Request) -> Reply:
    caller = authenticate(request)
    condition = conditions.condition(request, caller, exists=True)
    overlap = await _overlap(request)
    at, text = now(), new_pool_key()

    def rotated(entity: Entity) -> Entity:
        assert isinstance(entity, Pool)
        return with_pool_key_rotated(entity, text, overlap, at)

    saved = await _change(request, caller, "pool", rotated, condition)
    assert isinstance(saved.entity, Pool)
    shown = PoolKey(key=text, former_key=saved.entity.former_key or None)
    return replies.json(shown, headers=(conditions.etag(saved.version),))


async def _overlap(request: Request) -> Duration:
    document = parsed_object(await request.document(MAX_BODY_BYTES))
    return check_overlap(converted(document, Rotation).overlap)


def _condition(caller: Caller) -> Condition:
    return Condition(account=caller.account, exists=True)


async def _change_account(
    request: Request,
    caller: Caller,
    change: Callable[[Account], Account],
    condition: Condition,
) -> Saved:
    def changed(entity: Entity) -> Entity:
        assert isinstance(entity, Account)
        return change(entity)

    return await _change(request, caller, "account", changed, condition)


async def _change(
    request: Request,
    caller: Caller,
    kind: Kind,
    change: Callable[[Entity], Entity],
    condition: Condition,
) -> Saved:
    async def make(present: Entity | None) -> Entity:
        assert present is not None  # the condition says so
        return change(present)

    services = request.services
    catalog = services.catalog.by(caller.actor(request))
    saved = await catalog.change(kind, request.path("id"), make, condition)
    await services.keeper.refresh()
    return saved


def _check_no_more(caller: Caller, key: ApiKey) -> None:
    """Raise Refusal 403 when the caller would get a key that may do more than its own."""
    lacking = [scope for scope in key.scopes if scope not in caller.scopes]
    if lacking:
        raise missing_scope(lacking[:1])
    if (math.inf if key.expires is None else key.expires.timestamp()) > caller.expires:
        until = datetime.fromtimestamp(caller.expires, UTC)
        message = f"this key works until {until:%Y-%m-%dT%H:%M:%SZ}, and makes none for longer"
        raise Refusal(403, "Forbidden", message)


def _made(saved: Saved, name: str, text: str, status: int) -> Reply:
    assert isinstance(saved.entity, Account)
    made = made_key(saved.entity, name, text, now())
    return replies.json(made, status, (conditions.etag(saved.version),))


_DURATION = Annotated[str, Meta(pattern=whole("[0-9]{1,9}[smhdwy]"))]
_DAYS = "90d"
_SCOPES = ["read", "calls"]
_ACCOUNT_ID = parameter("id", Identifier, "path", text="The account's id", example="newspress")
_POOL_ID = parameter("id", Identifier, "path", text="The pool's id", example="ad-placement")
_NAME = parameter("name", Identifier, "path", text="The key's name", example="reports")
_CHANGE_PROBLEMS = (400, 401, 403, 404, 409, 412, 413, 415, 422)
_SHOWN = {
    "name": "reports",
    "fingerprint": "9f86d081",
    "scopes": _SCOPES,
    "created": "2026-11-27T10:00:00Z",
}
_TEXT = "rp_S1xQb0s5ZK9vUCdo4Wl7TTQ4dGyaWf3Hq8bL2mXnE5c"
_NO_ACCOUNT = ("UnknownAccount", "there is no account 'newspress'")
_LACKS_MANAGE = ("MissingScope", "this key lacks the scope manage")


def _refusals(field: str, *conflict: str) -> dict[int, tuple[str, str]]:
    return {
        400: INVALID_JSON,
        403: _LACKS_MANAGE,
        404: _NO_ACCOUNT,
        409: (conflict[0], conflict[1]),
        412: ("Changed", "account newspress is not at the version named: read it again"),
        413: too_large(MAX_BODY_BYTES),
        422: ("InvalidDocument", field),
    }


def _versioned(text: str, schema: Any) -> Described:
    return {**response(text, content(schema)), "headers": conditions.ETAG}


def _written(kind: type[Struct]) -> type[Struct]:
    """The body as JSON writes it, for ``/openapi.json``: durations are texts."""
    fields = [(field.name, *_as_text(field)) for field in msgspec.structs.fields(kind)]
    return msgspec.defstruct(kind.__name__, fields, kw_only=True, forbid_unknown_fields=True)


def _as_text(field: msgspec.structs.FieldInfo) -> Iterable[Any]:
    if field.name == "overlap":
        return (_DURATION, str(field.default))
    kind = _DURATION | None if field.name == "expires_in" else field.type
    return (kind,) if field.required else (kind, field.default)


_ROTATION = _written(Rotation)
_OVERLAP_FAULT = "overlap: 'soon' is not a duration: write a number and one of s m h d w y"

keys = managed_endpoint(
    "keys",
    {"GET": _list, "POST": _make},
    [
        ManagedOperation(
            "GET",
            "list_keys",
            "An account's API keys",
            {200: _versioned("The answer", KeyList)},
            (401, 404),
            [_ACCOUNT_ID],
            tag="keys",
            refusals={404: _NO_ACCOUNT},
            text="Their names, scopes and last uses, to the minute; never their texts. The `ETag` "
            "is the account's.",
            examples={200: {"keys": [_SHOWN]}},
        ),
        ManagedOperation(
            "POST",
            "make_key",
            "Make an API key",
            {201: _versioned("Made", MadeKey)},
            _CHANGE_PROBLEMS,
            [_ACCOUNT_ID, conditions.IF_MATCH],
            _written(NewKey),
            tag="keys",
            text="The text of the key is in this answer and nowhere else: only its hash is kept. A "
            "key with the scope `manage` makes keys of its own account that may do no more, and "
            "work no longer, than itself.",
            refusals=_refusals(
                "scopes[0]: 'admin' is none of read, calls, allocate, manage",
                "Exists",
                "account newspress has a key reports already",
            ),
            examples={201: {**_SHOWN, "name": "billing", "key": _TEXT}},
            example={"name": "billing", "scopes": _SCOPES, "expires_in": _DAYS},
        ),
    ],
)
key = managed_endpoint(
    "key",
    {"DELETE": _revoke},
    [
        ManagedOperation(
            "DELETE",
            "revoke_key",
            "Revoke an API key",
            {204: None},
            (400, 401, 403, 404, 412),
            [_ACCOUNT_ID, _NAME, conditions.IF_MATCH],
            tag="keys",
            refusals={
                400: conditions.invalid("If-Match"),
                403: _LACKS_MANAGE,
                404: _NO_ACCOUNT,
                412: ("Changed", "account newspress is not at the version named: read it again"),
            },
            text="At once, the one before it too where that still works. Every process of the "
            "service knows within a second.",
        )
    ],
)
rotate_key = managed_endpoint(
    "rotate_key",
    {"POST": _rotate},
    [
        ManagedOperation(
            "POST",
            "rotate_key",
            "Replace an API key by a new one of its name",
            {200: _versioned("The answer", MadeKey)},
            _CHANGE_PROBLEMS,
            [_ACCOUNT_ID, _NAME, conditions.IF_MATCH],
            _ROTATION,
            tag="keys",
            text="The text of the new one is in this answer and nowhere else. The one before works "
            "for as long as `overlap` says (24h unless given): bring the new one to where it is "
            "used meanwhile. With `0s` it ends at once.",
            refusals=_refusals(
                _OVERLAP_FAULT,
                "StillWorks",
                "the one before key reports still works; an overlap of 0s ends both at once",
            ),
            examples={
                200: {
                    **_SHOWN,
                    "key": _TEXT,
                    "former": {"until": "2026-11-28T10:00:00Z"},
                }
            },
            example={"overlap": "24h"},
        )
    ],
)
rotate_pool_key = managed_endpoint(
    "rotate_pool_key",
    {"POST": _rotate_pool_key},
    [
        ManagedOperation(
            "POST",
            "rotate_pool_key",
            "Replace a pool's key by a new one",
            {200: _versioned("The answer", PoolKey)},
            _CHANGE_PROBLEMS,
            [_POOL_ID, conditions.IF_MATCH],
            _ROTATION,
            tag="pools",
            text="The one before works for as long as `overlap` says (24h unless given). With `0s` "
            "it ends at once.",
            refusals={
                **_refusals(
                    _OVERLAP_FAULT,
                    "StillWorks",
                    "the one before the key of pool ad-placement still works; an overlap of 0s "
                    "ends both at once",
                ),
                404: ("UnknownPool", "there is no pool 'ad-placement'"),
                412: conditions.STALE,
            },
            examples={
                200: {
                    "key": _TEXT,
                    "former_key": {
                        "key": "3f0c9a7e4f30b6c2d8e1",
                        "until": "2026-11-28T10:00:00Z",
                    },
                }
            },
            example={"overlap": "24h"},
        )
    ],
)
