"""Commands on a store of the test's own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ringpool.cli import main
from tests.conftest import PATIENT_MS
from tests.servers import stores

Run = Callable[..., Result]


@pytest.fixture
def run(emptied_server: stores.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command line on an empty store, with nothing else set but patience."""
    emptied_server.command("FLUSHALL")
    for name in [name for name in os.environ if name.startswith("RINGPOOL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RINGPOOL_REDIS_URL", emptied_server.url)
    monkeypatch.setenv("RINGPOOL_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RINGPOOL_REDIS_TIMEOUT_MS", str(PATIENT_MS))

    def run(*words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, words, input=stdin, catch_exceptions=False)

    return run
