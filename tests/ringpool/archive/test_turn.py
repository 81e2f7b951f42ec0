"""Who works things out of an archive and who forgets: one at a time."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ringpool.archive.database import Archive, ArchiveAway, archive_url, lock_file
from ringpool.archive.turn import turn
from tests.ringpool.archive.databases import DATABASES, database_url, empty_archive
from tests.servers.process import temporary_folder


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


async def test_a_server_that_refuses_says_why(tmp_path: Path) -> None:
    """By the driver's name of it, which tells more than SQLAlchemy's."""
    with database_url("postgres") as url:
        archive = Archive(archive_url(f"{url.rpartition('/')[0]}/absent", tmp_path))
        assert not await archive.answers(5)
        for asked in (archive.prepare(), take_turn(archive)):
            with pytest.raises(ArchiveAway, match=r"^InvalidCatalogNameError$"):
                await asked
        await archive.close()


async def take_turn(archive: Archive) -> None:
    async with turn(archive):
        pass


def test_a_file_of_another_users_can_be_locked() -> None:
    """As root has made it, who ran a command once."""
    with temporary_folder() as folder:
        folder.chmod(0o755)
        path = folder / "archive.sqlite3.turn"
        path.touch()
        path.chmod(0o444)
        with someone_else(), lock_file(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def someone_else() -> Iterator[None]:
    """Nobody, if this is root, who may do everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
