"""What the doctor says of an archive, and whether it answers at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import insert, text

from ringpool.archive.database import FILE, Archive, archive_url
from ringpool.archive.tables import LEDGERS
from ringpool.cli.archive_check import check_archive
from ringpool.settings import Settings
from tests.ringpool.archive.drivers import drivers_end
from tests.servers.process import free_port

NOTHING_WAITS = {"pool ads": (0, 0.0)}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("RINGPOOL_DATA_DIR", str(tmp_path))
    return Settings.from_environment()


async def said(settings: Settings, waiting: dict[str, tuple[int, float]]) -> tuple[str, str]:
    (finding,) = await check_archive(settings, waiting)
    assert finding.subject == "archive"
    return finding.level, finding.message


async def test_from_the_first_day_on(settings: Settings) -> None:
    """No file, tables of another version, all well, behind, and what was dropped."""
    archive = Archive(archive_url("", settings.data_dir))
    try:
        assert not await archive.answers(10)
        assert await said(settings, NOTHING_WAITS) == ("ok", "nothing in it yet")
        await archive.prepare()
        assert await archive.answers(10)
        assert await said(settings, {"pool ads": (3, 2.0)}) == (
            "ok",
            "SQLite, up to date, 3 messages wait",
        )
        async with archive.engine.begin() as connection:
            row = {"kind": "pool", "name": "ads", "entries": 9, "dropped": 4, "read_at": 1}
            await connection.execute(insert(LEDGERS), row)
        level, message = await said(settings, {"pool ads": (3, 61.0), "stock s": (1, 90.0)})
        assert level == "warn"
        assert message.startswith("SQLite, 90 s behind")
        assert "4 messages wait, longest in stock s, pool ads; 4 entries were dropped" in message
        level, message = await said(settings, NOTHING_WAITS)
        assert (level, message.split("; ")[1]) == ("ok", "4 entries were dropped since it began")
        async with archive.engine.begin() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
        level, message = await said(settings, NOTHING_WAITS)
        assert (level, "a newer version's" in message) == ("warn", True)
        async with archive.engine.begin() as connection:
            await connection.execute(text("DROP TABLE alembic_version"))
        assert not await archive.answers(10)
        level, message = await said(settings, NOTHING_WAITS)
        assert (level, "has no tables" in message) == ("warn", True)
    finally:
        await archive.close()


async def test_a_file_that_is_no_database(settings: Settings, tmp_path: Path) -> None:
    """It is there, and doesn't answer."""
    (tmp_path / FILE).write_bytes(b"no database" * 1000)
    archive = Archive(archive_url("", tmp_path))
    assert not await archive.answers(10)
    await archive.close()
    level, message = await said(settings, NOTHING_WAITS)
    assert (level, message.startswith("SQLite, doesn't answer")) == ("fail", True)
    await drivers_end()


async def test_a_postgres_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No password is told."""
    url = f"postgresql://ringpool:secret@127.0.0.1:{free_port()}/ringpool"
    monkeypatch.setenv("RINGPOOL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("RINGPOOL_DATABASE_URL", url)
    archive = Archive(archive_url(url, tmp_path))
    assert not await archive.answers(10)
    await archive.close()
    level, message = await said(Settings.from_environment(), NOTHING_WAITS)
    assert level == "fail"
    assert message.startswith("PostgreSQL, doesn't answer")
    assert "secret" not in message
