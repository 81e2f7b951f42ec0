"""The whole service as a process, for tests that are about processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.api.conftest import ADMIN

PATIENCE_SECONDS = 60


@dataclass
class Service:
    """A running ``ringpool serve``. ``client`` may be used by many threads."""

    process: subprocess.Popen[str]
    url: str
    client: httpx.Client

    def stop(self) -> int:
        """Ask it to stop, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)


@contextmanager
def service(data_dir: Path, *options: str, port: int = 0) -> Iterator[Service]:
    """Start ``ringpool serve`` on the data directory; ready when this is entered."""
    program = shutil.which("ringpool", path=sysconfig.get_path("scripts"))
    assert program is not None
    command = [program, "serve", "--port", str(port), *options]
    environment = {
        **os.environ,
        "RINGPOOL_DATA_DIR": str(data_dir),
        "RINGPOOL_ADMIN_TOKEN": ADMIN,
        "RINGPOOL_REDIS_TIMEOUT_MS": "10000",  # machines under test are busy
    }
    with open(data_dir / "log", "a") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
        )
    assert process.stdout is not None
    try:
        first = process.stdout.readline()
        assert first, (data_dir / "log").read_text()
        url = first.split()[-1]
        with httpx.Client(base_url=url, timeout=PATIENCE_SECONDS) as client:
            assert client.get("/readyz").status_code == 200
            yield Service(process, url, client)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE_SECONDS)
        process.stdout.close()
