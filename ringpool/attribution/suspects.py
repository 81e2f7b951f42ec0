"""Who may have made one call, made of rows of the archive: what the model reasons from, and what is
told of each of them afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import RowMapping

from ringpool.archive.sources import Source, source_of
from ringpool.attribution.evidence import MOST_HOLDERS, CallEvidence, Clicks, EarlierCall
from ringpool.visits import tuples

CLICK, RETURNING, NOBODY = "click", "returning caller", "nobody"
"""Why somebody, or nobody, may have made a call."""

MOST_SHOWN = 64
"""So many sources, those that were shown an overflow number last, may have made a call to it."""

_VISITOR = "visitor"

Row = RowMapping | dict[str, Any]
"""A row of the archive, by column."""


class Suspect(Struct, frozen=True, kw_only=True):
    """Somebody who may have made a call, and the clicks by which.

    Times are Unix ms; 0: unknown. ``source``: as in ``sources``; ``made_of``: that row, where it
    may not be there yet. ``clicks``: how many there were until the call, ``last_at`` when the last
    of them was, both as far as is known; ``last_click_at`` is 0 where that isn't known for sure.
    """

    why: str
    pool: str
    tuple: str
    source: int
    since: int
    clicks: int = 0
    first_click_at: int = 0
    last_at: int = 0
    last_click_at: int = 0
    first_click: str = ""
    last_click: str = ""
    made_of: Source | None = None


class Suspects(Struct, frozen=True):
    """``holders`` and ``earlier``: one each, in the order of the evidence."""

    evidence: CallEvidence
    holders: tuple[Suspect, ...]
    earlier: tuple[Suspect, ...]


class Holder(Struct, frozen=True, kw_only=True):
    """Who held a number when one of its calls began, as the call's event has it."""

    pool: str
    account: str
    tuple: str
    since: int
    clicks: int = 0
    first_click: str = ""
    last_click: str = ""
    last_click_at: int = 0


class Earlier(Struct, frozen=True):
    """Whom an earlier call of the same caller is credited to, and how surely (0 to 1)."""

    suspect: Suspect
    probability: float
    at: int
    same_number: bool


decode_holder = msgspec.json.Decoder(Holder).decode
_decode_attributes = msgspec.json.Decoder(dict[str, object]).decode


def suspects_of(call: Row, holders: Sequence[Suspect], earlier: Sequence[Earlier]) -> Suspects:
    """Put together what is known of a call. ``call``: a row of ``calls``."""
    evidence = CallEvidence(
        at=call["started_at"],
        holders=tuple(clicks_of(each) for each in holders),
        overflow=call["overflow"],
        earlier=tuple(
            EarlierCall(each.suspect.tuple, each.probability, each.at, each.same_number)
            for each in earlier
        ),
    )
    return Suspects(evidence, tuple(holders), tuple(each.suspect for each in earlier))


def holders_of(call: Row, holder: str, assignments: Iterable[Row]) -> list[Suspect]:
    """Those who held a call's number when it began or before, the latest first.

    ``holder``: as the call's event has it, JSON, "" for nobody: it was read when the call was told,
    so it goes before a row that may have been written later. ``assignments``: rows of the number.
    Those of other accounts, or that began after the call, aren't among the answer.
    """
    account, at = call["account"], call["started_at"]
    found: dict[tuple[str, int], Suspect] = {}
    if holder:
        told = decode_holder(holder)
        if told.account in ("", account) and told.since <= at:
            source = source_of(account, told.pool, told.tuple, told.first_click)
            found[told.pool, told.since] = _assigned(
                msgspec.structs.asdict(told), source.id, at, source
            )
    for row in assignments:
        if row["account"] == account and row["since"] <= at:
            key = row["pool"], row["since"]
            if key in found:  # the row's source stays when the click is forgotten
                found[key] = replace(found[key], source=row["source"], made_of=None)
            else:
                found[key] = _assigned(row, row["source"], at, made_of=None)
    return sorted(found.values(), key=lambda each: each.since, reverse=True)[:MOST_HOLDERS]


def shown_of(call: Row, overflows: Iterable[Row]) -> list[Suspect]:
    """Those who were shown the overflow number that was called, the latest first.

    ``overflows``: rows of the pool and number until the call, the latest first.
    """
    found: dict[int, list[Row]] = {}
    for row in overflows:
        if row["account"] != call["account"] or row["at"] > call["started_at"]:
            continue
        if row["source"] in found or len(found) < MOST_SHOWN:
            found.setdefault(row["source"], []).append(row)
    return [
        Suspect(
            why=CLICK,
            pool=rows[0]["pool"],
            tuple=rows[0]["tuple"],
            source=source,
            since=rows[-1]["at"],
            clicks=len(rows),
            first_click_at=rows[-1]["at"],
            last_at=rows[0]["at"],
            last_click_at=rows[0]["at"],
            first_click=rows[-1]["click"],
            last_click=rows[0]["click"],
        )
        for source, rows in found.items()
    ]


def clicks_of(suspect: Suspect) -> Clicks:
    """The clicks of somebody, as the model takes them."""
    return Clicks(
        key=suspect.tuple,
        count=suspect.clicks,
        first_at=suspect.first_click_at,
        last_at=suspect.last_at,
        group=group_of(suspect.tuple, suspect.first_click),
    )


def group_of(tuple_: str, attributes: str) -> str:
    """With whom the share of clicks that call is learned together: a hash, as it is kept with the
    fit, which names nobody so.

    A tuple is a group of its own. Visitors come once each, so those of one keyword belong together,
    or else of one publisher, campaign or landing page. ``attributes``: of the first click, JSON.
    """
    of_many = _of_visitor(tuple_, attributes) if tuple_.startswith(f"{_VISITOR}=") else tuple_
    return hashlib.blake2b(of_many.encode(), digest_size=8).hexdigest()


def _of_visitor(tuple_: str, attributes: str) -> str:
    known = _decode_attributes(attributes) if attributes else {}
    publisher = tuples.parse(tuple_).get("publisher") or known.get("publisher")
    page = str(known.get("landing_page", "")).partition("?")[0]
    for name, value in (
        ("keyword", known.get("search_keywords")),
        ("publisher", publisher),
        ("campaign", known.get("utm_campaign")),
        ("page", page),
    ):
        if value:
            return f"{name}={value}"
    return ""


def _assigned(row: Row, source: int, at: int, made_of: Source | None) -> Suspect:
    """Who held a number, with the clicks until a time (Unix ms), which the first is not after.

    Of clicks only the first and the last are noted. Those in between are taken to have come evenly,
    so where the last came after that time, the one before it isn't known for sure.
    """
    first, last, count = row["since"], row["last_click_at"] or row["since"], max(1, row["clicks"])
    known, last_at = last <= at, last
    if not known:
        each = (last - first) / max(1, count - 1)
        count = 1 + int((at - first) / each)
        last_at = first + int((count - 1) * each)
    return Suspect(
        why=CLICK,
        pool=row["pool"],
        tuple=row["tuple"],
        source=source,
        since=first,
        clicks=count,
        first_click_at=first,
        last_at=last_at,
        last_click_at=last if known else 0,
        first_click=row["first_click"],
        last_click=row["last_click"] if known else "",
        made_of=made_of,
    )
