"""The processes that are measured: started on their cores, ready when entered, stopped by pid."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from loadtests.tools import machine
from tests.servers import stores

READY_SECONDS = 30.0
_STORE_TIMEOUT_MS = "5000"  # under full load a store on a shared core may pause for long


@dataclass
class Service:
    """A running HTTP service."""

    url: str
    pid: int

    def cpu_seconds(self) -> float:
        """Processor time used so far, workers included."""
        return sum(machine.cpu_seconds(pid) for pid in self.processes())

    def processes(self) -> list[int]:
        """The process and its workers."""
        return [self.pid, *machine.children(self.pid)]


@contextlib.contextmanager
def store(cores: frozenset[int]) -> Iterator[stores.Server]:
    """A standalone Valkey, nothing written to disk."""
    with stores.valkey() as server:
        machine.pin(server.pid, cores)
        yield server


@contextlib.contextmanager
def cluster(cores: frozenset[int]) -> Iterator[stores.Cluster]:
    """Three Valkey primaries."""
    with stores.cluster3() as nodes:
        for node in nodes.primaries:
            machine.pin(node.pid, cores)
        yield nodes


@contextlib.contextmanager
def ringpool(
    redis_url: str, folder: Path, cores: frozenset[int], *, workers: int = 1
) -> Iterator[Service]:
    """The service as it is run in production, on a store."""
    port = stores.free_port()
    command = (*RINGPOOL, "serve", "--port", str(port), "--workers", str(workers))
    environment = {
        "RINGPOOL_REDIS_URL": redis_url,
        "RINGPOOL_DATA_DIR": str(folder),
        "RINGPOOL_REDIS_TIMEOUT_MS": _STORE_TIMEOUT_MS,
    }
    with process(command, environment, folder, cores) as started:
        service = Service(f"http://127.0.0.1:{port}", started.pid)
        wait_for(f"{service.url}/readyz", started, folder / "log")
        yield service


@contextlib.contextmanager
def asgi(
    app: str, folder: Path, cores: frozenset[int], environment: Mapping[str, str] | None = None
) -> Iterator[Service]:
    """Another ASGI app (``module:name``), served by uvicorn with the settings that ours has."""
    port = stores.free_port()
    command = (
        *(sys.executable, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(port)),
        *("--loop", "uvloop", "--http", "httptools", "--ws", "none", "--backlog", "2048"),
        *("--no-access-log", "--no-server-header", "--no-proxy-headers", "--log-level", "warning"),
    )
    with process(command, environment or {}, folder, cores) as started:
        service = Service(f"http://127.0.0.1:{port}", started.pid)
        wait_for(f"{service.url}/", started, folder / "log")
        yield service


RINGPOOL = (sys.executable, "-c", "from ringpool.cli import main; main()")
"""The ``ringpool`` command of this interpreter."""


@contextlib.contextmanager
def process(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    cores: frozenset[int],
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with its output in ``folder``/log, ended when the context is left."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("RINGPOOL_")}
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("ab") as log:
        started = subprocess.Popen(
            command,
            env={**inherited, **environment, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        machine.pin(started.pid, cores)
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(15)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def wait_for(url: str, started: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the service answers at all; raises RuntimeError when it ends or takes too long."""
    limit = time.monotonic() + READY_SECONDS
    while time.monotonic() < limit:
        if started.poll() is not None:
            break
        with contextlib.suppress(OSError):
            get(url)
            return
        time.sleep(0.005)
    raise RuntimeError(f"{started.args!r} doesn't answer:\n{log.read_text()[-2000:]}")


def get(url: str) -> tuple[int, bytes]:
    """Status and body of a GET, on a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", f"{parts.path}?{parts.query}")
        response = connection.getresponse()
        return response.status, response.read()
