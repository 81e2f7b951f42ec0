"""Archives of both kinds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.postgres import postgres
from tests.servers.process import NotInstalled, temporary_folder
from tests.servers.programs import missing


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """As RINGPOOL_DATABASE_URL has it, by the parameter: ``sqlite`` or ``postgres``."""
    if request.param == "sqlite":
        yield ""
        return
    try:
        with temporary_folder() as folder, postgres(folder) as url:
            yield url
    except NotInstalled as error:
        missing(error)
