"""The whole service as a process, for tests that are about processes."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.api.conftest import ADMIN
from tests.servers.service import serving

PATIENCE_SECONDS = 60


@dataclass
class Service:
    """A running ``ringpool serve``. ``client`` may be used by many threads."""

    process: subprocess.Popen[bytes]
    url: str
    client: httpx.Client

    def stop(self) -> int:
        """Ask it to stop, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)


@contextmanager
def service(
    data_dir: Path, *options: str, port: int = 0, metrics_port: int | None = None
) -> Iterator[Service]:
    """Start ``ringpool serve`` on the data directory; ready when this is entered."""
    settings = {"RINGPOOL_DATA_DIR": str(data_dir), "RINGPOOL_ADMIN_TOKEN": ADMIN}
    if metrics_port:
        settings["RINGPOOL_METRICS_PORT"] = str(metrics_port)
    with (
        serving(data_dir, *options, port=port, settings=settings) as started,
        httpx.Client(base_url=started.url, timeout=PATIENCE_SECONDS) as client,
    ):
        assert client.get("/readyz").status_code == 200
        yield Service(started.process, started.url, client)
