"""The leader attributes calls, and learns of pools beside that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from ringpool.archive import calls
from ringpool.archive.database import Archive, archive_url
from ringpool.archive.tables import FITS
from ringpool.attribution import fits, learning
from ringpool.attribution.attributing import Attributor
from ringpool.attribution.fit import PRIOR, Fit
from ringpool.attribution.learning import NotLearned, learn
from ringpool.background.attributing import FIRST_LOOK_SECONDS, LOOK_SECONDS, Attributing
from tests.ringpool.archive.told import BEGAN, event, tell_in


@pytest.fixture
async def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Archive]:
    """With five calls to each of three pools: enough, here, to learn of them."""
    monkeypatch.setattr(fits, "LEAST_CALLS", 5)
    told = [
        event(f"{pool}{each}", "started", each, pool=pool) for pool in "pqr" for each in range(5)
    ]
    await tell_in(tmp_path, *told)
    archive = Archive(archive_url("", tmp_path))
    yield archive
    await archive.close()


async def learned_of(archive: Archive) -> dict[str, int]:
    async with archive.engine.connect() as connection:
        return {row.pool: row.calls for row in await connection.execute(select(FITS))}


class Clock:
    """Set by the test. Unix seconds."""

    def __init__(self) -> None:
        self.now = BEGAN / 1000 + 60

    def __call__(self) -> float:
        return self.now


def attributing(archive: Archive, clock: Clock, learn: Any) -> Attributing:
    return Attributing(archive, Attributor(archive, clock=clock), learn=learn, clock=clock)


async def rounds(work: Attributing) -> None:
    """A round, and what it began beside itself."""
    await work.round()
    if work._learning is not None:
        await work._learning


async def test_a_pool_is_learned_of_in_a_process_of_its_own(archive: Archive) -> None:
    """And its calls are attributed again by what was learned."""
    clock = Clock()
    work = attributing(archive, clock, learn)
    assert await work.round() == 15
    assert await learned_of(archive) == {}
    clock.now += FIRST_LOOK_SECONDS
    await rounds(work)
    assert await learned_of(archive) == {"p": 5, "q": 5, "r": 5}
    clock.now += 1
    assert await work.round() == 15
    async with archive.engine.connect() as connection:
        call = await calls.one(connection, "a", "p0")
    assert call is not None
    assert call.attributed_at == int(clock.now * 1000)
    clock.now += LOOK_SECONDS
    await rounds(work)
    assert await work.round() == 0


async def test_what_fails_of_one_pool_keeps_no_other_waiting(archive: Archive) -> None:
    """It is tried again at the next look; nobody looks meanwhile."""
    clock, asked = Clock(), list[str]()
    faults: dict[str, Exception] = {"p": NotLearned("killed"), "q": ZeroDivisionError()}

    async def learning(_archive: Archive, pool: tuple[str, str], _now: int) -> Fit:
        asked.append(pool[1])
        if pool[1] in faults:
            raise faults[pool[1]]
        return PRIOR

    work = attributing(archive, clock, learning)
    clock.now += FIRST_LOOK_SECONDS
    await rounds(work)
    assert asked == ["p", "q", "r"]
    assert set(await learned_of(archive)) == {"r"}
    await rounds(work)
    assert asked == ["p", "q", "r"]
    faults.clear()
    clock.now += LOOK_SECONDS
    await rounds(work)
    assert asked[3:] == ["p", "q"]
    assert set(await learned_of(archive)) == {"p", "q", "r"}


async def test_calls_are_attributed_while_it_learns(archive: Archive) -> None:
    """However long that takes; who stops it doesn't wait for it."""
    clock, begun = Clock(), asyncio.Event()

    async def learning(*_: Any) -> Fit:
        begun.set()
        await asyncio.Event().wait()
        return PRIOR

    work = attributing(archive, clock, learning)
    clock.now += FIRST_LOOK_SECONDS
    assert await work.round() == 15
    await begun.wait()
    assert await work.round() == 0
    await work.aclose()
    assert await learned_of(archive) == {}


async def test_a_process_that_is_not_waited_for_ends(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed, and waited for."""
    begin, begun = asyncio.create_subprocess_exec, asyncio.Queue[asyncio.subprocess.Process]()

    async def beginning(*arguments: Any, **more: Any) -> Any:
        process = await begin(*arguments, **more)
        begun.put_nowait(process)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", beginning)
    learning = asyncio.create_task(learn(archive, ("a", "p"), BEGAN))
    process = await begun.get()
    learning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await learning
    assert process.returncode is not None


async def test_an_archive_that_is_away_is_told() -> None:
    """In a line that names no password."""
    archive = Archive(make_url("postgresql+asyncpg://u:secret@127.0.0.1:1/x"))
    with pytest.raises(NotLearned) as told:
        await learn(archive, ("a", "p"), BEGAN)
    assert "secret" not in str(told.value)
    assert "the archive doesn't answer" in str(told.value)
    await archive.close()


async def test_a_process_that_hangs_is_ended(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or no pool would ever be learned of again."""
    begin, begun = asyncio.create_subprocess_exec, list[asyncio.subprocess.Process]()

    async def beginning(*_: Any, **more: Any) -> Any:
        begun.append(await begin("sleep", "600", **more))
        return begun[0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", beginning)
    monkeypatch.setattr(learning, "MOST_SECONDS", 0.01)
    with pytest.raises(NotLearned, match="took more than"):
        await learn(archive, ("a", "p"), BEGAN)
    assert begun[0].returncode is not None


async def test_where_the_service_runs_makes_no_difference(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither files of the working directory nor warnings that are errors there."""
    (tmp_path / "numpy.py").write_text("raise SystemExit('not the one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    assert (await learn(archive, ("a", "p"), BEGAN + 60_000)).calls == 5
