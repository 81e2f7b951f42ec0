"""Transactions: each call in detail, with who may have made it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import CTE, RowMapping, Select, and_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from ringpool.archive.tables import CALLS, CANDIDATES, OF_CLICK, SOURCES
from ringpool.faults import Fault
from ringpool.reports.question import Question
from ringpool.times import format_rfc3339, rfc3339_or_nothing
from ringpool.visits import tuples
from ringpool.visits.traffic import CLICK_IDS

_attributes = msgspec.json.Decoder(dict[str, Any]).decode
_texts = msgspec.json.Decoder(list[Any]).decode


class TransactionCandidate(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who may have made a call. ``parameters``: absent for nobody. Times are RFC 3339.

    Of a source that was another account's there is nothing but its probability.
    """

    why: str
    probability: float
    pool: str = ""
    parameters: dict[str, str] | None = None
    search_engine: str = ""
    search_keywords: str = ""
    publisher: str = ""
    landing_page: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    click_ids: dict[str, str] = {}
    clicks: int = 0
    first_click_at: str = ""
    last_click_at: str = ""


class Transaction(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A call. ``probability`` and all about clicks are of the best candidate; ``parameters`` are
    absent where that is nobody, and while the call isn't attributed, which ``attributed`` says.

    ``start_time_local`` is on the clocks of the question's zone, with its offset.
    """

    transaction_id: str
    account: str
    start_time_local: str
    start_time_utc: str
    duration: int
    state: str
    pool: str
    number: str
    attributed: bool
    probability: float
    candidates: list[TransactionCandidate]
    overflow: bool = False
    resting: str = ""
    answered_at: str = ""
    ended_at: str = ""
    caller: str = ""
    caller_hash: str = ""
    destination: str = ""
    outcome: str = ""
    amount: str = ""
    currency: str = ""
    reason: str = ""
    sku_list: list[str] = []
    quantity_list: list[int] = []
    parameters: dict[str, str] | None = None
    search_engine: str = ""
    search_keywords: str = ""
    publisher: str = ""
    landing_page: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    click_ids: dict[str, str] = {}


class Transactions(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A page of transactions by account and start. ``next``: ``start_after_transaction_id`` of the
    page after it; absent on the last."""

    timezone: str
    transactions: list[Transaction]
    next: str = ""


async def transactions(connection: AsyncConnection, question: Question) -> Transactions:
    """Return a page of calls; raises a Fault for a transaction to start after that isn't there."""
    after = await _start_after(connection, question) if question.start_after else None
    page = _page(question, after).cte("page")
    calls = (await connection.execute(_calls(page))).mappings().all()
    shown, more = calls[: question.limit], calls[question.limit :]
    candidates = await _candidates(connection, shown) if shown else {}
    return Transactions(
        timezone=question.timezone,
        transactions=[
            _transaction(call, candidates.get((call["account"], call["id"]), []), question.zone)
            for call in shown
        ],
        next=shown[-1]["id"] if more else "",
    )


def _page(question: Question, after: tuple[str, int, str] | None) -> Select[Any]:
    """The calls of a page, and the one after them."""
    wanted = select(CALLS)
    if question.account is not None:
        wanted = wanted.where(CALLS.c.account == question.account)
    if question.pool is not None:
        wanted = wanted.where(CALLS.c.pool == question.pool)
    if question.since is not None:
        wanted = wanted.where(CALLS.c.started_at >= question.since)
    if question.until is not None:
        wanted = wanted.where(CALLS.c.started_at < question.until)
    order = CALLS.c.account, CALLS.c.started_at, CALLS.c.id
    if after is not None:
        wanted = wanted.where(tuple_(*order) > after)
    return wanted.order_by(*order).limit(question.limit + 1)


async def _start_after(connection: AsyncConnection, question: Question) -> tuple[str, int, str]:
    """Where the call that the page before ended with stands in the order."""
    field = "start_after_transaction_id"
    wanted = select(CALLS.c.account, CALLS.c.started_at, CALLS.c.id)
    wanted = wanted.where(CALLS.c.id == question.start_after).limit(2)
    if question.account is not None:
        wanted = wanted.where(CALLS.c.account == question.account)
    found = (await connection.execute(wanted)).all()
    if len(found) != 1:
        message = "is of several accounts: name one" if found else "there is no such transaction"
        raise Fault("account" if found else field, message)
    account, started_at, call = found[0]
    return account, started_at, call


def _calls(page: CTE) -> Select[Any]:
    of_source = and_(SOURCES.c.id == page.c.source, SOURCES.c.account == page.c.account)
    return (
        select(page, SOURCES.c.tuple.label("known"), *(SOURCES.c[name] for name in OF_CLICK))
        .select_from(page.join(SOURCES, of_source, isouter=True))
        .order_by(page.c.account, page.c.started_at, page.c.id)
    )


async def _candidates(
    connection: AsyncConnection, calls: Sequence[RowMapping]
) -> Mapping[tuple[str, str], Sequence[RowMapping]]:
    """The candidates of calls by account and call, best first."""
    # By name, account by account: where the page is a subquery, or names are pairs, SQLite may go
    # through all candidates.
    ids: dict[str, list[str]] = defaultdict(list)
    for call in calls:
        ids[call["account"]].append(call["id"])
    of_source = and_(SOURCES.c.id == CANDIDATES.c.source, SOURCES.c.account == CANDIDATES.c.account)
    found: dict[tuple[str, str], list[RowMapping]] = defaultdict(list)
    for account, names in ids.items():
        wanted = (
            select(
                CANDIDATES,
                SOURCES.c.tuple.label("known"),
                *(SOURCES.c[name] for name in OF_CLICK),
            )
            .select_from(CANDIDATES.join(SOURCES, of_source, isouter=True))
            .where(CANDIDATES.c.account == account, CANDIDATES.c.call.in_(names))
            .order_by(CANDIDATES.c.call, CANDIDATES.c.rank)
        )
        for row in (await connection.execute(wanted)).mappings():
            found[account, row["call"]].append(row)
    return found


def _transaction(call: RowMapping, candidates: Sequence[RowMapping], zone: tzinfo) -> Transaction:
    best = candidates[0] if candidates and candidates[0]["source"] == call["source"] else None
    return Transaction(
        transaction_id=call["id"],
        account=call["account"],
        start_time_local=_local(call["started_at"], zone),
        start_time_utc=format_rfc3339(call["started_at"]),
        duration=call["duration_seconds"],
        state=call["state"],
        pool=call["pool"],
        number=call["number"],
        attributed=call["attributed_at"] > 0,
        probability=round(call["probability"], 4),
        candidates=[_candidate(row) for row in candidates],
        overflow=call["overflow"],
        resting=call["resting"],
        answered_at=rfc3339_or_nothing(call["answered_at"]),
        ended_at=rfc3339_or_nothing(call["ended_at"]),
        caller=call["caller"],
        caller_hash=call["caller_hash"],
        destination=call["destination"],
        outcome=call["outcome"],
        amount=call["amount"],
        currency=call["currency"],
        reason=call["reason"],
        sku_list=_list(call["skus"]),
        quantity_list=_list(call["quantities"]),
        **_of_source(call),
        click_ids={} if best is None else _click_ids(best),
    )


def _candidate(row: RowMapping) -> TransactionCandidate:
    if row["known"] is None:
        return TransactionCandidate(why=row["why"], probability=round(row["probability"], 4))
    return TransactionCandidate(
        why=row["why"],
        probability=round(row["probability"], 4),
        pool=row["pool"],
        **_of_source(row),
        click_ids=_click_ids(row),
        clicks=row["clicks"],
        first_click_at=rfc3339_or_nothing(row["first_click_at"]),
        last_click_at=rfc3339_or_nothing(row["last_click_at"]),
    )


def _of_source(row: RowMapping) -> dict[str, Any]:
    """The fields of OF_CLICK, and ``parameters``; none where the source isn't known."""
    if row["known"] is None:
        return {}
    told = {name: row[name] for name in OF_CLICK}
    return told | {"parameters": tuples.parse(row["known"])}


def _click_ids(row: RowMapping) -> dict[str, str]:
    """The click ids of a candidate's last click, and of its first where the last has none."""
    told: dict[str, Any] = {}
    for text in (row["first_click"], row["last_click"]):
        told |= _attributes(text) if text else {}
    return {name: str(told[name]) for name in CLICK_IDS if told.get(name)}


def _list(text: str) -> list[Any]:
    return _texts(text) if text else []


def _local(unix_ms: int, zone: tzinfo) -> str:
    at = datetime.fromtimestamp(unix_ms // 1000, UTC).astimezone(zone)
    return at.isoformat(timespec="seconds")
