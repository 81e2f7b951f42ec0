"""What is put under load: a service of two workers and the store that it is on."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from loadtests.chaos.clock import SteppedClock
from loadtests.chaos.network import Network, network
from loadtests.chaos.proxy import Proxy
from loadtests.tools import machine
from tests.servers.cluster import cluster3
from tests.servers.process import LOOPBACK, Place, free_port, temporary_folder, until
from tests.servers.service import RINGPOOL, environment
from tests.servers.small_disk import small_disk
from tests.servers.stores import Server, replica_of, sentinel_server, valkey

ADMIN = "chaos-admin-token-0123456789abcdef"

_ON_DISK: dict[str, Any] = {"appendonly": "yes", "appendfsync": "always"}
_OPEN = {"protected-mode": "no"}
"""What a store without a password needs that is on another machine than the service."""
_NODE_TIMEOUT_MS = 2000
_DISK_BYTES = 256 * 2**20  # a store's file is made anew at 64 MB


@dataclass
class Service:
    """``ringpool serve`` with two workers, on a port that it keeps when it starts again."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    place: Place = LOOPBACK
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What it printed, all starts one after the other."""
        return self.folder / "log"

    def errors(self) -> list[str]:
        """The last lines of its log that tell of an exception."""
        return [line for line in self.log.read_text().splitlines() if '"exception"' in line][-5:]

    def client(self) -> httpx.Client:
        """A client of the managers' API."""
        headers = {"authorization": f"Bearer {ADMIN}"}
        url = f"http://{self.place.address}:{self.port}"
        return httpx.Client(base_url=url, headers=headers, timeout=30)

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *self.place.command,
                    *(RINGPOOL, "serve", "--workers", "2"),
                    *("--host", self.place.address, "--port", str(self.port)),
                ],
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(self.is_ready)

    def run(self, *words: str | Path) -> str:
        """What a command of its installation prints."""
        command = [RINGPOOL, *words]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return {
            **environment(),
            "RINGPOOL_REDIS_TIMEOUT_MS": "250",
            "RINGPOOL_ADMIN_TOKEN": ADMIN,
            "RINGPOOL_DATA_DIR": str(self.folder / "data"),
            **self.settings,
        }

    def is_ready(self) -> bool:
        """Whether it says so; raises ChildProcessError when it has ended."""
        assert self.process is not None
        if self.process.poll() is not None:
            raise ChildProcessError(self.log.read_text()[-3000:])
        try:
            with self.client() as client:
                return client.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def workers(self) -> list[int]:
        """Process ids of the processes that answer."""
        assert self.process is not None
        return machine.workers(self.process.pid)

    def store(self) -> int:
        """The process id of the embedded store."""
        assert self.process is not None
        children = machine.children(self.process.pid)
        (pid,) = (pid for pid in children if b"valkey-server" in machine.command_line(pid))
        return pid

    def kill(self) -> None:
        """Kill it with all that it started, as the end of its machine does."""
        assert self.process is not None
        for pid in [*machine.descendants(self.process.pid), self.process.pid]:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Stop it as an operator does."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()


@dataclass
class Rig:
    """A running service and its store. ``primaries`` and ``replicas`` as they were at the start.

    The embedded store is a part of the service: there both are empty. ``sentinels`` watch the
    first primary. ``network``, ``clock``, ``proxy``: what the rig was made for, if it was.
    """

    service: Service
    primaries: list[Server] = field(default_factory=list)
    replicas: list[Server] = field(default_factory=list)
    sentinels: list[Server] = field(default_factory=list)
    network: Network | None = None
    clock: SteppedClock | None = None
    proxy: Proxy | None = None


@contextmanager
def embedded() -> Iterator[Rig]:
    """The store that the service runs by itself."""
    with _service({}) as service:
        yield Rig(service)


@contextmanager
def embedded_on_a_small_disk() -> Iterator[Rig]:
    """The same, with its data on a file system of 256 MB; needs root."""
    with temporary_folder() as folder, small_disk(folder / "data", _DISK_BYTES):
        service = Service(folder)
        try:
            service.start()
            yield Rig(service)
        finally:
            service.stop()


@contextmanager
def standalone() -> Iterator[Rig]:
    """One Valkey that writes every change to disk before it answers."""
    with valkey(**_ON_DISK) as store, _service({"RINGPOOL_REDIS_URL": store.url}) as service:
        yield Rig(service, [store])


@contextmanager
def standalone_and_an_empty_one() -> Iterator[Rig]:
    """Two, of which the service is on the first."""
    with (
        valkey(**_ON_DISK) as store,
        valkey(**_ON_DISK) as empty,
        _service({"RINGPOOL_REDIS_URL": store.url}) as service,
    ):
        yield Rig(service, [store, empty])


@contextmanager
def standalone_on_a_bad_network() -> Iterator[Rig]:
    """The same, which the service reaches through a proxy."""
    with valkey(**_ON_DISK) as store, Proxy(store.port).running() as proxy:
        settings = {"RINGPOOL_REDIS_URL": f"redis://127.0.0.1:{proxy.port}"}
        with _service(settings) as service:
            yield Rig(service, [store], proxy=proxy)


@contextmanager
def standalone_with_a_stepped_clock(*, of: str, rate: float = 1.0) -> Iterator[Rig]:
    """One Valkey. ``of``: whose clock can be stepped, "store" or "service"; ``rate``: its."""
    with temporary_folder() as folder:
        clock = SteppedClock(folder, rate)
        store_place = clock.place if of == "store" else LOOPBACK
        service_place = clock.place if of == "service" else LOOPBACK
        with valkey(place=store_place, **_ON_DISK) as store:
            settings = {"RINGPOOL_REDIS_URL": store.url}
            with _service(settings, service_place) as service:
                yield Rig(service, [store], clock=clock)


@contextmanager
def sentinel(replicas: int, wait: str, *, apart: bool = False) -> Iterator[Rig]:
    """A primary with replicas and three Sentinels. ``wait``: RINGPOOL_WAIT_REPLICAS.

    ``apart``: each of them, and the service, on a machine of its own.
    """
    with ExitStack() as stack:
        machines = stack.enter_context(network()) if apart else None
        place = machines.machine if machines else lambda: LOOPBACK
        options = {**_ON_DISK, **_OPEN}
        primary = stack.enter_context(valkey(place=place(), **options))
        others = [
            stack.enter_context(replica_of(primary, place=place(), **options))
            for _ in range(replicas)
        ]
        watch = {
            "sentinel monitor": f"numbers {primary.place.address} {primary.port} 2",
            "sentinel down-after-milliseconds": "numbers 1000",
            "sentinel failover-timeout": "numbers 3000",
        }
        watchers = [stack.enter_context(sentinel_server(watch, place())) for _ in range(3)]
        for watcher in watchers:
            until(partial(_watches, watcher, replicas))
        hosts = ",".join(f"{watcher.place.address}:{watcher.port}" for watcher in watchers)
        settings = {
            "RINGPOOL_REDIS_URL": f"redis+sentinel://{hosts}/numbers",
            "RINGPOOL_WAIT_REPLICAS": wait,
        }
        service = stack.enter_context(_service(settings, place()))
        yield Rig(service, [primary], others, watchers, network=machines)


@contextmanager
def cluster(wait: str, *, apart: bool = False) -> Iterator[Rig]:
    """Three primaries with a replica each. ``apart``: as ``sentinel``'s."""
    with ExitStack() as stack:
        machines = stack.enter_context(network()) if apart else None
        place = machines.machine if machines else lambda: LOOPBACK
        nodes = stack.enter_context(
            cluster3(
                replicas=3,
                places=[place() for _ in range(6)],
                cluster_node_timeout=_NODE_TIMEOUT_MS,
                **_ON_DISK,
                **_OPEN,
            )
        )
        settings = {"RINGPOOL_REDIS_URL": nodes.url, "RINGPOOL_WAIT_REPLICAS": wait}
        service = stack.enter_context(_service(settings, place()))
        yield Rig(service, nodes.primaries, nodes.replicas, network=machines)


@contextmanager
def _service(settings: Mapping[str, str], place: Place = LOOPBACK) -> Iterator[Service]:
    with temporary_folder() as folder:
        service = Service(folder, settings, place)
        try:
            service.start()
            yield service
        finally:
            service.stop()


def _watches(watcher: Server, replicas: int) -> bool:
    known = watcher.command("SENTINEL", "REPLICAS", "numbers")
    others = watcher.command("SENTINEL", "SENTINELS", "numbers")
    return len(known) == replicas and len(others) == 2
