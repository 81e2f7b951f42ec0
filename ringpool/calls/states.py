"""One call, made of all that was told of it.

``state_of`` is a function of the *set* of events: in whatever order they come, how late, and how
often. Of each kind a call has one event, the one that was told first; contradictions between kinds
are settled so:

- the call **began** when ``started`` says; else at the earliest start that any event tells of
  (``started_at``, or ``ended`` less its duration), else at the earliest event but the outcome,
  which may be told days later;
- it was **answered** if ``answered`` was told, whatever else was: one agent's phone may have rung
  in vain before another's was picked up;
- it is **over** with ``ended``, with ``missed`` (and then it is missed, unless it was answered), or
  with a ``started`` that tells its duration. Only what nobody told the end of is **closed**, so an
  end that is told after that counts;
- number, place and caller are those of the first event that tells them, in the order of a call:
  ``started``, ``answered``, ``missed``, ``ended``, ``outcome``;
- destination, outcome, reason, amount (with its currency) and what was sold (with its quantities)
  are those of the last one: ``outcome``, ``ended``, ``missed``, ``answered``, ``started``. So is
  the duration, but an outcome's; where none tells it, it is the time from the answer, or else from
  the beginning, to the end;
- no time lies before the one that comes before it in the call.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import TypeVar

from msgspec import Struct

from ringpool.calls.events import CallDocument, EventKind

_T = TypeVar("_T")

_FROM_THE_FIRST = (
    EventKind.STARTED,
    EventKind.ANSWERED,
    EventKind.MISSED,
    EventKind.ENDED,
    EventKind.OUTCOME,
    EventKind.CLOSED,
)
_FROM_THE_LAST = (
    EventKind.OUTCOME,
    EventKind.ENDED,
    EventKind.MISSED,
    EventKind.ANSWERED,
    EventKind.STARTED,
    EventKind.CLOSED,
)


class CallState(enum.StrEnum):
    """How far a call came, as far as it was told."""

    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"
    MISSED = "missed"
    CLOSED = "closed"


class Told(Struct, frozen=True, kw_only=True):
    """An event of a call with where its number was then.

    ``received_at``: when the store took it (Unix ms). ``resting``: "", quarantine or stock.
    """

    document: CallDocument
    received_at: int = 0
    pool: str = ""
    overflow: bool = False
    resting: str = ""
    holder: str = ""


class CallRecord(Struct, frozen=True, kw_only=True):
    """A call, as its events have it. Times are Unix ms; 0: nobody told.

    ``holder``: who held the number, as JSON; "": nobody.
    """

    account: str
    id: str
    pool: str
    number: str
    overflow: bool
    resting: str
    holder: str
    state: CallState
    started_at: int
    answered_at: int
    ended_at: int
    duration_seconds: int
    caller_hash: str
    caller: str
    destination: str
    outcome: str
    amount: str
    currency: str
    reason: str
    skus: tuple[str, ...]
    quantities: tuple[int, ...]


def state_of(events: Iterable[Told]) -> CallRecord:
    """Make one call of its events, of which there is one at least; all have its id and account."""
    told = one_of_each(events)
    documents = {kind: each.document for kind, each in told.items()}
    first = [told[kind] for kind in _FROM_THE_FIRST if kind in told]
    early = [each.document for each in first]
    late = [documents[kind] for kind in _FROM_THE_LAST if kind in documents]
    where = next((each for each in first if each.pool or each.resting), first[0])

    started_at = _started_at(documents)
    answer = documents.get(EventKind.ANSWERED)
    answered_at = max(answer.at, started_at) if answer else 0
    state, ended_at = _end(documents, started_at, answered_at)
    ended_at = max(ended_at, answered_at, started_at) if ended_at else 0
    duration = _first(each.duration_seconds for each in late if each.event is not EventKind.OUTCOME)
    if duration is None and state in (CallState.ENDED, CallState.MISSED):
        duration = (ended_at - (answered_at or started_at)) // 1000
    paid = next((each for each in late if each.amount), None)
    sold = next((each for each in late if each.sku_list), None)
    caller = next((each for each in early if each.caller_hash), None)
    return CallRecord(
        account=early[0].account,
        id=early[0].id,
        pool=where.pool,
        number=where.document.number,
        overflow=where.overflow,
        resting=where.resting,
        holder=where.holder,
        state=state,
        started_at=started_at,
        answered_at=answered_at,
        ended_at=ended_at,
        duration_seconds=duration or 0,
        caller_hash=caller.caller_hash if caller else "",
        caller=caller.caller if caller else "",
        destination=_first(each.destination or None for each in late) or "",
        outcome=_first(each.outcome or None for each in late) or "",
        amount=paid.amount if paid else "",
        currency=paid.currency if paid else "",
        reason=_first(each.reason or None for each in late) or "",
        skus=sold.sku_list if sold else (),
        quantities=sold.quantity_list if sold else (),
    )


def one_of_each(events: Iterable[Told]) -> dict[EventKind, Told]:
    """Of each kind the event that was told first; of those told at once, the least by its text."""
    told: dict[EventKind, Told] = {}
    for each in events:
        kind = each.document.event
        if kind not in told or _place(each) < _place(told[kind]):
            told[kind] = each
    return told


def _place(told: Told) -> tuple[int, str]:
    return told.received_at, repr(told)


def _started_at(documents: dict[EventKind, CallDocument]) -> int:
    started = documents.get(EventKind.STARTED)
    if started:
        return started.started_at or started.at
    starts = [each.started_at for each in documents.values() if each.started_at]
    ended = documents.get(EventKind.ENDED)
    if ended and ended.duration_seconds:
        starts.append(ended.at - ended.duration_seconds * 1000)
    own = [each.at for kind, each in documents.items() if kind in _OF_THE_CALL]
    return max(0, min(starts or own or [each.at for each in documents.values()]))


_OF_THE_CALL = (EventKind.ANSWERED, EventKind.ENDED, EventKind.MISSED)
"""What happens in a call, and not after it."""


def _end(
    documents: dict[EventKind, CallDocument], started_at: int, answered_at: int
) -> tuple[CallState, int]:
    ended, missed = documents.get(EventKind.ENDED), documents.get(EventKind.MISSED)
    if missed and not answered_at:
        return CallState.MISSED, (ended or missed).at
    if ended or missed:
        return CallState.ENDED, (ended or missed).at  # type: ignore[union-attr]  # one is there
    started = documents.get(EventKind.STARTED)
    if started and started.duration_seconds is not None:
        return CallState.ENDED, started_at + started.duration_seconds * 1000
    if closed := documents.get(EventKind.CLOSED):
        return CallState.CLOSED, closed.at
    return (CallState.ANSWERED if answered_at else CallState.RINGING), 0


def _first(values: Iterable[_T | None]) -> _T | None:
    return next((value for value in values if value is not None), None)
