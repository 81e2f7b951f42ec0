"""What goes into the allocator and what comes out: the one place for states and reply shapes.

Times are Unix milliseconds by the store's clock; spans are milliseconds.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable

from msgspec import Raw, Struct


class State(enum.StrEnum):
    """How an answer came about. In the order of ``replies.AllocationCode``."""

    NEW = "new"
    HELD = "held"
    RECYCLED = "recycled"
    OVERFLOW = "overflow"
    NONE = "none"


Attributes = bytes | Callable[[], bytes]
"""What was captured with a click, as UTF-8 text (JSON); empty keeps what is there.

Or what makes it: of many clicks in a row only the last one's is written.
"""


def attributes_bytes(attributes: Attributes) -> bytes:
    """The attributes, made now if they aren't yet."""
    return attributes if isinstance(attributes, bytes) else attributes()


NOBODY = ""
"""The network of asks that are on no budget."""

UNKNOWN_NETWORK = "?"
"""That of visitors whose network nobody knows: on no budget, but counted."""

KEYED = "key"
"""That of asks with the pool's key: a rate of its own (``Rules.key_rate``), and no share."""


class Ask(Struct, frozen=True, gc=False):
    """One tuple that wants its number. ``tuple``: canonical text (``ringpool.tuples``).

    ``clicks``: how many clicks this ask stands for. ``areas``: starts of numbers (``+1212``) with
    blanks between, the best first: a new number should be of one of them, where the pool goes by
    areas (``Rules.areas``). ``network``: whose budget it is on (``Rules.budget_share``): a client
    network as text without blanks, or one of NOBODY, UNKNOWN_NETWORK and KEYED.
    """

    tuple: str
    attributes: Attributes = b""
    clicks: int = 1
    areas: str = ""
    network: str = ""


class Answer(Struct, frozen=True, gc=False):
    """A number for a tuple. ``number`` is "" for state none.

    ``hold_ms`` is what is left of the guarantee, counted from when the store answered;
    ``guaranteed_until`` is the same time on the store's clock. Both are 0 where nothing is
    promised: for overflow, and for a number that may be recycled now. ``over_budget``: state none,
    because the ask's network may have no more. ``least_ms``: so much of the guarantee must be left
    when the answer is given again (``least_promise``).
    """

    state: State
    number: str
    guaranteed_until: int = 0
    hold_ms: int = 0
    over_budget: bool = False
    least_ms: int = 0


def least_promise(hold_on_activity: int) -> int:
    """For how many ms whoever is answered is promised the number at least: 7/8 of it, rounded up.

    An eighth is for answers to be repeated, since none can be that promises all of it.
    """
    return (hold_on_activity * 7 + 7) // 8


class Rules(Struct, frozen=True, kw_only=True):
    """The part of a pool that the scripts need; written by ``Allocator.edit``.

    ``call_weight``, ``click_weight``: what a call and a click count for as activity; it's half of
    that ``half_life`` later.

    ``areas``: starts of numbers by which asks may want one, as ``area_list`` writes them; "": the
    pool doesn't go by areas.

    ``of_stock``: starts of the numbers that the stock may be asked for, likewise; "": any.

    ``budget_share``: percent of the numbers that one client network may have inside guarantees that
    it began, ``budget_least`` at least; ``budget_rate`` and ``key_rate``: how many it, and those
    with the pool's key together, may begin in a minute. 0: as many as there are.

    ``owner``: noted in the history with each assignment that ends. ``history_most``: bytes of a
    number's former holders that are kept at most, whatever else would be; None: no limit.
    """

    min_duration: int = 600_000
    hold_on_activity: int = 0
    recycle: str = "least_active"
    call_weight: float = 1
    click_weight: float = 0
    half_life: int = 600_000
    max_size: int = 0  # 0: no limit but the stock's
    stock: str = ""
    overflow_number: str = ""
    allow_overflow: bool = True
    history_bytes: int = 4096
    areas: str = ""
    budget_share: int = 0
    budget_least: int = 0
    budget_rate: int = 0
    key_rate: int = 0
    owner: str = ""
    history_most: int | None = None
    of_stock: str = ""


def area_list(areas: Iterable[str]) -> str:
    """Areas as scripts look them up: in order, a blank before and after each; "" for none."""
    found = sorted(set(areas))
    return f" {' '.join(found)} " if found else ""


class Holding(Struct, frozen=True, kw_only=True):
    """One number with one tuple for one time. ``until`` is None while it lasts.

    ``first_click`` and ``last_click``: their attributes; the same while there was one click.
    ``owner``: whose ``pool`` was then; "": unknown. Another may have a pool of that id by now.
    ``last_click_at``: Unix ms; 0: unknown. ``serial``: which of the pool's assignments it was,
    counted from 1; 0: unknown.
    """

    number: str
    tuple: str
    since: int
    until: int | None = None
    guaranteed_until: int = 0
    clicks: int = 0
    calls: int = 0
    first_click: bytes = b""
    last_click: bytes = b""
    pool: str = ""
    owner: str = ""
    last_click_at: int = 0
    serial: int = 0


class Called(Struct, frozen=True):
    """A number of a pool or stock that is called. ``leaving``: it drains.

    ``holding``: who holds it, or who held it last; None: nobody that is known of. ``pool``: the one
    that a stock's number is lent to, or on its way to.
    """

    leaving: bool
    holding: Holding | None
    pool: str = ""


class NumberRow(Struct, frozen=True, array_like=True):
    """One number of a pool as it stands. ``since`` 0: unassigned, and ``tuple`` means nothing."""

    number: str
    tuple: str
    since: int
    until: int
    last_activity: int
    clicks: int
    calls: int
    leaving: int
    loan: str


class StockState(enum.StrEnum):
    """Where a stock's number is: here, ready or at rest, or in a pool, or on its way there."""

    AVAILABLE = "available"
    RESTING = "resting"
    LENT = "lent"
    MOVING = "moving"


class StockRow(Struct, frozen=True, kw_only=True):
    """One number of a stock. ``pool``: it is lent to, or moving to; "" while it is in the stock.

    ``available_from``: when it may be lent, while it is there. ``leaving``: it leaves the stock
    when it is back. ``calls``: how many began while it was there; ``last_call``: when the last of
    these did (0: there was none).
    """

    number: str
    state: StockState
    pool: str
    available_from: int
    leaving: bool
    calls: int = 0
    last_call: int = 0


class Departure(Struct, frozen=True, array_like=True):
    """A number that left its pool and must be handed on.

    ``loan``: by which a stock lent it ("": it was the pool's own). ``history``: packed former
    holders, opaque here.
    """

    number: str
    loan: str
    left: int
    history: Raw


class Swept(Struct, frozen=True, array_like=True):
    """What one sweep of a pool found. ``room``: how many numbers its stock could add.

    ``due_in``: ms until there is something to do again, if nobody clicks. ``answers_total``: how
    many answers the pool ever gave; another count than last time means that it is in use.
    ``size``, ``unassigned``, ``clock``: as in PoolStatus. ``ledger``: messages that wait there.
    """

    more: int
    departures: list[Departure]
    exhausted: int
    last_overflow: int
    room: int
    due_in: int
    answers_total: int
    size: int
    unassigned: int
    clock: int
    ledger: int = 0


class PoolStatus(Struct, frozen=True, kw_only=True):
    """A pool at one time. The four sizes add up to ``size`` with ``draining``.

    ``utilization``: share of the size (0.0 to 1.0) inside a guarantee. ``oldest_held_seconds``:
    how long the assignment that falls due first has stood. ``clock``: what the pool holds for now;
    ``last_overflow`` is a reading of the same clock. ``unbudgeted_total``: guarantees begun for
    visitors of an unknown network, at ``last_unbudgeted`` the latest. ``recycled_age_total``: how
    long the former assignments of recycled numbers stood, all together (ms);
    ``recycled_early_total``: of those numbers, the ones that went less than twice the minimum
    duration after their last activity, without a call. ``ledger_waiting``: messages that the
    archive hasn't read (``ledger``), the oldest for ``ledger_waiting_seconds``.
    """

    size: int
    unassigned: int
    held: int
    recyclable: int
    draining: int
    overflow_total: int
    new_total: int
    recycled_total: int
    held_total: int
    utilization: float
    oldest_held_seconds: float
    exhausted: bool
    backlog: int = 0
    calls_total: int = 0
    overflow_calls_total: int = 0
    last_overflow: int = 0
    clock: int = 0
    budget_refused_total: int = 0
    unbudgeted_total: int = 0
    last_unbudgeted: int = 0
    recycled_age_total: int = 0
    recycled_early_total: int = 0
    ledger_waiting: int = 0
    ledger_waiting_seconds: float = 0.0


class Why(enum.IntEnum):
    """Why a pool refused an ask."""

    ALL_HELD = 1
    BUDGET = 2  # that of the ask's network is used up


class NoGrowth(enum.IntEnum):
    """Why a pool that had no number left took none from a stock."""

    NO_STOCK = 0
    MAX_SIZE = 1
    STOCK_EMPTY = 2


class Refusal(Struct, frozen=True, array_like=True):
    """An ask that got no number of the pool: overflow or none. Of each reason one a second is kept.

    ``tuple``: cut off after 256 bytes, with an ellipsis then. ``network``: as in Ask. ``size``: of
    the pool then; ``first_due``: when the first of its guarantees ends (0: it has none).
    ``total``: how often it had refused for this reason. ``network_has``: how many of its numbers
    the network had by its budget. ``held_since``: since when the tuple has a number after all (0:
    it has none).
    """

    at: int
    tuple: str
    network: str
    why: Why
    size: int
    first_due: int
    no_growth: NoGrowth
    total: int
    network_has: int
    held_since: int


class Refusals(Struct, frozen=True, array_like=True):
    """What a pool refused lately, the newest first. ``max_size`` 0: none; ``stock`` "": none.

    ``guarantee``: how long one lasts that begins now. ``overflow_total``, ``budget_total``: how
    often it has refused by now, for each reason.
    """

    clock: int
    stock: str
    max_size: int
    guarantee: int
    overflow_total: int
    budget_total: int
    entries: list[Refusal]


class Call(Struct, frozen=True, kw_only=True):
    """What was told of an inbound call. ``id`` counts once a pool; ``started_at`` 0 means now.

    ``event``: a key of ``EVENTS``. ``document``: the event as the ledger keeps it (JSON); empty: it
    isn't noted there.
    """

    id: str
    number: str
    started_at: int = 0
    event: str = "started"
    document: bytes = b""


EVENTS = {"started": 1, "answered": 2, "ended": 4, "missed": 8, "outcome": 16}
"""What can be told of a call, as scripts add it up (``lua/pool/call.lua``)."""


class CallCredit(Struct, frozen=True, kw_only=True):
    """Whom a call is credited to. ``holding`` is None when nobody held the number then.

    ``noted``: this event of it wasn't told before. ``resting``: ``quarantine`` or ``stock``, where
    the number rested, or was about to; then ``holding`` is whose it was last.
    """

    id: str
    number: str
    counted: bool  # False: this id was counted before, and the answer is the earlier one's
    overflow: bool = False
    holding: Holding | None = None
    noted: bool = True
    resting: str = ""
