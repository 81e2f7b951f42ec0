"""What a carrier tells of one call: an event, checked, and the document that is kept of it."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from ringpool.faults import Fault, Faults
from ringpool.model import Instant, Number
from ringpool.numbers import phone
from ringpool.patterns import CURRENCY_PATTERN, NO_CONTROL_PATTERN
from ringpool.times import to_unix_ms

_T = TypeVar("_T")

MOST_DURATION_SECONDS = 604_800
MOST_ITEMS = 100
"""Things sold in one call."""

_AMOUNT = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,6})?")

AMOUNT_EXPECTED = "expected a decimal such as 49.90, with 15 digits before the point at most"

CallId = Annotated[str, Meta(min_length=1, max_length=128, pattern=NO_CONTROL_PATTERN)]
"""A carrier's own name of a call."""

Note = Annotated[str, Meta(max_length=200, pattern=NO_CONTROL_PATTERN)]
"""A short text of the carrier's or the call centre's own."""


Amount = Annotated[str, Meta(max_length=30)] | int | float | None
"""Money: a decimal as text or number."""

Currency = Annotated[str, Meta(pattern=CURRENCY_PATTERN)] | None
Skus = Annotated[tuple[Note, ...], Meta(max_length=MOST_ITEMS)]
Quantities = Annotated[
    tuple[Annotated[int, Meta(ge=0, le=1_000_000_000)], ...], Meta(max_length=MOST_ITEMS)
]


class EventKind(enum.StrEnum):
    """What can be told of a call. ``closed`` is told by nobody: the service does, by itself."""

    STARTED = "started"
    ANSWERED = "answered"
    ENDED = "ended"
    MISSED = "missed"
    OUTCOME = "outcome"
    CLOSED = "closed"


ToldKind = Literal["started", "answered", "ended", "missed", "outcome"]
"""Those that others tell."""


class CallReport(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An event of a call. ``id`` and ``event`` make it count once.

    Without ``event`` it is a call that began, and with ``duration_seconds`` one that is over as
    well. ``at``: when it happened; absent: now. ``started_at``: when the call began, for who tells
    of something else.
    """

    id: CallId
    number: Number
    event: ToldKind = "started"
    at: Instant | None = None
    started_at: Instant | None = None
    caller: Annotated[str, Meta(max_length=40)] = ""
    duration_seconds: Annotated[int, Meta(ge=0, le=MOST_DURATION_SECONDS)] | None = None
    destination: Annotated[str, Meta(max_length=128, pattern=NO_CONTROL_PATTERN)] = ""
    outcome: Note = ""
    amount: Amount = None
    currency: Currency = None
    reason: Note = ""
    sku_list: Skus = ()
    quantity_list: Quantities = ()


class CallOutcome(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What came of a call. ``number``: needed for one that the archive doesn't know yet."""

    number: Annotated[str, Meta(max_length=40)] = ""
    at: Instant | None = None
    outcome: Note = ""
    amount: Amount = None
    currency: Currency = None
    reason: Note = ""
    sku_list: Skus = ()
    quantity_list: Quantities = ()

    def report(self, call_id: str, number: str) -> CallReport:
        """The same as a report of the call."""
        told = msgspec.structs.asdict(self) | {"id": call_id, "number": number}
        return CallReport(event="outcome", **told)


class CallEvent(Struct, frozen=True, kw_only=True):
    """An event of a call, as all ways in come to have it.

    ``number``: E.164; ``caller`` too, "" where it isn't told or is none. ``at`` and ``started_at``
    (0: not told): Unix ms. ``amount``: a decimal as text, "" for none.
    """

    id: str
    event: EventKind
    number: str
    at: int
    started_at: int = 0
    caller: str = ""
    duration_seconds: int | None = None
    destination: str = ""
    outcome: str = ""
    amount: str = ""
    currency: str = ""
    reason: str = ""
    sku_list: tuple[str, ...] = ()
    quantity_list: tuple[int, ...] = ()

    @property
    def start(self) -> int:
        """When the call began, as far as this event tells it (Unix ms)."""
        if self.started_at or self.event is EventKind.STARTED:
            return self.started_at or self.at
        if self.event is EventKind.ENDED and self.duration_seconds:
            return self.at - self.duration_seconds * 1000
        return self.at


class CallDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event as it is kept, in the ledger and in the archive: without a plain caller, unless
    the account stores those."""

    account: str
    id: str
    event: EventKind
    number: str
    at: int
    started_at: int = 0
    caller_hash: str = ""
    caller: str = ""
    duration_seconds: int | None = None
    destination: str = ""
    outcome: str = ""
    amount: str = ""
    currency: str = ""
    reason: str = ""
    sku_list: tuple[str, ...] = ()
    quantity_list: tuple[int, ...] = ()


encode_document = msgspec.json.Encoder().encode
decode_document = msgspec.json.Decoder(CallDocument).decode


def document_of(
    event: CallEvent, account: str, *, caller_hash: str, with_caller: bool
) -> CallDocument:
    """The event as it is kept. ``account``: whose call it is."""
    return CallDocument(
        account=account,
        id=event.id,
        event=event.event,
        number=event.number,
        at=event.at,
        started_at=event.started_at,
        caller_hash=caller_hash,
        caller=event.caller if with_caller else "",
        duration_seconds=event.duration_seconds,
        destination=event.destination,
        outcome=event.outcome,
        amount=event.amount,
        currency=event.currency,
        reason=event.reason,
        sku_list=event.sku_list,
        quantity_list=event.quantity_list,
    )


def checked(report: CallReport, now_ms: int) -> CallEvent:
    """The event that a report tells of; raises Faults that name every field that is wrong.

    What is to happen after ``now_ms`` (Unix ms) happens now: clocks differ.
    """
    faults: list[Fault] = []

    def field(name: str, read: Callable[[], _T], otherwise: _T) -> _T:
        try:
            return read()
        except ValueError as error:
            faults.append(Fault(name, str(error)))
            return otherwise

    kind = EventKind(report.event)
    began = report.started_at
    started_at = field("started_at", lambda: to_unix_ms(began) if began else 0, 0)
    happened = report.at or (began if kind is EventKind.STARTED else None)
    named = "at" if report.at else "started_at"
    at = field(named, lambda: to_unix_ms(happened) if happened else now_ms, 0)
    event = CallEvent(
        id=report.id,
        event=kind,
        number=field("number", lambda: phone.parse(report.number), ""),
        at=min(at, now_ms),
        started_at=min(started_at, now_ms),
        caller=caller_number(report.caller),
        duration_seconds=report.duration_seconds,
        destination=report.destination,
        outcome=report.outcome,
        amount=field("amount", lambda: amount_text(report.amount), ""),
        currency=report.currency or "",
        reason=report.reason,
        sku_list=report.sku_list,
        quantity_list=report.quantity_list,
    )
    if kind is EventKind.OUTCOME and not (event.outcome or event.amount):
        faults.append(Fault("outcome", "missing: how did the call end, or with what amount?"))
    if event.quantity_list and len(event.quantity_list) != len(event.sku_list):
        counts = f"{len(event.quantity_list)} quantities for {len(event.sku_list)} SKUs"
        faults.append(Fault("quantity_list", counts))
    if faults:
        raise Faults({fault.field: fault for fault in faults}.values())
    return event


def caller_number(text: str) -> str:
    """A caller's number in E.164; "" for none: carriers write `anonymous` and the like."""
    try:
        return phone.parse(text) if text else ""
    except ValueError:
        return ""


def amount_text(amount: str | float | None) -> str:
    """An amount of money as decimal text, "" for none; raises ValueError."""
    if amount is None or amount == "":
        return ""
    text = amount.strip() if isinstance(amount, str) else repr(amount)
    if not _AMOUNT.fullmatch(text):
        raise ValueError(AMOUNT_EXPECTED)
    return text
