"""What a pool and a stock do, written again from the contract's text: lists, sorting, no store.

The scripts are compared with this step by step. It knows one thing of how they work: a call ranks
only so many of the numbers that fell due (``PROMOTED_A_CALL``), so that choices are the same too
while there is a backlog.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from allocator.answers import (
    KEYED,
    UNKNOWN_NETWORK,
    Answer,
    Ask,
    Call,
    CallCredit,
    Holding,
    Rules,
    State,
    attributes_bytes,
)
from allocator.ledger import OverflowGiven

PROMOTED_A_CALL = 4
DRY_MS = 1000
LN2 = math.log(2)
NEVER = 1e300


def area_of(number: str, areas: str) -> str | None:
    """The longest area that a number begins with, "" for a general one; None without areas."""
    fitting = [area for area in areas.split() if number.startswith(area)]
    return max(fitting, key=len, default="") if areas else None


@dataclass
class Number:
    """A number in a pool. Assigned when it has ``since``; ranked when it has a ``rank``."""

    number: str
    loan: str
    came: int
    holder: str = ""
    network: str = ""
    since: int = 0
    until: int = 0
    active: int = 0
    clicks: int = 0
    clicked: int = 0
    calls: int = 0
    activity: float = 0.0
    turn: int = 0
    leaving: bool = False
    released: bool = False
    rank: float | None = None
    old_rank: bool = False
    first: bytes = b""
    last: bytes = b""
    former: list[Holding] = field(default_factory=list)

    @property
    def order(self) -> tuple[float, int, str]:
        """Best first: by the rule, then the longest idle; who was released is idle for ever."""
        assert self.rank is not None
        return self.rank, 0 if self.released else self.active, self.number


@dataclass
class OutboxEntry:
    """A number that left its pool."""

    loan: str
    left: int
    former: list[Holding]
    sent: bool = False


@dataclass
class Place:
    """A stock's number: here while ``pool`` is "", else lent by the loan ``since``."""

    pool: str
    since: int
    available_from: int = 0
    leaving: bool = False
    former: list[Holding] = field(default_factory=list)
    area: str | None = None


class ModelStock:
    """Numbers that pools borrow."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.quarantine = 0
        self.numbers: dict[str, Place] = {}
        self.last_loan = 0

    def edit(self, quarantine: int, numbers: Sequence[str], now: int) -> int:
        self.quarantine = quarantine
        added = [number for number in dict.fromkeys(numbers) if number not in self.numbers]
        for number in numbers:
            self.numbers.setdefault(number, Place("", now, now)).leaving = False
        return len(added)

    def shelve(self, areas: str) -> None:
        """Note the area of every number that there is."""
        for number, place in self.numbers.items():
            place.area = area_of(number, areas)

    def available(self, now: int, area: str | None = None) -> list[str]:
        """What may go, of one area or of all, what has waited longest first."""
        here = [n for n, place in self.numbers.items() if not place.pool]
        ready = [n for n in here if self.numbers[n].available_from <= now]
        ready.sort(key=lambda n: (self.numbers[n].available_from, n))
        return [n for n in ready if area is None or self.numbers[n].area == area]

    def take(
        self, pool: str, count: int, wishes: Sequence[str], now: int
    ) -> list[tuple[str, str, list[Holding]]]:
        """Lend what has waited longest, wish by wish: (number, loan, former holders) each."""
        taken: list[str] = [] if wishes else self.available(now)[:count]
        for wish in wishes:
            if len(taken) == count:
                break
            fitting = [n for a in wish.split() for n in self.available(now, a) if n not in taken]
            if wish.endswith("*"):
                fitting += [n for n in self.available(now, "") if n not in taken]
                fitting += [n for n in self.available(now) if n not in taken]
            taken += fitting[:1]
        if taken:
            self.last_loan = max(now, self.last_loan + 1)
        for number in taken:
            place = self.numbers[number]
            place.pool, place.since = pool, self.last_loan
        return [(n, f"{self.name}@{self.last_loan}", self.numbers[n].former) for n in taken]

    def receive(self, pool: str, number: str, entry: OutboxEntry) -> bool:
        """Take a number back; True when it leaves the stock as well."""
        place = self.numbers.get(number)
        if place is None:
            return True
        if (place.pool, f"{self.name}@{place.since}") != (pool, entry.loan):
            return False
        if place.leaving:
            del self.numbers[number]
            return True
        left = entry.left + self.quarantine
        self.numbers[number] = Place("", 0, left, former=entry.former, area=place.area)
        return False

    def drain(self, numbers: Sequence[str]) -> dict[str, str]:
        lent = {}
        for number in numbers:
            place = self.numbers.get(number)
            if place is not None and place.pool:
                place.leaving = True
                lent[number] = place.pool
            else:
                self.numbers.pop(number, None)
        return lent

    def status(self, now: int) -> tuple[int, int, int, int, int]:
        places = list(self.numbers.values())
        lent = sum(1 for place in places if place.pool)
        available = sum(1 for p in places if not p.pool and p.available_from <= now)
        return len(places), available, len(places) - lent - available, lent, 0


class ModelPool:
    """One pool. Every method takes the time; the pool's clock never goes back."""

    def __init__(self, name: str, rules: Rules, stock: ModelStock) -> None:
        self.name = name
        self.rules = rules
        self.stock = stock
        self.clock = 0
        self.numbers: dict[str, Number] = {}
        self.outbox: dict[str, OutboxEntry] = {}
        self.calls: dict[str, tuple[CallCredit, set[str]]] = {}
        self.turns = self.draws = 0
        self.virtual_time = 0.0
        self._awaiting: dict[str, str] = {}
        self.dry_until = 0
        self.dry_areas: dict[str, int] = {}
        self.totals = {"new": 0, "held": 0, "recycled": 0, "overflow": 0, "calls": 0, "missed": 0}
        self.last_overflow = 0
        self.rates: dict[str, int] = {}
        self.refused = self.unbudgeted = self.last_unbudgeted = 0
        self.recycled_age = self.recycled_early = 0
        self.ledger: list[Holding | OverflowGiven] = []

    # What the pool is asked to do

    def edit(self, rules: Rules, now: int) -> bool:
        """Set the rules; False when two orders ago is still being sorted into the last one."""
        was = self.rules
        if (was.recycle, was.half_life) != (rules.recycle, rules.half_life):
            ranked = [n for n in self.numbers.values() if n.rank is not None]
            if any(n.old_rank for n in ranked) and not all(n.old_rank for n in ranked):
                return False
            for number in ranked:
                number.old_rank = True
            self.virtual_time = 0.0
        self._tick(now)
        self.rules, self.dry_until = rules, 0
        return True

    def add(self, numbers: Sequence[str], now: int) -> list[str]:
        self._tick(now)
        self.dry_until = 0
        here = []
        for number in numbers:
            known, entry = self.numbers.get(number), self.outbox.get(number)
            if known is not None:
                if not known.loan:
                    known.leaving = False
            elif entry is not None and not entry.sent:
                if entry.loan:
                    continue
                del self.outbox[number]
                self.numbers[number] = Number(number, "", self.clock, former=entry.former)
            else:
                self.numbers[number] = Number(number, "", self.clock)
            here.append(number)
        return here

    def allocate(self, asks: Sequence[Ask], now: int) -> list[Answer]:
        """Answer asks; those that need a number of the stock's are asked again with it."""
        self._tick(now)
        answers = self._answer(asks, self._could_grow(self.clock))
        for last in (False, True):
            waiting = [place for place, answer in enumerate(answers) if isinstance(answer, str)]
            if not waiting:
                break
            again = [asks[place] for place in waiting]
            wishes = {asks[place].tuple: str(answers[place]) for place in waiting}
            wanted = len(wishes)
            if self.rules.max_size:
                wanted = min(wanted, self.rules.max_size - len(self.numbers))
            told = [wish for wish in wishes.values() if wish]
            taken = self.stock.take(self.name, wanted, told, self.clock)
            for number, loan, former in taken:
                self.numbers[number] = Number(number, loan, self.clock, former=former)
                self.dry_until = 0
            short = len(taken) < wanted
            elsewhere = short and bool(told) and not last
            if short and not elsewhere:
                self.dry_until = self.clock + DRY_MS
            may_grow = elsewhere and self._could_grow(self.clock)
            grown = self._answer(again, may_grow, elsewhere=elsewhere)
            for place, answer in zip(waiting, grown, strict=True):
                answers[place] = answer
        return [answer for answer in answers if isinstance(answer, Answer)]

    def touch(self, asks: Sequence[Ask], now: int) -> list[Answer]:
        self._tick(now)
        self._awaiting = {}
        answers = []
        for ask in asks:
            number = self._of(ask.tuple)
            answers.append(self._hold(number, ask) if number else Answer(State.NONE, ""))
        return answers

    def release(self, tuples: Sequence[str], now: int) -> list[int | None]:
        self._tick(now)
        lefts: list[int | None] = []
        for tuple_ in tuples:
            found = [n for n in self.numbers.values() if n.since and n.holder == tuple_]
            if not found:
                lefts.append(None)
                continue
            [number] = found
            if not number.released:
                number.released = True
                if number.until <= self.clock and not number.leaving:
                    self._rank(number)
            lefts.append(max(0, number.until - self.clock))
        return lefts

    def forget(self, tuple_: str, other: str) -> bool:
        for number in self.numbers.values():
            if number.since and number.holder == tuple_:
                number.holder = other
                number.first, number.last = (
                    click and b"{}" for click in (number.first, number.last)
                )
                return True
        return False

    def drain(self, numbers: Sequence[str], now: int) -> dict[str, int]:
        self._tick(now)
        draining = {}
        for name in numbers:
            number = self.numbers.get(name)
            if number is None:
                continue
            if number.since and number.until > self.clock:
                number.leaving = True
                draining[name] = number.until
            else:
                self._leave(number)
        return draining

    def record_call(self, call: Call, now: int, *, overflow: bool = False) -> CallCredit | None:
        credit: CallCredit | None
        credit, told = self.calls.get(call.id, (None, set()))
        counts = call.event != "outcome"
        counted = counts and (credit is None or told <= {"outcome"})
        if credit is None or counted:
            clock = max(self.clock, now)
            at = min(call.started_at or clock, clock)
            if overflow:
                self.totals["missed"] += counted
                credit = CallCredit(id=call.id, number=call.number, counted=False, overflow=True)
            else:
                credit = self._credit(call, at, counted=counted)
                if credit is None:
                    return None
                self.totals["calls"] += counted
        noted = call.event not in told
        if noted:
            self._tick(now)
        self.calls[call.id] = credit, {*told, call.event}
        return replace(credit, counted=counted, noted=noted)

    def _credit(self, call: Call, at: int, *, counted: bool) -> CallCredit | None:
        number, left = self.numbers.get(call.number), self.outbox.get(call.number)
        holding, resting = None, ""
        if number is not None and number.since and at >= number.since:
            if counted:
                number.calls += 1
                self._act(number, self.rules.call_weight, at)
                if number.rank is not None:
                    self._rank(number)
            holding = self._holding(number)
        elif number is not None:
            holding = _credit_former(number.former, at, counted=counted)
        elif left is not None and not left.sent:
            holding = _credit_former(left.former, at, counted=counted, or_last=True)
            resting = "quarantine"
        else:
            return None
        return CallCredit(
            id=call.id, number=call.number, counted=False, holding=holding, resting=resting
        )

    def sweep(self, most: int, now: int) -> dict[str, OutboxEntry]:
        """Rank what fell due, let go what must leave; what is still to be handed on."""
        self._tick(now)
        self._rank_due(most)
        for number in list(self.numbers.values()):
            if number.leaving and number.until <= self.clock:
                self._leave(number)
        self._send_back()
        return {number: entry for number, entry in self.outbox.items() if not entry.sent}

    def sent(self, number: str) -> None:
        self.outbox[number].sent = True

    def given(self) -> int:
        given = sum(self.totals[state] for state in ("new", "held", "recycled", "overflow"))
        return given + self.refused

    def due_in(self) -> int:
        """How long a sweep that ranked all it could has nothing to do, if nobody clicks."""
        staying = sum(1 for number in self.numbers.values() if not number.leaving)
        if self.rules.max_size and staying > self.rules.max_size:
            return 0
        if any(not entry.sent for entry in self.outbox.values()):
            return 0
        ends = [n.until for n in self.numbers.values() if n.since and n.rank is None]
        return min([3_600_000, *(until - self.clock for until in ends)])

    # What can be asked of it

    def holder(self, name: str, at: int, now: int) -> Holding | None:
        at = at or max(self.clock, now)
        number, entry = self.numbers.get(name), self.outbox.get(name)
        if number is not None and number.since and at >= number.since:
            return self._holding(number)
        former = number.former if number is not None else []
        if number is None and entry is not None and not entry.sent:
            former = entry.former
        found = None
        for holding in former:
            if holding.since <= at < (holding.until or 0):
                found = holding
        return found

    def status(self, now: int) -> dict[str, object]:
        clock = max(self.clock, now)
        everyone = list(self.numbers.values())
        staying = [n for n in everyone if n.since and not n.leaving]
        held = sorted((n.until, n.number, n.since) for n in staying if n.until > clock)
        sizes = {
            "size": len(everyone),
            "unassigned": sum(1 for n in everyone if not n.since),
            "held": len(held),
            "recyclable": len(staying) - len(held),
            "draining": sum(1 for n in everyone if n.leaving),
        }
        return sizes | {
            "new_total": self.totals["new"],
            "held_total": self.totals["held"],
            "recycled_total": self.totals["recycled"],
            "overflow_total": self.totals["overflow"],
            "calls_total": self.totals["calls"],
            "overflow_calls_total": self.totals["missed"],
            "last_overflow": self.last_overflow,
            "budget_refused_total": self.refused,
            "unbudgeted_total": self.unbudgeted,
            "last_unbudgeted": self.last_unbudgeted,
            "recycled_age_total": self.recycled_age,
            "recycled_early_total": self.recycled_early,
            "backlog": sum(1 for n in staying if n.until <= clock and n.rank is None),
            "oldest_held_seconds": (clock - held[0][2]) / 1000 if held else 0,
            "exhausted": not sizes["unassigned"] + sizes["recyclable"]
            and (self.dry_until > 0 or not self._could_grow(clock)),
        }

    # How it decides

    def _tick(self, now: int) -> None:
        self.clock = max(self.clock, now)

    def _could_grow(self, clock: int) -> bool:
        room = not self.rules.max_size or len(self.numbers) < self.rules.max_size
        return bool(self.rules.stock) and clock >= self.dry_until and room

    def _answer(
        self, asks: Sequence[Ask], may_grow: bool, *, elsewhere: bool = False
    ) -> list[Answer | str]:
        """Answers; where the pool could grow, what it wants of the stock."""
        self._to_rank = PROMOTED_A_CALL + len(asks)
        self._awaiting = {}
        answers: list[Answer | str] = []
        for ask in asks:
            answer = self._answer_one(ask, may_grow, elsewhere)
            if isinstance(answer, str) and ask.network:
                self._awaiting.setdefault(ask.tuple, ask.network)
            answers.append(answer)
        return answers

    def _answer_one(self, ask: Ask, may_grow: bool, elsewhere: bool) -> Answer | str:
        number = self._of(ask.tuple)
        if number is not None:
            return self._hold(number, ask)
        if ask.tuple not in self._awaiting and self._over_budget(ask.network):
            self.refused += 1
            return Answer(State.NONE, "", over_budget=True)
        by_area, areas = bool(self.rules.areas), ask.areas.split()
        if by_area and areas:
            if (number := self._unassigned(areas)) is not None:
                return self._assign(number, ask, State.NEW)
            if may_grow and not elsewhere:
                if any(self.dry_areas.get(area, 0) <= self.clock for area in areas):
                    return ask.areas
            elif may_grow:
                self.dry_areas |= dict.fromkeys(areas, self.clock + DRY_MS)
            if (number := self._due(areas)) is not None:
                return self._recycle(number, ask)
        number = (self._unassigned([""]) if by_area else None) or self._unassigned(None)
        if number is not None:
            return self._assign(number, ask, State.NEW)
        if may_grow:
            return f"{ask.areas} *" if by_area else ""
        if by_area and (number := self._due([""])) is not None:
            return self._recycle(number, ask)
        self._rank_due(self._to_rank)
        self._to_rank = 0
        ranked = [n for n in self.numbers.values() if n.rank is not None and not n.old_rank]
        if ranked:
            number = min(ranked, key=lambda n: n.order)
            if self.rules.recycle == "weighted_random":
                self.virtual_time = number.order[0]
            return self._recycle(number, ask)
        self.totals["overflow"] += 1
        self.last_overflow = self.clock
        shown = self.rules.overflow_number if self.rules.allow_overflow else ""
        attributes = attributes_bytes(ask.attributes).decode()
        self.ledger.append(
            OverflowGiven(self.clock, ask.tuple, attributes, shown, self.rules.owner)
        )
        if self.rules.allow_overflow:
            return Answer(State.OVERFLOW, self.rules.overflow_number)
        return Answer(State.NONE, "")

    def area(self, number: Number) -> str | None:
        """The number's area; "" for a general one."""
        return area_of(number.number, self.rules.areas)

    def _unassigned(self, areas: Sequence[str] | None) -> Number | None:
        """The first that nobody has: of all what came first, of areas the lowest of the first."""
        free = [n for n in self.numbers.values() if not n.since]
        if areas is None:
            return min(free, key=lambda n: (n.came, n.number), default=None)
        free = [n for n in free if self.area(n) in areas]
        return min(free, key=lambda n: (areas.index(self.area(n) or ""), n.number), default=None)

    def _due(self, areas: Sequence[str]) -> Number | None:
        """Of those of some areas whose guarantee is over the best by the rule, drawn anew."""
        staying = [n for n in self.numbers.values() if n.since and not n.leaving]
        due = [n for n in staying if n.until <= self.clock and self.area(n) in areas]
        due.sort(key=lambda n: (areas.index(self.area(n) or ""), n.until, n.number))
        scores = {n.number: (self._score(n), 0 if n.released else n.active, n.number) for n in due}
        return min(due, key=lambda n: scores[n.number], default=None)

    def _recycle(self, number: Number, ask: Ask) -> Answer:
        self.recycled_age += self.clock - number.since
        if not number.calls and self.clock - number.active < 2 * self.rules.min_duration:
            self.recycled_early += 1
        self._end(number)
        self.totals["recycled"] += 1
        return self._assign(number, ask, State.RECYCLED)

    def _of(self, tuple_: str) -> Number | None:
        """The tuple's number; one that only waited for the end of its guarantee goes now."""
        for number in self.numbers.values():
            if number.since and number.holder == tuple_:
                if number.leaving and number.until <= self.clock:
                    self._leave(number)
                    return None
                return number
        return None

    def _hold(self, number: Number, ask: Ask) -> Answer:
        number.clicks += ask.clicks
        self._act(number, ask.clicks * self.rules.click_weight, self.clock)
        if ask.clicks:
            number.clicked = self.clock
        over = number.until <= self.clock
        number.released = False
        self.totals["held"] += ask.clicks
        number.last = ask.attributes or number.last
        hold = self.rules.hold_on_activity
        extended = self.clock + hold
        enough = hold * 15 / 16 if ask.clicks else hold
        extends = hold and not number.leaving and number.until - self.clock < enough
        if extends and not (over and self._over_budget(ask.network)):
            if over and ask.network:
                self._begin(number, ask.network)
            number.until, number.rank, number.old_rank = extended, None, False
        elif number.rank is not None:
            self._rank(number)
        return self._answer_with(State.HELD, number)

    def _assign(self, number: Number, ask: Ask, state: State) -> Answer:
        if state is State.NEW:
            self.totals["new"] += 1
        self.turns += 1
        span = max(self.rules.min_duration, self.rules.hold_on_activity)
        number.holder, number.since, number.until = ask.tuple, self.clock, self.clock + span
        number.active, number.clicks, number.calls = self.clock, ask.clicks, 0
        number.clicked = self.clock if ask.clicks else 0
        number.turn, number.released = self.turns, False
        number.activity = ask.clicks * self.rules.click_weight
        self._begin(number, ask.network)
        number.first, number.last = ask.attributes, b""
        return self._answer_with(state, number)

    def held_by(self, network: str) -> int:
        """How many numbers are inside guarantees that a network began."""
        return len(self.ends_of(network))

    def ends_of(self, network: str) -> list[int]:
        """When these guarantees end."""
        mine = [n for n in self.numbers.values() if n.since and n.network == network]
        return sorted(number.until for number in mine if number.until > self.clock)

    def most_for_one(self) -> int:
        """How many that may be."""
        share = len(self.numbers) * self.rules.budget_share // 100
        return max(self.rules.budget_least, share)

    def _over_budget(self, network: str) -> bool:
        """Whether it may begin no more; what it waits for counts as if it had that."""
        if network in ("", UNKNOWN_NETWORK):
            return False
        awaited = [*self._awaiting.values()].count(network)
        if rate := self._rate(network):
            busy = max(0, self.rates.get(network, 0) - self.clock)
            if busy + (awaited + 1) * (60_000 // rate) > 60_000:
                return True
        if network == KEYED or not self.rules.budget_share:
            return False
        return self.held_by(network) + awaited >= self.most_for_one()

    def _rate(self, network: str) -> int:
        """How many it may begin in a minute; 0: any number."""
        return self.rules.key_rate if network == KEYED else self.rules.budget_rate

    def _begin(self, number: Number, network: str) -> None:
        """The network began the number's guarantee."""
        number.network = network
        if network == UNKNOWN_NETWORK:
            self.unbudgeted += 1
            self.last_unbudgeted = self.clock
        elif network and (rate := self._rate(network)):
            busy_until = max(self.clock, self.rates.get(network, 0))
            self.rates[network] = busy_until + 60_000 // rate

    def _answer_with(self, state: State, number: Number) -> Answer:
        left = max(0, number.until - self.clock)
        least = math.ceil(self.rules.hold_on_activity * 7 / 8) if left else 0
        return Answer(state, number.number, number.until if left else 0, left, least_ms=least)

    def _rank_due(self, most: int) -> None:
        everyone = list(self.numbers.values())
        due = [n for n in everyone if n.since and n.until <= self.clock and not n.leaving]
        due = [n for n in due if n.rank is None]
        old = [n for n in everyone if n.old_rank]
        for number in sorted(due, key=lambda n: (n.until, n.number))[:most]:
            self._rank(number)
        for number in sorted(old, key=lambda n: n.order)[:most]:
            self._rank(number)

    def _rank(self, number: Number) -> None:
        number.rank, number.old_rank = self._score(number), False

    def _score(self, number: Number) -> float:
        """Where the rule puts a number, lowest first."""
        activity = number.activity / (4 if number.released and not number.calls else 1)
        rule, span = self.rules.recycle, self.rules.half_life
        moment = number.active + span * math.log(activity) / LN2 if activity else -NEVER
        if rule == "least_active":
            return moment
        if rule == "most_active":
            return -moment
        if rule == "round_robin":
            return float(number.turn)
        if rule == "last_in_first_out":
            return -float(number.turn)
        self.draws += 1
        digest = hashlib.sha1(f"{self.name}:{self.draws}".encode()).hexdigest()
        uniform = (int(digest[:13], 16) + 0.5) / 2**52
        left = activity * 2 ** ((number.active - self.clock) / span)
        return self.virtual_time - math.log(uniform) * (1 + left)

    def _act(self, number: Number, weight: float, at: int) -> None:
        """Count an event among what the number's activity was when it was last active."""
        ago = (at - number.active) / self.rules.half_life
        if ago >= 0:
            number.activity, number.active = number.activity * 2**-ago + weight, at
        else:
            number.activity += weight * 2**ago

    def _end(self, number: Number) -> None:
        """Its tuple has it no longer."""
        ended = replace(self._holding(number), until=self.clock)
        number.former = [*number.former, ended]
        self.ledger.append(ended)
        number.since, number.rank, number.old_rank = 0, None, False

    def _leave(self, number: Number) -> None:
        if number.since:
            self._end(number)
        del self.numbers[number.number]
        self.outbox[number.number] = OutboxEntry(number.loan, self.clock, number.former)

    def _send_back(self) -> None:
        """Above its size a pool gives back what it borrowed, what is least missed first."""
        staying = [n for n in self.numbers.values() if not n.leaving]
        surplus = len(staying) - self.rules.max_size if self.rules.max_size else 0
        lent = [n for n in staying if n.loan]
        unassigned = sorted((n for n in lent if not n.since), key=lambda n: (n.came, n.number))
        ranked = [n for n in lent if n.rank is not None and not n.old_rank]
        ranked.sort(key=lambda n: n.order)
        others = [n for n in lent if n.since and n.rank is None]
        others.sort(key=lambda n: (n.until, n.number))
        for number in [*unassigned, *ranked, *others][: max(0, surplus)]:
            if number.since and number.until > self.clock:
                number.leaving = True
            else:
                self._leave(number)

    def _holding(self, number: Number) -> Holding:
        return Holding(
            number=number.number,
            pool=self.name,
            tuple=number.holder,
            since=number.since,
            guaranteed_until=number.until,
            clicks=number.clicks,
            calls=number.calls,
            first_click=number.first,
            last_click=number.last or number.first,
            last_click_at=number.clicked,
            serial=number.turn,
        )


def _credit_former(
    former: list[Holding], at: int, *, counted: bool, or_last: bool = False
) -> Holding | None:
    """Who held a number at a time, the call counted for it; ``or_last``: or last before."""
    for place, holding in reversed([*enumerate(former)]):
        if holding.since <= at and (or_last or at < (holding.until or 0)):
            former[place] = replace(holding, calls=holding.calls + counted)
            return former[place]
    return None
