"""The archive's tables, made by its migrations."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from ringpool.archive.database import Archive, ArchiveAway, archive_url
from ringpool.archive.tables import METADATA
from ringpool.archive.upgrade import HEAD, configuration


def _schema(connection: Connection) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, sql in connection.execute(text("SELECT name, sql FROM sqlite_master")):
        if name.startswith(("sqlite_", "alembic")):
            continue
        if sql.startswith("CREATE TABLE"):
            columns = inspect(connection).get_columns(name)
            found[name] = {each["name"]: {**each, "type": str(each["type"])} for each in columns}
        else:
            found[name] = " ".join(sql.split())
    return found


async def test_migrations_make_the_tables_that_are_declared(tmp_path: Path) -> None:
    """Column by column and index by index; once more they do nothing."""
    migrated, declared = (
        Archive(archive_url("", tmp_path / name)) for name in ("migrated", "declared")
    )
    for name in ("migrated", "declared"):
        (tmp_path / name).mkdir()
    for _ in range(2):
        await migrated.prepare()
        migrated._prepared = False
    async with migrated.engine.connect() as connection:
        ours = await connection.run_sync(_schema)
    async with declared.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
        assert ours == await connection.run_sync(_schema)
    await migrated.close()
    await declared.close()


async def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    """In words that name no password."""
    for url in (archive_url("postgresql://u:secret@127.0.0.1:1/x", tmp_path),):
        archive = Archive(url)
        with pytest.raises(ArchiveAway) as told:
            await archive.prepare()
        assert "secret" not in str(told.value)
        await archive.close()
    archive = Archive(archive_url("", tmp_path / "missing"))
    with pytest.raises(ArchiveAway):
        await archive.prepare()
    await archive.close()


async def test_tables_of_a_newer_version_are_left_alone(tmp_path: Path) -> None:
    """Whoever goes back a version has a service that starts: what ends waits in the store."""
    archive = Archive(archive_url("", tmp_path))
    await archive.prepare()
    async with archive.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
    archive._prepared = False
    with pytest.raises(ArchiveAway, match="newer version"):
        await archive.prepare()
    await archive.close()


def test_the_head_is_that_of_the_migrations() -> None:
    """It's written down, so that a database that is up to date needs no Alembic."""
    assert ScriptDirectory.from_config(configuration()).get_current_head() == HEAD


async def test_a_database_that_is_up_to_date_needs_no_alembic(tmp_path: Path) -> None:
    """Commands and workers start without it."""
    archive = Archive(archive_url("", tmp_path))
    await archive.prepare()
    await archive.close()
    program = f"""
import asyncio, sys
from pathlib import Path
from ringpool.archive.database import Archive, archive_url

async def main():
    archive = Archive(archive_url("", Path({str(tmp_path)!r})))
    await archive.prepare()
    await archive.close()

asyncio.run(main())
print("alembic" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ran.stdout.strip(), ran.stderr) == ("False", "")
