"""Archives of both kinds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ringpool.archive.databases import database_url


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """As RINGPOOL_DATABASE_URL has it, by the parameter: one of ``DATABASES``."""
    with database_url(request.param) as url:
        yield url
