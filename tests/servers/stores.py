"""Single stores: real servers on loopback, ready when their context is entered.

``valkey`` runs the valkey-server that the embedded store runs, ``redis7`` Debian's redis-server.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from allocator.embedded import valkey_binary
from tests.servers.certificates import Certificate
from tests.servers.process import LOOPBACK, READY_SECONDS, Place, free_port, temporary_folder, until


@dataclass
class Server:
    """One server process. ``settings`` are lines of its configuration file.

    ``{port}`` in them stands for its port, ``{bus}`` for its second one, the cluster bus.
    """

    binary: Path
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    port: int = 0
    bus: int = 0
    place: Place = LOOPBACK
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://{self.place.address}:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start, on the same ports when it had some, and wait until it answers."""
        for _ in range(5):
            self.port, self.bus = self.port or free_port(), self.bus or free_port()
            self._launch()
            try:
                until(self._answers)
            except ChildProcessError:  # another process took a port
                self.port = self.bus = 0
            else:
                return
        raise RuntimeError((self.folder / "log").read_text())

    def stop(self) -> None:
        if self.process is not None:
            self.resume()
            self.process.terminate()
            self.process.wait(READY_SECONDS)

    def kill(self) -> None:
        """As ``kill -9``."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(READY_SECONDS)

    def pause(self) -> None:
        """Answer nothing, as a server whose machine hangs; what is sent is read on resume."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)  # does nothing when it has ended

    def command(self, *words: Any) -> Any:
        """Run one command on a connection of its own, and return the reply."""
        with self._client() as client:
            return client.execute_command(*words)

    def _client(self) -> redis.Redis:
        password = self.settings.get("requirepass")
        retry = Retry(NoBackoff(), 0)
        address = self.place.address
        return redis.Redis(address, self.port, password=password, protocol=2, retry=retry)

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise ChildProcessError
        with self._client() as client:  # another process may have taken the port
            return bool(client.ping() and client.info("server")["process_id"] == self.pid)

    def _launch(self) -> None:
        lines = {
            "bind": self.place.address,
            "port": self.port,
            "dir": self.folder,
            "save": '""',
            "enable-debug-command": "local",
            **self.settings,
        }
        configuration = self.folder / "server.conf"
        if not (self.arguments and configuration.exists()):  # Sentinel keeps its state there
            text = "".join(f"{name} {value}\n" for name, value in lines.items())
            text = text.replace("{port}", str(self.port)).replace("{bus}", str(self.bus))
            configuration.write_text(text)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.place.command, self.binary, configuration, *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


@contextmanager
def _running(
    binary: Path, settings: dict[str, Any], *arguments: str, place: Place = LOOPBACK
) -> Iterator[Server]:
    with temporary_folder() as folder:
        server = Server(binary, folder, settings, arguments, place=place)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def valkey(*, place: Place = LOOPBACK, **settings: Any) -> Iterator[Server]:
    """A standalone Valkey 9; ``settings`` with ``_`` for ``-``."""
    with _running(valkey_binary(), _dashed(settings), place=place) as server:
        yield server


@contextmanager
def redis7(**settings: Any) -> Iterator[Server]:
    """Debian's Redis 7. Without it the test is skipped, and in CI fails."""
    with _running(_redis7_binary(), _dashed(settings)) as server:
        yield server


@contextmanager
def replica_of(primary: Server, *, place: Place = LOOPBACK, **settings: Any) -> Iterator[Server]:
    """A Valkey that has all its primary has."""
    address = f"{primary.place.address} {primary.port}"
    settings |= {"replicaof": address, "repl-diskless-sync-delay": 0}
    primary.command("CONFIG", "SET", "repl-diskless-sync-delay", 0)
    with _running(valkey_binary(), settings, place=place) as replica:
        until(lambda: replicates(replica))
        yield replica


@contextmanager
def sentinel_server(settings: dict[str, Any], place: Place = LOOPBACK) -> Iterator[Server]:
    """A process that only watches others."""
    with _running(valkey_binary(), settings, "--sentinel", place=place) as server:
        yield server


@contextmanager
def redis7_tls(files: Certificate) -> Iterator[Server]:
    """Debian's Redis 7 that speaks TLS alone, with these files; connect to ``server.url``."""
    settings = {
        "port": 0,
        "tls-port": "{port}",
        "tls-cert-file": files.certificate,
        "tls-key-file": files.key,
        "tls-ca-cert-file": files.certificate,
        "tls-auth-clients": "no",
    }
    with temporary_folder() as folder:
        server = _TlsServer(_redis7_binary(), folder, settings)
        try:
            server.start()
            yield server
        finally:
            server.stop()


class _TlsServer(Server):
    @property
    def url(self) -> str:
        return f"rediss://127.0.0.1:{self.port}?ssl_ca_certs={self.settings['tls-ca-cert-file']}"

    def _client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, protocol=2, retry=Retry(NoBackoff(), 0))


def _redis7_binary() -> Path:
    binary = shutil.which("redis-server")
    if binary is None:
        missing = "redis-server (Debian's redis-server package) isn't installed"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return Path(binary)


def _dashed(settings: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in settings.items()}


def replicates(replica: Server) -> bool:
    """Whether a replica is connected to its primary."""
    facts = replica.command("INFO", "replication")
    return bool(facts["role"] == "slave" and facts["master_link_status"] == "up")
