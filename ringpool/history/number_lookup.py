"""A number's report as programs read it: over HTTP and from `ringpool number show --json`."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from allocator.answers import Holding
from ringpool.history.number_report import NumberReport
from ringpool.times import format_rfc3339, rfc3339_or_nothing
from ringpool.visits import tuples


class Holder(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who held a number, for how long, and the attributes of their first and last click.

    Without ``until``, they hold it still.
    """

    pool: str
    tuple: dict[str, str]
    assigned_at: str
    until: str = ""
    guaranteed_until: str = ""
    clicks: int
    calls: int
    first_click: dict[str, str] = {}
    last_click: dict[str, str] = {}


class OverflowOf(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A pool whose overflow number it is; ``answers``: how often it had nothing else to give in the
    clock hour (UTC) of ``at``."""

    pool: str
    answers: int | None = None


class NumberLookup(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One number. ``owner``: ``pool/ID`` or ``stock/ID``; ``pool``: where it is now.

    ``holder``: now, or at ``at`` when that was asked for; absent when nobody held it. Of a number
    that has left all pools and stocks: who held it last, unless ``at`` was asked for.
    """

    number: str
    owner: str = ""
    pool: str = ""
    draining: bool = False
    available_from: str = ""
    at: str = ""
    holder: Holder | None = None
    overflow_of: list[OverflowOf] = []


_decode_attributes = msgspec.json.Decoder(dict[str, str]).decode


def number_lookup(report: NumberReport) -> NumberLookup:
    """The report with times as RFC 3339, and tuples and clicks by name."""
    holder = report.last if report.at is None and report.last else report.holder
    return NumberLookup(
        number=report.number,
        owner=f"{report.owner_kind}/{report.owner}" if report.owner else "",
        pool=report.pool,
        draining=report.draining,
        available_from=rfc3339_or_nothing(report.available_from),
        at=rfc3339_or_nothing(report.at),
        holder=holder_of(holder) if holder else None,
        overflow_of=[OverflowOf(pool=use.pool, answers=use.answers) for use in report.overflow_of],
    )


def holder_of(holding: Holding) -> Holder:
    """Who held a number, with times as RFC 3339, and tuple and clicks by name."""
    return Holder(
        pool=holding.pool,
        tuple=tuples.parse(holding.tuple),
        assigned_at=format_rfc3339(holding.since),
        until=rfc3339_or_nothing(holding.until),
        guaranteed_until=rfc3339_or_nothing(holding.guaranteed_until),
        clicks=holding.clicks,
        calls=holding.calls,
        first_click=_decode_attributes(holding.first_click) if holding.first_click else {},
        last_click=_decode_attributes(holding.last_click) if holding.last_click else {},
    )
