"""Real servers for tests: each a context manager, on loopback, ready when it is entered.

``valkey`` and ``cluster`` run the valkey-server that the embedded store runs, ``redis7`` Debian's
redis-server. Every process started here is stopped here, by its pid.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis.backoff import NoBackoff
from redis.retry import Retry

from allocator.embedded import valkey_binary

T = TypeVar("T")

READY_SECONDS = 60.0


def until(condition: Callable[[], T], seconds: float = READY_SECONDS) -> T:
    """Wait until the condition holds, errors of the server counting as "not yet"."""
    limit = time.monotonic() + seconds
    while True:
        error: Exception | None = None
        try:
            if result := condition():
                return result
        except ChildProcessError:  # it has ended: there is nothing to wait for
            raise
        except (redis.RedisError, OSError) as caught:
            error = caught
        if time.monotonic() > limit:
            raise TimeoutError(f"not within {seconds} s: {condition}") from error
        time.sleep(0.01)


def free_port() -> int:
    """A TCP port nobody listens on now. Another may take it: starters try again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    """One server process. ``settings`` are lines of its configuration file.

    ``{port}`` in them stands for its port, ``{bus}`` for another one that is its own.
    """

    binary: Path
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    port: int = 0
    bus: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

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
            except ChildProcessError:  # somebody else took a port
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
        return redis.Redis(port=self.port, password=password, protocol=2, retry=retry)

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise ChildProcessError
        with self._client() as client:  # who answers may be somebody else, on a port just taken
            return bool(client.ping() and client.info("server")["process_id"] == self.pid)

    def _launch(self) -> None:
        lines = {
            "bind": "127.0.0.1",
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
                [self.binary, configuration, *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="ringpool-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _running(binary: Path, settings: dict[str, Any], *arguments: str) -> Iterator[Server]:
    with _folder() as folder:
        server = Server(binary, folder, settings, arguments)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def valkey(**settings: Any) -> Iterator[Server]:
    """A standalone Valkey 9; ``settings`` with ``_`` for ``-``."""
    with _running(valkey_binary(), _dashed(settings)) as server:
        yield server


@contextlib.contextmanager
def redis7(**settings: Any) -> Iterator[Server]:
    """Debian's Redis 7. Without it the test is skipped, and in CI fails."""
    with _running(_redis7_binary(), _dashed(settings)) as server:
        yield server


@dataclass
class Cluster:
    """Three primaries in the order of their slots, and replicas of the first of them."""

    primaries: list[Server]
    replicas: list[Server]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.primaries)


@contextlib.contextmanager
def cluster3(*, replicas: int = 0, **settings: Any) -> Iterator[Cluster]:
    """Three Valkey primaries in cluster mode that share the slots and agree on it.

    They are slow to take each other for dead, as a busy machine needs: who wants a failover says
    how soon (``cluster_node_timeout``, ms).
    """
    options = {
        "cluster-enabled": "yes",
        "cluster-port": "{bus}",
        "cluster-node-timeout": 15_000,
        "cluster-replica-validity-factor": 0,  # a replica never is too far behind to take over
        **_dashed(settings),
    }
    with contextlib.ExitStack() as stack:
        running = [_running(valkey_binary(), options) for _ in range(3 + replicas)]
        nodes = [stack.enter_context(node) for node in running]
        for position, (node, slots) in enumerate(
            zip(nodes, ((0, 5460), (5461, 10922), (10923, 16383)), strict=False)
        ):
            node.command("CLUSTER", "SET-CONFIG-EPOCH", position + 1)
            node.command("CLUSTER", "ADDSLOTSRANGE", *slots)
        for node in nodes[1:]:
            nodes[0].command("CLUSTER", "MEET", "127.0.0.1", node.port, node.bus)
        until(lambda: all(_cluster_agrees(node, len(nodes)) for node in nodes))
        for primary, replica in zip(nodes[:3], nodes[3:], strict=False):
            replica.command("CLUSTER", "REPLICATE", _text(primary.command("CLUSTER", "MYID")))
        for replica in nodes[3:]:
            until(lambda replica=replica: _replicates(replica))
        until(lambda: all(_cluster_agrees(node, len(nodes)) for node in nodes))
        yield Cluster(nodes[:3], nodes[3:])


@dataclass
class Sentinel:
    """A primary called ``numbers``, its replica, and one Sentinel that watches them."""

    primary: Server
    replica: Server
    sentinel: Server

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self.sentinel.port}/numbers"


@contextlib.contextmanager
def sentinel() -> Iterator[Sentinel]:
    """A Sentinel that fails over within about three seconds.

    Both stores keep what they have on disk: on a busy machine the Sentinel takes a living primary
    for dead, and may promote the one that was started again before it has copied anything.
    """
    disk = {"appendonly": "yes", "appendfsync": "always"}
    with contextlib.ExitStack() as stack:
        primary = stack.enter_context(valkey(**disk))
        replica = stack.enter_context(replica_of(primary, **disk))
        watch = {
            "sentinel monitor": f"numbers 127.0.0.1 {primary.port} 1",
            "sentinel down-after-milliseconds": "numbers 2000",
            "sentinel failover-timeout": "numbers 3000",
        }
        with _folder() as folder:
            watcher = Server(valkey_binary(), folder, watch, ("--sentinel",))
            try:
                watcher.start()
                until(lambda: watcher.command("SENTINEL", "REPLICAS", "numbers"))
                yield Sentinel(primary, replica, watcher)
            finally:
                watcher.stop()


@contextlib.contextmanager
def replica_of(primary: Server, **settings: Any) -> Iterator[Server]:
    """A Valkey that has all its primary has."""
    settings |= {"replicaof": f"127.0.0.1 {primary.port}", "repl-diskless-sync-delay": 0}
    primary.command("CONFIG", "SET", "repl-diskless-sync-delay", 0)
    with _running(valkey_binary(), settings) as replica:
        until(lambda: _replicates(replica))
        yield replica


@dataclass
class Certificate:
    """Files of a certificate for 127.0.0.1 that is its own authority."""

    certificate: Path
    key: Path


@contextlib.contextmanager
def certificate() -> Iterator[Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    with _folder() as folder:
        files = Certificate(folder / "cert.pem", folder / "key.pem")
        files.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        files.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        yield files


@contextlib.contextmanager
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
    with _folder() as folder:
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


def _text(reply: Any) -> str:
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def _cluster_agrees(node: Server, size: int) -> bool:
    facts = node.command("CLUSTER INFO")
    return facts["cluster_state"] == "ok" and int(facts["cluster_known_nodes"]) == size


def _replicates(replica: Server) -> bool:
    facts = replica.command("INFO", "replication")
    return bool(facts["role"] == "slave" and facts["master_link_status"] == "up")
