"""Each pool keeps what happened in its minutes and hours, written by the scripts that it runs."""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec
import pytest
from msgspec.structs import asdict

from allocator.allocator import Allocator
from allocator.answers import Answer, Ask, Call, State
from allocator.keys import pool_key
from allocator.pool_audit import audit_pool
from allocator.port import Store
from allocator.series import HOUR_MS, MINUTE_MS, MOST_HOURS, MOST_MINUTES, Hour, Minute
from tests.allocator.pools import DAY, START, PoolUnderTest, make, numbers
from tests.servers import stores

MOST_BYTES = 20 * 1024

Told = dict[int, dict[str, int]]
"""What was counted outside, by the start of a minute or hour."""


class Watched:
    """A pool, and a count of what it answers kept beside it."""

    def __init__(self, pool: PoolUnderTest) -> None:
        self.pool = pool
        self.until: dict[str, int] = {}
        self.since: dict[str, int] = {}
        self.minutes: Told = {}
        self.hours: Told = {}

    def held_at(self, time: int) -> int:
        return sum(1 for until in self.until.values() if until > time)

    def count(self, name: str, more: int = 1) -> None:
        for span, told in ((MINUTE_MS, self.minutes), (HOUR_MS, self.hours)):
            start = self.pool.now // span * span
            latest = next(reversed(told), start)
            # Before what is counted now: so many were held when each began.
            for begun in range(max(latest + span, start - 1500 * span), start + 1, span):
                told[begun] = {"peak": self.held_at(begun)}
            row = told.setdefault(start, {"peak": self.held_at(start)})
            row[name] = row.get(name, 0) + more

    def _peak(self) -> None:
        for span, told in ((MINUTE_MS, self.minutes), (HOUR_MS, self.hours)):
            row = told[self.pool.now // span * span]
            row["peak"] = max(row["peak"], self.held_at(self.pool.now))

    async def ask(self, *tuples: str) -> Sequence[Answer]:
        answers = await self.pool.ask(*tuples)
        for answer in answers:
            self.count("asks")
            if answer.state is not State.HELD:
                self.count(answer.state.value)
            if answer.state is State.RECYCLED:
                self.count("age", self.pool.now - self.since[answer.number])
            if answer.guaranteed_until:
                if answer.state is not State.HELD:
                    self.since[answer.number] = self.pool.now
                self.until[answer.number] = answer.guaranteed_until
        self._peak()
        return answers

    async def call(self, number: str, call_id: str) -> None:
        call = Call(id=call_id, number=number)
        await self.pool.allocator.record_call(self.pool.id, call, now_ms=self.pool.now)
        self.count("calls")

    async def check(self, most_minutes: int = MOST_MINUTES, most_hours: int = MOST_HOURS) -> None:
        """Each minute and hour is what was told, rounded as it is said."""
        pool = self.pool
        found = await pool.allocator.series(pool.id, most_minutes, most_hours, now_ms=pool.now)
        assert (found.clock_ms, len(found.minutes)) == (pool.now, most_minutes)
        assert found.begun_ms == min(self.minutes)
        for rows, told, span in (
            (found.minutes, self.minutes, MINUTE_MS),
            (found.hours, self.hours, HOUR_MS),
        ):
            assert [row.start_ms for row in rows] == [
                pool.now // span * span - place * span for place in reversed(range(len(rows)))
            ]
            for row in rows:
                self._compare(row, told.get(row.start_ms))

    def _compare(self, row: Minute, told: dict[str, int] | None) -> None:
        if told is None:
            peak = self.held_at(row.start_ms) if row.start_ms > min(self.minutes) else 0
            assert asdict(row) == asdict(type(row)(row.start_ms, peak_held=near(peak, 64)))
            return
        ages = told.get("age", 0) / max(1, told.get("recycled", 0)) / 1000
        assert row.asks == near(told.get("asks", 0), 64)
        assert row.new == near(told.get("new", 0), 64)
        assert row.recycled == near(told.get("recycled", 0), 32)
        assert row.overflow == near(told.get("overflow", 0), 32)
        assert row.calls == near(told.get("calls", 0), 64)
        assert row.age_ms == near(int(ages + 0.5), 32) * 1000
        assert row.peak_held == near(told["peak"], 64)


def near(count: int, exact: int) -> int:
    """A count as the series has it: as it is below ``exact``, then in ``exact / 2`` steps."""
    step = 1
    while count / step >= exact - 0.5:
        step *= 2
    return int(count / step + 0.5) * step


@pytest.mark.parametrize("seed", range(3))
async def test_it_is_what_was_answered(valkey_store: Store, unique: str, seed: int) -> None:
    """Whatever is asked, called and swept, whenever: every minute, every hour, all of the sums."""
    chance = random.Random(seed)
    rules = {"min_duration": chance.choice([10_000, 90_000, 7_200_000])}
    pool = await make(valkey_store, unique, numbers(40), **rules)
    watched = Watched(pool)
    await watched.ask("a")
    for step in range(400):
        jump = chance.choices((0, 700, 30_000, 400_000, 5_000_000, 9 * DAY), (9, 9, 9, 5, 2, 0.1))
        pool.now += chance.randrange(jump[0] + 1)
        match chance.randrange(8):
            case 0:
                await pool.sweep()
            case 1:
                await watched.call(numbers(40)[0], f"c{step}")
            case 2:
                await watched.ask(*(f"b{chance.randrange(10**9)}" for _ in range(70)))
            case _:
                await watched.ask(
                    *(f"t{chance.randrange(80)}" for _ in range(chance.choice((1, 3))))
                )
    await watched.check()
    await watched.check(7, 3)
    assert sum(row.get("overflow", 0) for row in watched.hours.values()) > 30


async def test_its_sums_are_the_totals(valkey_store: Store, unique: str) -> None:
    """Where counts are small nothing is rounded."""
    pool = await make(valkey_store, unique, numbers(5))
    watched = Watched(pool)
    for ask in range(300):
        pool.now += 17_000 if ask % 3 else 500
        await watched.ask(f"t{ask % 14}")
        if ask % 9 == 0:
            await watched.call(numbers(5)[ask % 5], f"c{ask}")
    status = await pool.allocator.status(unique, now_ms=pool.now)
    found = await pool.allocator.series(unique, MOST_MINUTES, MOST_HOURS, now_ms=pool.now)
    for rows, exact in ((found.minutes, 0.0), (found.hours, 0.03)):
        assert sum(row.asks for row in rows) == pytest.approx(300, rel=exact)
        assert sum(row.new for row in rows) == status.new_total == 5
        assert sum(row.recycled for row in rows) == pytest.approx(status.recycled_total, rel=exact)
        assert sum(row.calls for row in rows) == status.calls_total == 34
    ages = sum(row.age_ms * row.recycled for row in found.minutes)
    assert ages == pytest.approx(status.recycled_age_total, rel=0.05)


@pytest.mark.parametrize("backend", ["valkey", "redis7"], indirect=True)
async def test_it_goes_round_and_stays_small(
    backend: stores.Server, store: Store, unique: str
) -> None:
    """36 days, the last of them minute by minute: the oldest rows give way, in 20 KB with all."""
    pool = await make(store, unique, numbers(50), min_duration=3_600_000)
    key = pool_key(unique, "series")
    assert backend.command("EXISTS", key) == 0
    watched = Watched(pool)
    for hour in range(36 * 24):
        pool.now = START + hour * HOUR_MS
        await watched.ask(*(f"t{hour}-{n}" for n in range(hour % 20)), "a")
    for _ in range(MOST_MINUTES + 100):
        pool.now += MINUTE_MS
        await watched.ask("a", "b", "c")
    await watched.check()
    assert backend.command("MEMORY USAGE", key, "SAMPLES", "0") <= MOST_BYTES
    pool.now += 40 * DAY  # nothing of before is taken for what wasn't
    await pool.sweep()
    await watched.check()
    assert backend.command("MEMORY USAGE", key, "SAMPLES", "0") <= MOST_BYTES


async def test_numbers_are_held_while_nobody_asks(valkey_store: Store, unique: str) -> None:
    """Fewer and fewer, as their guarantees end; whether the pool is swept meanwhile or not."""
    pool = await make(valkey_store, unique, numbers(10), min_duration=10 * MINUTE_MS)
    begun = pool.now = START // HOUR_MS * HOUR_MS + HOUR_MS
    for _ in range(5):
        await pool.ask(f"t{pool.now}", f"u{pool.now}")
        pool.now += MINUTE_MS
    for swept in (False, True):
        pool.now += 6 * MINUTE_MS + 1
        if swept:
            await pool.sweep()
        found = await pool.allocator.series(unique, 20, 2, now_ms=pool.now)
        held = [row.peak_held for row in found.minutes if row.start_ms >= begun]
        assert held == [2, 4, 6, 8, 10, 10, 10, 10, 10, 10, 8, 6, 4, 2, 0, 0, 0, 0][: len(held)]
        assert found.hours[-1].peak_held == 10


async def test_one_that_was_never_asked_has_none(
    valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """Sweeps write nothing for it."""
    pool = await make(valkey_store, unique, numbers(3))
    pool.now += DAY
    await pool.sweep()
    found = await pool.allocator.series(unique, 2, 1, now_ms=pool.now)
    start = pool.now // MINUTE_MS * MINUTE_MS
    assert found.minutes == [Minute(start - MINUTE_MS), Minute(start)]
    assert (found.begun_ms, found.hours) == (0, [Hour(pool.now // HOUR_MS * HOUR_MS)])
    assert valkey_server.command("EXISTS", pool_key(unique, "series")) == 0


async def test_one_of_before_there_were_series_begins_now(
    valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """What it had counted by then happened in no minute that is known."""
    pool = await make(valkey_store, unique, numbers(3))
    await pool.ask("a", "b", "a")
    meta, series = pool_key(unique, "meta"), pool_key(unique, "series")
    state = msgspec.msgpack.decode(valkey_server.command("HGET", meta, "state"))
    valkey_server.command("HSET", meta, "state", msgspec.msgpack.encode(state[:15]))
    valkey_server.command("UNLINK", series)
    pool.now += MINUTE_MS
    await pool.ask("a", "c")
    found = await pool.allocator.series(unique, 3, 1, now_ms=pool.now)
    assert [row.asks for row in found.minutes] == [0, 0, 2]
    assert [row.asks for row in found.hours] == [2]
    status = await pool.allocator.status(unique, now_ms=pool.now)
    assert (status.new_total, status.recycled_age_total) == (3, 0)


async def test_an_early_recycled_number_is_counted(valkey_store: Store, unique: str) -> None:
    """Less than twice the minimum duration after its last click, and nobody called."""
    pool = await make(valkey_store, unique, numbers(1), min_duration=10_000)
    await pool.ask("a")
    pool.now += 15_000
    await pool.ask("b")  # early
    pool.now += 25_000
    await pool.ask("c")
    await pool.allocator.record_call(unique, Call(id="1", number=numbers(1)[0]), now_ms=pool.now)
    pool.now += 15_000
    await pool.ask("d")  # c was called
    status = await pool.allocator.status(unique, now_ms=pool.now)
    assert (status.recycled_total, status.recycled_early_total) == (3, 1)
    assert status.recycled_age_total == 55_000


async def test_what_can_not_be_read_of_it_goes(
    valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """An audit names it, and mends by taking it away; the rest stays."""
    pool = await make(valkey_store, unique, numbers(3))
    for _ in range(3):
        await pool.ask("a")
        pool.now += MINUTE_MS
    valkey_server.command("HSET", pool_key(unique, "series"), "h", "odd", "base", "odd")
    flaws = await audit_pool(valkey_store, unique, repair=True, now_ms=pool.now)
    assert {flaw.message for flaw in flaws} == {
        "what happened in its minutes and hours can not be read"
    }
    assert await audit_pool(valkey_store, unique, now_ms=pool.now) == []
    await pool.ask("a")
    found = await Allocator(valkey_store).series(unique, 4, now_ms=pool.now)
    assert [row.asks for row in found.minutes] == [1, 1, 0, 1]
    assert await pool.allocator.touch(unique, [Ask("a", clicks=0)], now_ms=pool.now)
