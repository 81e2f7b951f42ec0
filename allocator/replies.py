"""The arrays that scripts reply and keep, as structs, and the codes in them: each in one place.

Positions and codes are those of ``lua/**``. A pool's script replies ``false`` when there is no such
pool, so the decoders of this package take a bool too, and ``known`` raises UnknownPool for it.
"""

from __future__ import annotations

import enum
from typing import TypeVar, cast

from msgspec import Raw, Struct

from allocator.answers import CallCredit, Holding, NumberRow, PoolStatus, Rules

_T = TypeVar("_T")


class UnknownPool(LookupError):
    """The store has no such pool (any more)."""


def known(pool_id: str, reply: _T | bool) -> _T:
    """What a pool's script replied; raises UnknownPool for its ``false``."""
    if reply is False:
        raise UnknownPool(pool_id)
    return cast("_T", reply)


def string_bytes(raw: Raw) -> bytes:
    """A packed string's bytes: Lua's strings needn't be UTF-8, and msgspec would refuse those."""
    data = bytes(raw)
    first = data[0]
    if 0xA0 <= first <= 0xBF:
        return data[1:]
    return data[1 + {0xD9: 1, 0xDA: 2, 0xDB: 4}[first] :]


class AllocationCode(enum.IntEnum):
    """How ``pool/allocate`` answers an ask; 1 to 5 are the members of ``answers.State``."""

    COULD_GROW = 0  # no answer yet: the pool may take numbers from its stock
    NEW = 1
    HELD = 2
    RECYCLED = 3
    OVERFLOW = 4
    NONE = 5
    OVER_BUDGET = 6  # none, too


class EditCode(enum.IntEnum):
    """What ``pool/edit`` did."""

    BUSY = 0  # an earlier edit of the order is still being carried out
    DONE = 1
    UNSHELVED = 2  # done, and numbers are to be put on the shelves of their areas


class ForgetCode(enum.IntEnum):
    """What ``pool/forget`` did."""

    HAS_NUMBERS = 0
    DELETED = 1


class CallCode(enum.IntEnum):
    """What ``pool/call`` and ``stock/call`` reply instead of a CallReply."""

    NEVER_HERE = 0  # the number was never in this pool, or isn't in this stock


class ReceiveCode(enum.IntEnum):
    """What ``stock/receive`` did with a number."""

    REPEATED = 0  # it had been taken back before
    BACK = 1
    LEFT_STOCK = 2  # it was to leave the stock too, or isn't the stock's any more


class LeaseCode(enum.IntEnum):
    """What ``lease`` did."""

    REFUSED = 0
    TAKEN = 1


class StoredRules(Struct, frozen=True, array_like=True):
    """A pool's rules as the scripts keep them (``lua/include/pool_state.lua``)."""

    revision: int
    pool_id: str
    min_duration: int
    hold_on_activity: int
    recycle: str
    call_weight: float
    click_weight: float
    max_size: int
    stock: str
    overflow_number: str
    allow_overflow: int
    history_bytes: int
    areas: str
    budget_share: int
    budget_least: int
    budget_rate: int
    key_rate: int
    owner: str = ""
    history_most: int | None = None
    of_stock: str = ""
    half_life: int | None = None

    @classmethod
    def of(cls, pool_id: str, rules: Rules, revision: int) -> StoredRules:
        """The rules of a pool at a revision."""
        return cls(
            revision=revision,
            pool_id=pool_id,
            min_duration=rules.min_duration,
            hold_on_activity=rules.hold_on_activity,
            recycle=rules.recycle,
            call_weight=rules.call_weight,
            click_weight=rules.click_weight,
            max_size=rules.max_size,
            stock=rules.stock,
            overflow_number=rules.overflow_number,
            allow_overflow=int(rules.allow_overflow),
            history_bytes=rules.history_bytes,
            areas=rules.areas,
            budget_share=rules.budget_share,
            budget_least=rules.budget_least,
            budget_rate=rules.budget_rate,
            key_rate=rules.key_rate,
            owner=rules.owner,
            history_most=rules.history_most,
            of_stock=rules.of_stock,
            half_life=rules.half_life,
        )


class AnswerReply(Struct, frozen=True, array_like=True, gc=False):
    """One ask's answer. ``guaranteed_until``: ms, 0 for overflow and none.

    Where the pool could grow, ``number`` is what its stock should be asked for
    (``Transfers.take``).
    """

    code: AllocationCode
    number: str
    guaranteed_until: int


class AllocateReply(Struct, frozen=True, array_like=True, gc=False):
    """What ``pool/allocate`` replies. ``room``: how many numbers the pool may take from ``stock``.

    ``arrived``: those of the arrivals that are in the pool now. ``hold``: the pool's
    ``hold_on_activity``, ms.
    """

    clock: int
    stock: str
    room: int
    answers: list[AnswerReply]
    arrived: list[str]
    hold: int


class HeldReply(Struct, frozen=True, array_like=True):
    """What ``pool/held`` replies. ``hold``: as in AllocateReply."""

    clock: int
    answers: list[AnswerReply]
    hold: int


class PreviewReply(Struct, frozen=True, array_like=True):
    """What ``pool/preview`` replies. ``grows``: 1 when ``stock`` is asked first.

    ``grows_in_area``: 1 when it is asked for a number of the ask's areas before that. ``of_stock``:
    as in Rules; ``local``: those of the ask's areas that the stock may be asked for.
    """

    clock: int
    stock: str
    grows: int
    code: AllocationCode
    number: str
    guaranteed_until: int
    grows_in_area: int
    of_stock: str
    local: str


class StockStatusReply(Struct, frozen=True, array_like=True):
    """What ``stock/status`` replies: counts of numbers. ``of_areas``: available of those asked."""

    size: int
    available: int
    quarantined: int
    lent: int
    moving: int
    of_areas: int


class HolderReply(Struct, frozen=True, array_like=True):
    """An entry of a number's history (``lua/include/history.lua``); all empty when nobody held it.

    ``until`` 0: it still holds.
    """

    pool: str = ""
    tuple: str = ""
    since: int = 0
    until: int = 0
    guaranteed_until: int = 0
    clicks: int = 0
    calls: int = 0
    first_click: str = ""
    last_click: str = ""
    owner: str = ""
    last_click_at: int = 0
    serial: int = 0

    def holding(self, number: str) -> Holding | None:
        """As callers take it; None when nobody held the number."""
        if not self.since:
            return None
        return Holding(
            number=number,
            pool=self.pool,
            owner=self.owner,
            tuple=self.tuple,
            since=self.since,
            until=self.until or None,
            guaranteed_until=self.guaranteed_until,
            clicks=self.clicks,
            calls=self.calls,
            first_click=self.first_click.encode(),
            last_click=(self.last_click or self.first_click).encode(),
            last_click_at=self.last_click_at,
            serial=self.serial,
        )


class CallReply(Struct, frozen=True, array_like=True):
    """To whom ``pool/call`` and ``stock/call`` credit a call. ``counted``, ``overflow`` and
    ``noted``: 1 or 0."""

    counted: int
    overflow: int
    holder: HolderReply
    number: str
    noted: int
    resting: str

    def credit(self, call_id: str) -> CallCredit:
        """As callers take it."""
        return CallCredit(
            id=call_id,
            number=self.number,
            counted=self.counted == 1,
            overflow=self.overflow == 1,
            holding=self.holder.holding(self.number),
            noted=self.noted == 1,
            resting=self.resting,
        )


class RouteReply(Struct, frozen=True, array_like=True):
    """What ``pool/route`` knows of a number that is in the pool. ``leaving``: 1 or 0."""

    leaving: int
    holder: HolderReply


class StockRouteReply(Struct, frozen=True, array_like=True):
    """What ``stock/route`` knows of a number of the stock. ``pool``: where it is; "": here."""

    pool: str
    holder: HolderReply


class StatusReply(Struct, frozen=True, array_like=True):
    """What ``pool/status`` counts. ``oldest_held_ms``: how long the assignment that falls due first
    has stood; ``exhausted``: 1 or 0."""

    size: int
    unassigned: int
    held: int
    recyclable: int
    draining: int
    overflow_total: int
    new_total: int
    recycled_total: int
    held_total: int
    oldest_held_ms: int
    exhausted: int
    backlog: int
    calls_total: int
    overflow_calls_total: int
    last_overflow: int
    clock: int
    budget_refused_total: int
    unbudgeted_total: int
    last_unbudgeted: int
    recycled_age_total: int
    recycled_early_total: int
    ledger_waiting: int
    ledger_waiting_ms: int

    def status(self) -> PoolStatus:
        """As callers take it."""
        return PoolStatus(
            size=self.size,
            unassigned=self.unassigned,
            held=self.held,
            recyclable=self.recyclable,
            draining=self.draining,
            overflow_total=self.overflow_total,
            new_total=self.new_total,
            recycled_total=self.recycled_total,
            held_total=self.held_total,
            utilization=(self.held + self.draining) / self.size if self.size else 1.0,
            oldest_held_seconds=self.oldest_held_ms / 1000,
            exhausted=self.exhausted == 1,
            backlog=self.backlog,
            calls_total=self.calls_total,
            overflow_calls_total=self.overflow_calls_total,
            last_overflow=self.last_overflow,
            clock=self.clock,
            budget_refused_total=self.budget_refused_total,
            unbudgeted_total=self.unbudgeted_total,
            last_unbudgeted=self.last_unbudgeted,
            recycled_age_total=self.recycled_age_total,
            recycled_early_total=self.recycled_early_total,
            ledger_waiting=self.ledger_waiting,
            ledger_waiting_seconds=self.ledger_waiting_ms / 1000,
        )


class NumbersReply(Struct, frozen=True, array_like=True):
    """A page of a pool's numbers. ``cursor`` "0": it is the last."""

    cursor: str
    rows: list[NumberRow]


class MoveReply(Struct, frozen=True, array_like=True):
    """A number that ``stock/take`` or ``stock/resume`` has sent on its way at ``moved`` (ms).

    ``loan``: the loan's name within its stock (ms); ``pool``: where to, from ``resume`` alone.
    """

    number: str
    moved: int
    history: Raw
    loan: int
    pool: str = ""


class WithdrawalReply(Struct, frozen=True, array_like=True):
    """What ``stock/drain`` did with a number: lent to ``pool``, or ("") gone with its history.

    ``used``: when its last assignment ended, ms; 0: that isn't known.
    """

    pool: str
    history: Raw
    used: int


class StockRowReply(Struct, frozen=True, array_like=True):
    """One number in a page of a stock. ``moving``, ``leaving``: 1 or 0; ``pool``: "" while here."""

    number: str
    pool: str
    moving: int
    leaving: int
    available_from: int
    calls: int
    last_call: int


class StockNumbersReply(Struct, frozen=True, array_like=True):
    """A page of a stock's numbers. ``cursor`` "0": it is the last."""

    cursor: str
    clock: int
    rows: list[StockRowReply]


class StockPlaceReply(Struct, frozen=True, array_like=True):
    """Where ``stock/holder`` finds a number, and who held it. ``leaving``: 1 or 0."""

    pool: str
    leaving: int
    available_from: int
    holder: HolderReply
