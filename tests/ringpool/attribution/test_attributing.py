"""Calls of an archive, attributed: what is read of them and written, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from ringpool.archive.database import Archive, ArchiveAway, archive_url
from ringpool.archive.partitions import Partitions
from ringpool.archive.sources import source_of
from ringpool.archive.tables import ASSIGNMENTS, CALLS, CANDIDATES, FITS, OVERFLOWS, SOURCES
from ringpool.attribution import attributing, fits
from ringpool.attribution.attributing import Attributor
from ringpool.attribution.fit import PRIOR
from ringpool.attribution.pool_attribution import DAYS, calls_waiting, pool_attribution
from ringpool.attribution.pool_evidence import pool_evidence
from tests.ringpool.archive.told import BEGAN, NUMBER, event, tell
from tests.servers.postgres import postgres
from tests.servers.process import NotInstalled, temporary_folder
from tests.servers.programs import missing

MINUTE = 60_000
POOL = ("a", "p")


class Bench:
    """An archive that a test writes to, and what attributes its calls."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.now = BEGAN / 1000 + 600
        self.attributor = self.another()

    def another(self) -> Attributor:
        return Attributor(self.archive, clock=lambda: self.now)

    async def tell(self, *events: dict[str, Any]) -> None:
        async with self.archive.engine.begin() as connection:
            await tell(connection, *events)

    async def held(self, since: int, **more: Any) -> None:
        """An assignment that began so many minutes before calls."""
        row = {
            "pool": "p",
            "serial": since,
            "since": BEGAN - since * MINUTE,
            "number": NUMBER,
            "account": "a",
            "tuple": f"website={since}",
            "until": BEGAN,
            "clicks": 1,
            "calls": 0,
        } | more
        row["source"] = source_of(row["account"], row["pool"], row["tuple"], "").id
        await self._add(ASSIGNMENTS, row, row["since"])

    async def overflow(self, minutes: int, entry: int = 0, **more: Any) -> None:
        row = {
            "pool": "p",
            "at": BEGAN - minutes * MINUTE,
            "entry": entry or minutes,
            "account": "a",
            "number": NUMBER,
            "tuple": f"website={minutes}",
            "click": '{"gclid":"x"}',
        } | more
        row["source"] = source_of(row["account"], row["pool"], row["tuple"], "").id
        await self._add(OVERFLOWS, row, row["at"])

    async def _add(self, table: Any, row: dict[str, Any], at: int) -> None:
        async with self.archive.engine.begin() as connection:
            await Partitions().make(connection, table, [at])
            await connection.execute(insert(table), row)

    async def call(self, call: str = "1", account: str = "a") -> Any:
        return (await self.rows(CALLS, CALLS.c.id == call, CALLS.c.account == account))[0]

    async def candidates(self, call: str = "1", account: str = "a") -> list[Any]:
        of_call = CANDIDATES.c.call == call, CANDIDATES.c.account == account
        return await self.rows(CANDIDATES, *of_call, by=CANDIDATES.c.rank)

    async def who(self, call: str = "1", account: str = "a") -> list[tuple[str, str]]:
        found = await self.candidates(call, account)
        return [(each["why"], each["tuple"]) for each in found]

    async def rows(self, table: Any, *conditions: Any, by: Any = None) -> list[Any]:
        async with self.archive.engine.connect() as connection:
            wanted = select(table).where(*conditions).order_by(by)
            return list((await connection.execute(wanted)).mappings())

    async def change(self, statement: Any) -> None:
        async with self.archive.engine.begin() as connection:
            await connection.execute(statement)

    async def learned(self, **parameters: Any) -> int:
        """Store what was learned of the pool, and return when."""
        at = int(self.now * 1000)
        fit = msgspec.structs.replace(PRIOR, calls=100, **parameters)
        async with self.archive.engine.begin() as connection:
            await fits.store(connection, POOL, fit, at)
        return at


@asynccontextmanager
async def opened(url: str, folder: Path) -> AsyncIterator[Bench]:
    archive = Archive(archive_url(url, folder))
    try:
        await archive.prepare()
        yield Bench(archive)
    finally:
        await archive.close()


@pytest.fixture(params=["sqlite", "postgres"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    if request.param == "sqlite":
        async with opened("", tmp_path) as bench:
            yield bench
        return
    try:
        with temporary_folder() as folder, postgres(folder) as url:
            async with opened(url, folder) as bench:
                yield bench
    except NotInstalled as error:
        missing(error)


def started(call: str, seconds: int = 0, *, holder: str = "", **more: Any) -> dict[str, Any]:
    row = event(call, "started", seconds, **more)
    return row | {"holder": holder}


def holder(minutes: int, account: str = "a", **more: Any) -> str:
    told = {
        "pool": "p",
        "account": account,
        "tuple": f"website={minutes}",
        "serial": minutes,
        "since": BEGAN - minutes * MINUTE,
        "until": 0,
        "clicks": 1,
        "first_click": '{"gclid":"x"}',
        "last_click": '{"gclid":"x"}',
        "last_click_at": BEGAN - minutes * MINUTE,
    } | more
    return msgspec.json.encode(told).decode()


async def test_a_call_has_its_candidates(bench: Bench) -> None:
    """Who holds the number, who held it, nobody; none of another account or of after the call."""
    await bench.held(20)
    await bench.held(30, account="b")
    await bench.held(-1)
    await bench.held(5, number="+18885550102")
    await bench.tell(started("1", holder=holder(6)), started("1", account="b", holder=holder(6)))
    assert await bench.attributor.round() == 2
    best, *_, last = found = await bench.candidates()
    assert [each["tuple"] for each in found if each["why"] == "click"] == [
        "website=6",
        "website=20",
    ]
    assert sum(each["probability"] for each in found) == pytest.approx(1)
    assert [each["rank"] for each in found] == [1, 2, 3]
    assert (best["since"], best["clicks"]) == (BEGAN - 6 * MINUTE, 1)
    assert (best["first_click_at"], best["first_click"]) == (best["since"], '{"gclid":"x"}')
    nobody = next(each for each in found if each["why"] == "nobody")
    assert (nobody["pool"], nobody["tuple"], nobody["source"]) == ("", "", 0)
    call = await bench.call()
    assert (call["tuple"], call["source"]) == ("website=6", best["source"])
    assert (call["probability"], call["nobody"]) == (best["probability"], nobody["probability"])
    assert call["attributed_at"] == int(bench.now * 1000)
    # Reports group by it, though the assignment isn't in the archive yet.
    (source,) = await bench.rows(SOURCES, SOURCES.c.id == best["source"])
    assert (source["account"], source["pool"], source["tuple"]) == ("a", "p", "website=6")
    assert await bench.who("1", "b") == [("click", "website=30"), ("nobody", "")]
    assert last["probability"] <= best["probability"]
    assert await bench.attributor.round() == 0


async def test_a_call_is_credited_to_where_the_assignment_came_from(bench: Bench) -> None:
    """As the archive has it, also when the call's own event has forgotten the click."""
    await bench.held(6)
    await bench.change(update(ASSIGNMENTS).values(source=77))
    await bench.tell(started("1", holder=holder(6, first_click="{}", last_click="{}")))
    await bench.attributor.round()
    assert [each["source"] for each in await bench.candidates()] == [77, 0]
    assert (await bench.call())["source"] == 77


async def test_nobody(bench: Bench) -> None:
    """Where nobody ever had the number; then the call is nobody's for sure."""
    await bench.tell(started("1"))
    assert await bench.attributor.round() == 1
    assert await bench.who() == [("nobody", "")]
    call = await bench.call()
    assert (call["probability"], call["nobody"], call["tuple"], call["source"]) == (1, 1, "", 0)


async def test_a_number_that_rests_has_its_former_holders(bench: Bench) -> None:
    """In a stock, where it is in no pool."""
    await bench.held(20)
    row = started("1", pool="", holder=holder(10, until=BEGAN - 5 * MINUTE))
    await bench.tell(row | {"resting": "stock"})
    await bench.attributor.round()
    assert {each for _, each in await bench.who()} == {"website=10", "website=20", ""}


async def test_an_overflow_call(bench: Bench) -> None:
    """Those who were shown the number, and none who held one."""
    await bench.held(5)
    for minutes in (2, 4, -1):
        await bench.overflow(minutes)
    await bench.overflow(4, entry=5)
    await bench.overflow(3, number="")
    await bench.overflow(6, account="b")
    await bench.tell(started("1") | {"overflow": True})
    await bench.attributor.round()
    found = {each["tuple"]: each for each in await bench.candidates()}
    assert found.keys() == {"website=2", "website=4", ""}
    assert (found["website=4"]["clicks"], found["website=2"]["clicks"]) == (2, 1)


async def test_a_caller_who_returns(bench: Bench) -> None:
    """Is who called before, of that account; in one round, too."""
    await bench.held(20, number="+18885550102")
    calls = [
        started("1", -600, holder=holder(15), caller_hash="c"),
        started("2", -1, number="+18885550102", caller_hash="c"),
        started("3", -1, number="+18885550102", caller_hash="d"),
        started("4", -1, number="+18885550102", caller_hash="c", account="b"),
    ]
    await bench.tell(*calls)
    assert await bench.attributor.round() == 4
    assert ("returning caller", "website=15") in await bench.who("2")
    for call, account in (("3", "a"), ("4", "b")):
        assert "returning caller" not in [why for why, _ in await bench.who(call, account)]
    returning = next(e for e in await bench.candidates("2") if e["why"] == "returning caller")
    assert (returning["first_click"], returning["clicks"]) == ('{"gclid":"x"}', 1)


async def test_a_call_that_is_another_one_by_now_is_attributed_anew(bench: Bench) -> None:
    """Told late that it began earlier; told once more, it stays as it is."""
    await bench.held(20)
    await bench.held(2)
    await bench.tell(event("1", "ended", 60) | {"holder": ""})
    await bench.attributor.round()
    assert (await bench.candidates())[0]["tuple"] == "website=2"
    bench.now += 1
    await bench.tell(event("1", "answered", 9) | {"holder": ""})
    earlier = started("1", -300)
    assert await bench.attributor.round() == 1  # it began with the answer, then
    await bench.tell(earlier)
    assert (await bench.call())["attributed_at"] == 0
    assert await bench.attributor.round() == 1
    assert [tuple_ for why, tuple_ in await bench.who() if why == "click"] == ["website=20"]
    await bench.tell(event("1", "missed", 70) | {"holder": ""})
    assert await bench.attributor.round() == 0


async def test_what_changes_while_it_is_worked_out_is_left_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that is gone by then gets no candidates, nor does one that is another."""
    await bench.tell(started("1"), started("2"), started("3"))
    read = attributing.suspects

    async def meanwhile(*given: Any) -> Any:
        known = await read(*given)
        await bench.change(delete(CALLS).where(CALLS.c.id == "1"))
        await bench.change(update(CALLS).where(CALLS.c.id == "2").values(started_at=BEGAN - 1))
        return known

    monkeypatch.setattr(attributing, "suspects", meanwhile)
    await bench.attributor.round()
    monkeypatch.undo()
    assert [await bench.who(each) for each in "12"] == [[], []]
    assert await bench.who("3") == [("nobody", "")]
    await bench.attributor.round()
    assert await bench.who("2") == [("nobody", "")]


async def test_what_is_learned_changes_the_latest_calls(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of that pool, once each; another leader goes on with it."""
    monkeypatch.setattr(attributing, "A_ROUND", 2)
    await bench.held(20)
    old = -attributing.AGAIN_MS // 1000 - 1000
    calls = [started(str(each), -each, caller_hash=str(each)) for each in range(3)]
    await bench.tell(*calls, started("old", old), started("other", pool="q"))
    while await bench.attributor.round():
        pass
    before = await bench.call("1")
    bench.now += 60
    bench.attributor.learned(POOL, await bench.learned(nobody=1e-9, rate=0.5))
    bench.now += 1
    assert await bench.attributor.round() == 2
    leader = bench.another()
    assert [await leader.round() for _ in range(2)] == [1, 0]
    assert await bench.attributor.round() == 0
    after = await bench.call("1")
    assert (before["attributed_at"] < after["attributed_at"], after["tuple"]) == (
        True,
        "website=20",
    )
    assert after["nobody"] < before["nobody"]
    for call in ("old", "other"):
        assert (await bench.call(call))["attributed_at"] == before["attributed_at"]


async def test_a_call_that_fails_keeps_no_other_waiting(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told once, and tried again by the next leader."""
    await bench.tell(started("1"), started("2", 1))
    posterior, tried = attributing.posterior, list[int]()

    def failing(call: Any, fit: Any) -> Any:
        if call.at == BEGAN:
            tried.append(1)
            raise ZeroDivisionError
        return posterior(call, fit)

    monkeypatch.setattr(attributing, "posterior", failing)
    for _ in range(3):
        await bench.attributor.round()
    assert (len(tried), (await bench.call("1"))["attributed_at"]) == (1, 0)
    assert await bench.who("2") == [("nobody", "")]
    monkeypatch.undo()
    await bench.another().round()
    assert await bench.who("1") == [("nobody", "")]


async def test_a_call_that_the_database_refuses_keeps_no_other_waiting(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told once, and left as it is."""
    await bench.tell(started("1"), started("2", 1))
    write, tried = bench.attributor._write_all, list[int]()

    async def refusing(attributed: Any) -> None:
        tried.append(len(attributed))
        if any(each.call["id"] == "1" for each in attributed):
            raise IntegrityError("INSERT", {}, ValueError())
        await write(attributed)

    monkeypatch.setattr(bench.attributor, "_write_all", refusing)
    for _ in range(2):
        await bench.attributor.round()
    assert tried == [2, 1, 1]
    assert (await bench.call("1"))["attributed_at"] == 0
    assert await bench.who("2") == [("nobody", "")]


async def test_what_cannot_be_read_of_a_call_keeps_no_other_waiting(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor do many of them, which are the first to be looked at in every round."""
    monkeypatch.setattr(attributing, "A_ROUND", 2)
    await bench.tell(*(started(f"{each}", each, holder="{") for each in range(3)), started("x", 9))
    for _ in range(2):
        await bench.attributor.round()
    assert await bench.who("x") == [("nobody", "")]
    assert await bench.attributor.round() == 0
    assert (await bench.call("0"))["attributed_at"] == 0


async def test_fits_are_kept_and_those_due_are_known(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First with enough calls, then with a fifth more, or after a week."""
    monkeypatch.setattr(fits, "LEAST_CALLS", 10)
    await bench.tell(*(started(str(each), each) for each in range(9)))

    async def due() -> list[tuple[str, str]]:
        async with bench.archive.engine.connect() as connection:
            return await fits.due(connection, int(bench.now * 1000))

    assert await due() == []
    await bench.tell(started("9"), *(started(f"o{each}", pool="") for each in range(20)))
    assert await due() == [POOL]
    bench.now += 60
    await bench.learned()
    await bench.change(update(FITS).values(calls=10))
    assert await due() == []
    after = int(bench.now - BEGAN / 1000)
    await bench.tell(started("x", after + 1))
    assert await due() == []
    await bench.tell(started("y", after + 2))
    assert await due() == [POOL]
    await bench.change(delete(CALLS).where(CALLS.c.id == "y"))
    bench.now += fits.OLD_MS / 1000 + 10
    assert await due() == [POOL]
    async with bench.archive.engine.connect() as connection:
        known = await fits.read(connection, [POOL, ("b", "p")])
    assert (known[POOL].fit.calls, known["b", "p"].fit) == (100, PRIOR)


async def test_a_fit_that_cannot_be_read_is_as_none(bench: Bench) -> None:
    """An older version's: the prior counts meanwhile, and the pool is learned of anew."""
    await bench.held(20)
    await bench.learned()
    await bench.change(update(FITS).values(parameters='{"of": "an older version"}'))
    await bench.tell(started("1", holder=holder(6)))
    await bench.attributor.round()
    assert (await bench.candidates())[0]["tuple"] == "website=6"
    assert await bench.rows(FITS) == []


async def test_how_well_a_pool_is_attributed(bench: Bench) -> None:
    """The calls of the last month; what was learned of their delays, once that is enough."""
    await bench.held(1)
    await bench.tell(
        started("1"), started("2", number="+18885550102"), started("3", pool="q"), started("4")
    )
    now_ms = int(bench.now * 1000)
    assert await calls_waiting(bench.archive) == 4
    await bench.attributor.round()
    assert await calls_waiting(bench.archive) == 0
    await bench.change(update(CALLS).where(CALLS.c.id == "4").values(probability=0.5))
    found = await pool_attribution(bench.archive, POOL, 600_000, now_ms)
    assert (found.calls, found.sure_share) == (3, pytest.approx(2 / 3))
    assert (found.can_tell, found.median_delay_seconds, found.least_duration) == (None, None, "")
    assert found.text.endswith(": 0 so far.")
    await bench.learned()
    await bench.change(update(FITS).values(calls=500, parameters=fitted(500)))
    for duration, can_tell in ((60_000, False), (3_600_000, True)):
        found = await pool_attribution(bench.archive, POOL, duration, now_ms)
        assert (found.can_tell, found.median_delay_seconds) == (can_tell, PRIOR.median_seconds)
        assert ("can't tell its sources apart" in found.text) is not can_tell
        assert found.least_duration.endswith("m")
    later = await pool_attribution(bench.archive, POOL, 600_000, now_ms + (DAYS + 1) * 86_400_000)
    assert (later.calls, later.sure_share) == (0, None)


def fitted(calls: int) -> str:
    return msgspec.json.encode(msgspec.structs.replace(PRIOR, calls=calls)).decode()


async def test_an_archive_that_was_never_written_has_no_calls(tmp_path: Path) -> None:
    """And nothing is made by looking."""
    archive = Archive(archive_url("", tmp_path))
    assert (await pool_attribution(archive, POOL, 600_000, BEGAN)).calls == 0
    assert await calls_waiting(archive) == 0
    assert list(tmp_path.iterdir()) == []
    away = Archive(archive_url("postgresql://127.0.0.1:1/x", tmp_path))
    with pytest.raises(ArchiveAway):
        await calls_waiting(away)
    await archive.close()
    await away.close()


async def test_a_pool_is_learned_of_from_all_its_calls_and_clicks(bench: Bench) -> None:
    """Holders as they were at the call, overflows, callers who return, those who stand still."""
    await bench.held(20, clicks=3, last_click_at=BEGAN - 10 * MINUTE)
    await bench.held(40, account="b")
    await bench.overflow(4, number="+18885550199")
    await bench.overflow(2, number="+18885550199")
    await bench.overflow(1, number="+18885550199", tuple="website=4")
    await bench.tell(
        started("1", -60, holder=holder(6), caller_hash="c"),
        started("2", holder=holder(6, clicks=2, last_click_at=BEGAN), caller_hash="c"),
        started("3", number="+18885550199") | {"overflow": True},
        started("4", account="b"),
        started("5", pool="q"),
    )
    await bench.attributor.round()
    async with bench.archive.engine.connect() as connection:
        found = await pool_evidence(connection, POOL, int(bench.now * 1000))
    first, second, lost = found.calls
    assert [(each.key, each.count) for each in first.holders] == [
        ("website=6", 1),
        ("website=20", 3),
    ]
    assert [(each.key, each.count) for each in second.holders] == [
        ("website=6", 2),
        ("website=20", 3),
    ]
    credited = (await bench.call("1"))["tuple"]
    assert [(each.key, each.same_number) for each in second.earlier] == [(credited, True)]
    assert lost.overflow
    assert [(each.key, each.count) for each in lost.holders] == [("website=4", 2), ("website=2", 1)]
    clicks = [(each.key, each.count) for each in found.clicks]
    assert sorted(clicks) == [
        ("website=2", 1),
        ("website=20", 3),
        ("website=4", 1),
        ("website=4", 1),
        ("website=6", 1),
    ]
    assert (found.numbers, found.until) == (1, int(bench.now * 1000))
