"""Whether a pool is too small or too big, by how much, and what that costs."""

from __future__ import annotations

import enum

from msgspec import Struct
from msgspec.structs import replace

from allocator.answers import PoolStatus
from allocator.series import MOST_HOURS, MOST_MINUTES, Series
from ringpool.faults import Fault
from ringpool.model import Pool
from ringpool.sizing import reading, seen, words
from ringpool.sizing.sizing import Question, Sizing, size
from ringpool.times import format_rfc3339

OVERFLOW = 0.01
"""Share of new tuples that may find no number."""

LEAST_HOURS = 6
"""For less long, nobody knows what a day looks like."""

LEAST_NEW = 50
"""Fewer new tuples at the busiest time tell nothing."""

SPARE = 0.1
"""So much more than is needed isn't too big."""

MINUTES, HOURS = MOST_MINUTES, MOST_HOURS
"""What ``judge`` wants of the series."""


class Fit(enum.StrEnum):
    """How a pool's size fits what comes to it."""

    UNKNOWN = "unknown"
    TOO_SMALL = "too_small"
    RIGHT = "right"
    TOO_BIG = "too_big"


class SizeVerdict(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``text``: a sentence or two. ``needed``: numbers for 1% overflow at its busiest time; None:
    unknown. ``overflow``: the share of new tuples, 0 to 1, that find none then, with those there
    are.
    """

    fit: Fit
    text: str
    needed: int | None = None
    overflow: float | None = None


def judge(pool: Pool, status: PoolStatus, series: Series) -> SizeVerdict:
    """Compare what a pool has with what its busiest time needs.

    A pool with a stock may become as large as ``max_size`` lets it: that is not too small.
    """
    numbers = status.size - status.draining
    found = seen.busiest(series, pool.min_duration / 1000)
    if found is None or found.known_hours < LEAST_HOURS or found.distinct < LEAST_NEW:
        return _unknown(_little(series))
    try:
        given = seen.texts(pool, found) | {"numbers": str(max(1, numbers))}
        question = reading.read(given)
        sizing = size(question)
    except Fault as fault:
        return _unknown(f"Nothing can be said of its size: {fault.message}.")
    when = format_rfc3339(found.start_ms)[:16].replace("T", " ")
    busy = f"its busiest hour of the last week ({when} UTC)"
    if found.hours != 1:
        busy = f"its busiest {words.span(found.hours * 3600)} (from {when} UTC)"
    overflow = max(sizing.overflow, found.overflow_share)
    most = numbers
    if pool.stock is not None:
        most = max(numbers, pool.max_size or sizing.needed)
    if sizing.needed > most:
        text = _too_small(sizing, numbers, overflow, busy)
        if found.overflow:
            text += (
                f" Then {found.overflow:,} of {found.distinct:,} found none, so their calls don't "
                "tell where they came from."
            )
        fit = Fit.TOO_SMALL
    elif numbers - sizing.needed > max(1, SPARE * sizing.needed):
        fit, text = Fit.TOO_BIG, _too_big(question, sizing, numbers, busy)
    else:
        fit = Fit.RIGHT
        text = f"As large as {busy} needs: {words.numbers(sizing.needed)} for 1% overflow."
        if found.overflow_share > OVERFLOW:
            text += (
                f" Yet {words.share(found.overflow_share)} of new tuples found none: they came in "
                "bursts, or asked again."
            )
    return SizeVerdict(fit=fit, text=text, needed=sizing.needed, overflow=overflow)


def _unknown(text: str) -> SizeVerdict:
    return SizeVerdict(fit=Fit.UNKNOWN, text=text)


def _little(series: Series) -> str:
    if not series.begun_ms:
        return "Nobody has asked it yet: nothing can be said of its size."
    since = format_rfc3339(series.begun_ms)
    return (
        f"Too little seen to judge its size (since {since}): it takes {LEAST_HOURS} hours, and "
        f"{LEAST_NEW} new tuples in the busiest."
    )


def _too_small(sizing: Sizing, numbers: int, overflow: float, busy: str) -> str:
    more = words.numbers(sizing.needed - numbers, "more")
    return (
        f"Too small: {more} would bring overflow from {words.share(overflow)} to "
        f"{words.share(OVERFLOW)}, as busy as {busy}."
    )


def _too_big(question: Question, sizing: Sizing, numbers: int, busy: str) -> str:
    needed = size(replace(question, numbers=max(1, sizing.needed)))
    return (
        f"{words.numbers(numbers - sizing.needed)} more than {words.share(OVERFLOW)} overflow "
        f"needs ({sizing.needed:,}), as busy as {busy}. What they give: a number stays with its "
        f"tuple for {words.span(sizing.life_seconds)} then, not {words.span(needed.life_seconds)}."
    )
