"""Who works things out of an archive and who forgets: one at a time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ringpool.archive.database import Archive, ArchiveAway, archive_url
from ringpool.archive.turn import turn
from tests.ringpool.archive.databases import DATABASES, empty_archive


@pytest.mark.parametrize("kind", DATABASES)
async def test_one_at_a_time(kind: str, tmp_path: Path) -> None:
    """Another waits until the turn is over, however it ends; or gives up."""
    async with empty_archive(kind, tmp_path) as archive:
        other = Archive(archive.engine.url)
        try:
            async with turn(archive):
                with pytest.raises(ArchiveAway):
                    async with turn(other, wait_seconds=0):
                        pass
                begun = asyncio.Event()

                async def wait() -> None:
                    async with turn(other):
                        begun.set()

                waiting = asyncio.create_task(wait())
                await asyncio.sleep(0)
                assert not begun.is_set()
            await waiting
            assert begun.is_set()
            with pytest.raises(RuntimeError, match="in its turn"):
                async with turn(archive):
                    raise RuntimeError("in its turn")
            async with turn(other, wait_seconds=5):
                pass
        finally:
            await other.close()


async def test_an_archive_that_is_away_gives_no_turn(tmp_path: Path) -> None:
    """Neither a server nor a folder that isn't there."""
    for url in (
        archive_url("postgresql://u:secret@127.0.0.1:1/x", tmp_path),
        archive_url("", tmp_path / "missing"),
    ):
        archive = Archive(url)
        with pytest.raises(ArchiveAway):
            async with turn(archive):
                pass
        await archive.close()
