"""Calls that nobody told the end of, closed by the leader."""

from __future__ import annotations

from pathlib import Path

from ringpool.archive import calls
from ringpool.archive.database import Archive, archive_url
from ringpool.background.call_closing import CallClosing
from tests.ringpool.archive.drivers import drivers_end
from tests.ringpool.archive.told import BEGAN, event, tell_in

TIMEOUT_MS = 3_600_000


async def test_they_are_closed_once_they_have_lasted_long_enough(tmp_path: Path) -> None:
    """It is looked once a minute, by the leader's clock."""
    await tell_in(tmp_path, event("1", "started"), event("2", "started", 30))
    archive = Archive(archive_url("", tmp_path))
    now = BEGAN / 1000 + 3600
    closing = CallClosing(archive, TIMEOUT_MS, clock=lambda: now)
    closed = []
    for seconds in (0, 1, 30, 31):
        now += seconds
        closed.append(await closing.round())
    assert closed == [0, 0, 0, 2]  # at 3600, 3601, 3631 and 3662 s
    async with archive.engine.connect() as connection:
        found = await calls.one(connection, "a", "1")
        assert found is not None
        assert (found.state, found.ended_at) == ("closed", int(now * 1000))
    await archive.close()


async def test_an_archive_that_is_away_is_tried_again(tmp_path: Path) -> None:
    """Nothing is raised, so that the other work of the round goes on."""
    archive = Archive(archive_url("", tmp_path / "nowhere"))
    assert await CallClosing(archive, TIMEOUT_MS).round() == 0
    await archive.close()
    await drivers_end()
