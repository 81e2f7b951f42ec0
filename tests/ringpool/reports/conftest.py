"""An archive of a test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringpool.archive.database import Archive, archive_url
from tests.ringpool.reports.archived import Archived


@pytest.fixture
async def archived(tmp_path: Path) -> AsyncIterator[Archived]:
    """An empty archive in a file."""
    archive = Archive(archive_url("", tmp_path))
    await archive.prepare()
    yield Archived(archive)
    await archive.close()
