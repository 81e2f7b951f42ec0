"""For managers: who changed what, from where and when; and undoing it, as a new change."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from api.http import replies
from api.http.description import parameter
from api.http.paging import PAGE_REFUSALS, page, page_parameters
from api.http.parameter_values import SWITCH_EXPECTED, Time, switch, unix_ms
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.managers.callers import ManagedOperation, authenticate
from api.managers.managed_endpoint import managed_endpoint
from api.managers.resources import check_writable
from ringpool.catalog import audit
from ringpool.catalog.audit import Actor, CountedNumbers, EntityChange, Recorded
from ringpool.catalog.audit_log import MAX_READ, Wanted, entity_named
from ringpool.config.difference import FieldChange
from ringpool.faults import Fault
from ringpool.model import Identifier, Kind
from ringpool.patterns import whole
from ringpool.times import format_rfc3339

_MAX_DIGITS = 15
_ACCOUNT_EXPECTED = "expected an id: a-z, 0-9 and -, 63 characters at most"


class RecordedChange(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One change. ``cut``: values or numbers are too long to be told here; ``more``: entities."""

    revision: int
    at: str
    by: Actor
    entities: tuple[EntityChange, ...]
    undoes: int = 0
    cut: bool = False
    more: int = 0


class RecordedChanges(Struct, frozen=True, omit_defaults=True):
    """``next``: the ``after`` of the next page, absent on the last."""

    changes: list[RecordedChange]
    next: str = ""


class UndoneChange(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """``revision``: of the new change; 0: it was only tried. ``left``: what isn't brought back."""

    undoes: int
    revision: int = 0
    entities: tuple[EntityChange, ...]
    left: list[str] = []


async def _list(request: Request) -> Reply:
    caller = authenticate(request)
    parameters = request.parameters()
    after, limit = page(request)
    newest = None
    if after:
        newest = _revision(after)
        if newest is None:
            raise Fault("after", "expected what the page before gave as next")
    wanted = Wanted(
        entity=_entity(parameters["entity"]) if "entity" in parameters else None,
        account=_account(parameters["account"]) if "account" in parameters else None,
        by=parameters.get("by"),
        since=_since(parameters["since"]) if "since" in parameters else None,
    )
    found = await request.services.catalog.log.page(wanted, limit, newest, caller.account)
    following = str(found.following) if found.following else ""
    return replies.json(RecordedChanges([_told(each) for each in found.changes], following))


async def _show(request: Request) -> Reply:
    caller = authenticate(request)
    text = request.path("revision")
    revision = _revision(text)
    recorded = None
    if revision is not None:
        recorded = await request.services.catalog.log.one(revision, caller.account)
    if recorded is None:
        raise _unknown(text)
    return replies.json(_told(recorded))


async def _undo(request: Request) -> Reply:
    caller = authenticate(request)
    dry_run = switch("dry_run", request.parameters().get("dry_run", ""))
    text = request.path("revision")
    revision = _revision(text)
    if revision is None:
        raise _unknown(text)
    undone = await request.services.catalog.by(caller.actor(request)).undo(
        revision,
        account=caller.account,
        permit=lambda wanted, present: check_writable(caller, wanted, present),
        dry_run=dry_run,
    )
    await request.services.keeper.refresh()
    return replies.json(
        UndoneChange(
            undoes=revision,
            revision=undone.revision,
            entities=undone.entities,
            left=undone.left,
        )
    )


def _told(recorded: Recorded) -> RecordedChange:
    entry = recorded.entry
    return RecordedChange(
        revision=recorded.revision,
        at=format_rfc3339(recorded.at),
        by=entry.by,
        entities=entry.entities,
        undoes=entry.undoes,
        cut=entry.cut,
        more=entry.more,
    )


def _revision(text: str) -> int | None:
    fits = text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS
    return int(text) if fits else None


def _unknown(text: str) -> Refusal:
    return Refusal(404, "UnknownChange", f"the log has no change {text[:_MAX_DIGITS]}")


def _entity(text: str) -> tuple[Kind, str]:
    try:
        return entity_named(text)
    except ValueError as error:
        raise Fault("entity", str(error)) from None


def _account(text: str) -> str:
    try:
        return msgspec.convert(text, Identifier)
    except msgspec.ValidationError:
        raise Fault("account", _ACCOUNT_EXPECTED) from None


def _since(text: str) -> int:
    """The beginning of that second, Unix ms."""
    return unix_ms("since", text) // 1000 * 1000


_ENTITIES = (
    EntityChange(
        kind="pool",
        id="ad-placement",
        what="changed",
        former="newspress",
        account="newspress",
        fields=(FieldChange("max_size", None, 250),),
        added=CountedNumbers(2, ("+18885550110", "+18885550111")),
    ),
)
_EXAMPLE = RecordedChange(
    revision=12,
    at="2026-11-27T09:14:03Z",
    by=Actor(
        kind="account",
        account="newspress",
        address="192.0.2.17",
        via="PATCH /admin/v1/pools/ad-placement",
    ),
    entities=_ENTITIES,
)
_UNDONE = UndoneChange(
    undoes=12,
    revision=13,
    entities=(
        msgspec.structs.replace(
            _ENTITIES[0],
            fields=(FieldChange("max_size", 250, None),),
            added=audit.NO_NUMBERS,
            removed=_ENTITIES[0].added,
        ),
    ),
)
_REVISION = parameter(
    "revision",
    Annotated[int, Meta(ge=1, le=999_999_999_999_999)],
    "path",
    text="The change's, which it made",
    example=12,
)
_UNKNOWN = ("UnknownChange", "the log has no change 12")

changes = managed_endpoint(
    "changes",
    {"GET": _list},
    [
        ManagedOperation(
            "GET",
            "list_changes",
            "Who changed what, the newest change first",
            {200: RecordedChanges},
            (400, 401),
            (
                parameter(
                    "entity",
                    Annotated[str, Meta(pattern=whole("(account|pool|stock)/.+"))],
                    text="Only changes of this one",
                    example="pool/ad-placement",
                ),
                parameter(
                    "account",
                    Identifier,
                    text="Only changes of what is, or was, this account's",
                    example="newspress",
                ),
                parameter(
                    "by",
                    text="Only changes by this kind of actor, account, name of a key, or user",
                    example="newspress",
                ),
                parameter(
                    "since", Time, text="Only changes since then", example="2026-11-21T22:05:00Z"
                ),
                *page_parameters(
                    Annotated[str, Meta(pattern=whole(f"[0-9]{{0,{_MAX_DIGITS}}}"))], "704"
                ),
            ),
            tag="changes",
            refusals=PAGE_REFUSALS,
            text="An account's key sees what was made of its own accounts, pools and stocks, while "
            "they were its own; by `operator`, unless it was the account itself. A page may have "
            f"fewer changes than `limit`, and still a `next`: {MAX_READ:,} changes are looked at "
            "for each.",
            examples={200: {"changes": [msgspec.to_builtins(_EXAMPLE)]}},
        )
    ],
)

change = managed_endpoint(
    "change",
    {"GET": _show},
    [
        ManagedOperation(
            "GET",
            "get_change",
            "One change",
            {200: RecordedChange},
            (401, 404),
            (_REVISION,),
            tag="changes",
            refusals={404: _UNKNOWN},
            text="Values are as they were before and after, null at their defaults, and secrets "
            "masked.",
            examples={200: msgspec.to_builtins(_EXAMPLE)},
        )
    ],
)

undo = managed_endpoint(
    "undo",
    {"POST": _undo},
    [
        ManagedOperation(
            "POST",
            "undo_change",
            "Undo a change, as a new one",
            {200: UndoneChange},
            (400, 401, 403, 404, 409, 422),
            (
                _REVISION,
                parameter(
                    "dry_run",
                    Annotated[str, Meta(pattern=whole("1|0|true|false|yes|no"))],
                    text="Tell what it would do, and do nothing",
                    example="0",
                ),
            ),
            tag="changes",
            refusals={
                400: ("InvalidParameter", f"dry_run: {SWITCH_EXPECTED}"),
                403: ("Forbidden", "this change is the operator's"),
                404: _UNKNOWN,
                409: ("ChangedSince", "pool/ad-placement.max_size: was changed since"),
                422: (
                    "InvalidDocument",
                    "pool/ad-placement.numbers[9]: +18885550155 belongs to pool partner-9: "
                    "remove it there first, then apply again",
                ),
            },
            text="What the change altered becomes again what it was, if none of it was altered "
            "since. It is checked as any other change: no number gets two owners, and one that "
            "was added drains. Secrets aren't brought back: `left` names those. An account's key "
            "undoes the account's own changes.",
            examples={200: msgspec.to_builtins(_UNDONE)},
        )
    ],
)
