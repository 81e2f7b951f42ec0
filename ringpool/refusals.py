"""Why a pool refused visits lately, in a sentence, and how many numbers would have served them."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from msgspec import Struct

from allocator.answers import KEYED, UNKNOWN_NETWORK, NoGrowth, Refusal, Refusals, Why
from ringpool.model import Pool
from ringpool.times import format_rfc3339
from ringpool.visits import tuples

KEPT = 50
"""Most that are kept (``lua/include/pool_refusals.lua``)."""

_CUT = "…"

HowSure = Literal["exactly", "about", "at_least"]
"""``exactly``: every refusal is known; ``about``: estimated from those that are; ``at_least``:
older ones have made room for newer ones."""

_WHY: dict[Why, Literal["held", "budget"]] = {Why.ALL_HELD: "held", Why.BUDGET: "budget"}
_NO_GROWTH: dict[NoGrowth, Literal["no_stock", "max_size", "stock_empty"]] = {
    NoGrowth.NO_STOCK: "no_stock",
    NoGrowth.MAX_SIZE: "max_size",
    NoGrowth.STOCK_EMPTY: "stock_empty",
}


class Refused(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An ask that got no number of the pool. Of each reason one a second is kept.

    ``tuple``: cut off after 256 bytes (``cut``). ``network``: its client network; "": not known.
    ``first_due``: when the first guarantee then ended. ``more``: further ones of this reason until
    the next that is kept.
    """

    at: str
    reason: Literal["held", "budget"]
    tuple: dict[str, str]
    cut: bool = False
    network: str = ""
    size: int
    first_due: str = ""
    no_growth: Literal["no_stock", "max_size", "stock_empty"]
    more: int = 0


class Needed(Struct, frozen=True):
    """How many numbers would have served a pool when it refused last, and how sure that is."""

    numbers: int
    sure: HowSure


class RefusalReport(Struct, frozen=True, kw_only=True):
    """What a pool refused within 7 days, of the latest 50 that it keeps; the newest first.

    ``why``: the newest in a sentence, or that there was none. ``needed``: None where no refusal was
    for want of numbers.
    """

    pool: str
    why: str
    needed: Needed | None
    refusals: list[Refused]


def report(pool: Pool, found: Refusals) -> RefusalReport:
    """Explain what a pool refused."""
    need = needed(found)
    return RefusalReport(
        pool=pool.id,
        why=_sentence(pool, found, need),
        needed=need,
        refusals=[
            _refused(entry, more)
            for entry, more in zip(found.entries, _further(found), strict=True)
        ],
    )


def needed(found: Refusals) -> Needed | None:
    """Reckon how many numbers would have served all who were there at the latest refusal.

    Every number of the pool was held then. With enough numbers each tuple that was refused within
    a guarantee before, and hadn't got one after all, would have held one more: so it is the pool's
    size and how many these tuples are. Of refusals in one second one is kept. Where all are, that
    is counted; else the kept ones are a sample of all, and the number of different tuples among all
    is estimated by d / C, where d are different in the sample, and C = 1 - f1 / m, with f1 of its m
    there once, is the share of visits that are by tuples in the sample (Good 1953,
    https://doi.org/10.1093/biomet/40.3-4.237; d / C: Darroch and Ratcliff 1980, Biometrics 36), and
    by no more than if all that aren't kept were different. So it is never fewer than were seen, and
    where none came twice as many as there were. None: nothing was refused for want of numbers.
    """
    held = [entry for entry in found.entries if entry.why is Why.ALL_HELD]
    if not held:
        return None
    last = held[0]
    within = [entry for entry in held if entry.at > last.at - found.guarantee]
    refused = found.overflow_total - within[-1].total + 1
    without = Counter(entry.tuple for entry in within if not 0 < entry.held_since <= last.at)
    different = len(without)
    unseen = refused - len(within)
    if unseen > 0:
        sampled = without.total()
        again = sampled - sum(times == 1 for times in without.values())
        most = different + unseen
        different = min(most, -(-different * sampled // again)) if again else most
    older_gone = len(found.entries) >= KEPT and len(within) == len(held)
    sure: HowSure = "at_least" if older_gone else "about" if unseen > 0 else "exactly"
    return Needed(last.size + different, sure)


def _further(found: Refusals) -> list[int]:
    """For each entry how many refusals of its reason came until the next that is kept."""
    totals = {Why.ALL_HELD: found.overflow_total + 1, Why.BUDGET: found.budget_total + 1}
    further = []
    for entry in found.entries:
        further.append(max(0, totals[entry.why] - entry.total - 1))
        totals[entry.why] = entry.total
    return further


def _refused(entry: Refusal, more: int) -> Refused:
    return Refused(
        at=format_rfc3339(entry.at),
        reason=_WHY[entry.why],
        tuple=tuples.parse(entry.tuple),
        cut=entry.tuple.endswith(_CUT) and len(entry.tuple.encode()) > 256,
        network=_network(entry.network),
        size=entry.size,
        first_due=format_rfc3339(entry.first_due) if entry.first_due else "",
        no_growth=_NO_GROWTH[entry.no_growth],
        more=more,
    )


def _network(network: str) -> str:
    if network == UNKNOWN_NETWORK:
        return ""
    return "with the pool's key" if network == KEYED else network


def _sentence(pool: Pool, found: Refusals, need: Needed | None) -> str:
    if not found.entries:
        return "Nothing was refused within the last 7 days."
    last = found.entries[0]
    if last.why is Why.BUDGET:
        return _budget(last)
    parts = [f"All {last.size} held" if last.size else "It has no numbers"]
    if last.first_due:
        parts.append(f"the first is due {_clock(last.first_due, last.at)}")
    parts.append(_growth(pool, last.no_growth))
    if pool.fallback:
        parts.append(f"pool {pool.fallback} was asked instead")
    if need is not None:
        sure = {"exactly": "", "about": "about ", "at_least": "at least "}[need.sure]
        numbers = f"{need.numbers} number{'s' if need.numbers > 1 else ''}"
        parts.append(f"{sure}{numbers} would have served it")
    text = "; ".join(parts)
    return f"{text}."


def _budget(last: Refusal) -> str:
    if last.network == KEYED:
        return "Those with the pool's key began as many new numbers as its key_rate allows."
    has = f"it has {last.network_has} of {last.size} numbers"
    return f"The budget of network {last.network} is used up: {has}."


def _growth(pool: Pool, no_growth: NoGrowth) -> str:
    match no_growth:
        case NoGrowth.NO_STOCK:
            return "it has no stock to grow from"
        case NoGrowth.MAX_SIZE:
            return f"it is at its max_size of {pool.max_size}" if pool.max_size else "it is full"
        case NoGrowth.STOCK_EMPTY:
            return f"stock {pool.stock} is empty" if pool.stock else "its stock is empty"


def _clock(unix_ms: int, beside_ms: int) -> str:
    """A time in UTC, without its day where that is the other time's."""
    day, _, time = format_rfc3339(unix_ms).partition("T")
    same = day == format_rfc3339(beside_ms).partition("T")[0]
    return f"{time[:5]} UTC" if same else f"{day} {time[:5]} UTC"
