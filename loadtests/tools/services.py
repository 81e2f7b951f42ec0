"""The servers that are measured: those that tests start too, each kept on its cores."""

from __future__ import annotations

import contextlib
import http.client
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from loadtests.figures import Skipped
from loadtests.tools import machine
from tests.servers import stores
from tests.servers.cluster import Cluster, cluster3
from tests.servers.postgres import postgres
from tests.servers.process import NotInstalled, free_port, running, until_answered
from tests.servers.service import environment, serving

_ROOT = Path(__file__).parents[2]
_POSTGRES_SETTINGS = {
    # What a careful operator would set for this load: Redis writes nothing to disk here either, so
    # a commit needn't wait for one.
    "shared_buffers": "256MB",
    "synchronous_commit": "off",
    "max_connections": "50",
}


@dataclass(frozen=True)
class Service:
    """A running HTTP service."""

    url: str
    pid: int

    def cpu_seconds(self) -> float:
        """Processor time used so far, workers included."""
        return sum(machine.cpu_seconds(pid) for pid in self.processes())

    def processes(self) -> list[int]:
        """The process and its workers."""
        return [self.pid, *machine.descendants(self.pid)]


@contextlib.contextmanager
def store(cores: frozenset[int]) -> Iterator[stores.Server]:
    """A standalone Valkey, nothing written to disk."""
    with stores.valkey() as server:
        machine.pin(server.pid, cores)
        yield server


@contextlib.contextmanager
def cluster(cores: frozenset[int]) -> Iterator[Cluster]:
    """Three Valkey primaries."""
    with cluster3() as nodes:
        for node in nodes.primaries:
            machine.pin(node.pid, cores)
        yield nodes


@contextlib.contextmanager
def database(folder: Path, cores: frozenset[int]) -> Iterator[str]:
    """A PostgreSQL; yields its URL. Raises Skipped."""
    with contextlib.ExitStack() as stack:
        try:
            server = postgres(folder, settings=_POSTGRES_SETTINGS, cores=cores)
            url = stack.enter_context(server)
        except NotInstalled as missing:
            raise Skipped(str(missing)) from None
        yield url


@contextlib.contextmanager
def ringpool(
    redis_url: str,
    folder: Path,
    cores: frozenset[int],
    *,
    workers: int = 1,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Service]:
    """The service as it is run in production, on a store. ``settings``: more variables."""
    folder.mkdir(parents=True, exist_ok=True)
    variables = {"RINGPOOL_REDIS_URL": redis_url, **(settings or {})}
    with serving(folder, "--workers", str(workers), settings=variables, cores=cores) as started:
        get(f"{started.url}/readyz")
        yield Service(started.url, started.process.pid)


@contextlib.contextmanager
def asgi(
    app: str, folder: Path, cores: frozenset[int], variables: Mapping[str, str]
) -> Iterator[Service]:
    """Another ASGI app (``module:name``), served by uvicorn with the settings that ours has.

    ``variables``: what it finds in its environment.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = (
        *(sys.executable, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(port)),
        *("--loop", "uvloop", "--http", "httptools", "--ws", "none", "--backlog", "2048"),
        *("--no-access-log", "--no-server-header", "--no-proxy-headers", "--log-level", "warning"),
    )
    log = folder / "log"
    inherited = {**environment(), "PYTHONPATH": str(_ROOT), **variables}
    with running(command, log, environment=inherited, cores=cores) as process:
        service = Service(f"http://127.0.0.1:{port}", process.pid)
        until_answered(process, log, lambda: get(f"{service.url}/"))
        yield service


def get(url: str, token: str = "") -> tuple[int, bytes]:
    """Status and body of a GET, on a connection of its own. ``token``: sent as a bearer's."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    with contextlib.closing(connection):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
