"""What is known of a call and of a pool: all that attribution reasons from.

Times are Unix ms. A *key* names whom a call may be credited to: the canonical text of a tuple.
"""

from __future__ import annotations

from msgspec import Struct

MOST_HOLDERS = 16
"""So many holders of a number, the latest first, may have made a call; older ones don't matter."""


class Clicks(Struct, frozen=True):
    """The clicks of one assignment, or of one tuple that was shown the overflow number.

    ``count`` of them, the first at ``first_at`` and the last at ``last_at``; those between are
    taken as evenly spread, as no click log is kept. ``group``: whose share of clicks that call is
    learned together; "": the key's. In a visitor pool, where each key comes once, the keyword or
    publisher, and never a visitor: groups are kept with the fit.
    """

    key: str
    count: int
    first_at: int
    last_at: int
    group: str = ""


class EarlierCall(Struct, frozen=True):
    """Whom an earlier call of the same caller is credited to, and how surely (0 to 1).

    ``same_number``: False where that call was to another number, so that the caller has seen a
    number since.
    """

    key: str
    probability: float
    at: int
    same_number: bool = True


class CallEvidence(Struct, frozen=True):
    """One call. ``holders``: who held its number up to then, the latest first, or for a call to the
    overflow number the tuples that were shown it. ``earlier``: of the same caller, the latest
    first.
    """

    at: int
    holders: tuple[Clicks, ...]
    overflow: bool = False
    earlier: tuple[EarlierCall, ...] = ()


class PoolEvidence(Struct, frozen=True):
    """What a pool's fit is made of: every call and every click of ``since`` to ``until``.

    ``clicks``: each assignment's, those that stand still and those without a call too, and of those
    who were shown the overflow number: their exposure. Clicks before ``since`` may be among them
    and among a call's holders; rates are learned from later ones. ``numbers``: how many the pool
    has, for the rate of calls that nobody's click led to.
    """

    calls: tuple[CallEvidence, ...]
    clicks: tuple[Clicks, ...]
    numbers: int
    since: int
    until: int
