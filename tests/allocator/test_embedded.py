"""The embedded server: one for each data directory, whatever is killed when."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from allocator import embedded
from allocator.disk_space import DiskSpace
from allocator.embedded import DataDirectoryBusy, EmbeddedServer, open_embedded, rewrite_log
from allocator.redis.url import connect
from tests.servers.process import until

SERVICE = """
import sys
from allocator.disk_space import DiskSpace
from allocator.embedded import EmbeddedServer
server = EmbeddedServer(sys.argv[1])
server.start()
print(server.pid, flush=True)
sys.stdin.read()
server.stop()
"""


def client(server: EmbeddedServer) -> redis.Redis:
    return redis.Redis.from_url(server.url, protocol=2)


def ended(pid: int) -> bool:
    """Whether a process is gone, a zombie nobody has waited for included."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return True
    return state == "Z"


class Service:
    """Another process that runs the store of a directory."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVICE, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.store_pid = int(self.process.stdout.readline())

    def end(self) -> None:
        self.process.communicate(timeout=60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def service(folder: Path) -> Iterator[Service]:
    service = Service(folder)
    yield service
    service.end()


def test_what_is_written_is_there_after_a_clean_stop(folder: Path) -> None:
    """Stop and start again: the data is back, and nothing of the server is left in between."""
    with EmbeddedServer(folder) as server, client(server) as store:
        store.set("kept", "yes")
        pid = server.pid
    assert ended(pid)
    assert not (folder / "store.sock").exists()
    with EmbeddedServer(folder) as server, client(server) as store:
        assert store.get("kept") == b"yes"


def test_the_file_is_synced_again_and_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a power cut can lose is bounded: the append-only file goes to disk all the time."""
    synced: list[int] = []
    monkeypatch.setattr(embedded, "_SYNC_SECONDS", 0.001)
    monkeypatch.setattr(os, "fdatasync", lambda file: synced.append(os.fstat(file).st_ino))
    with EmbeddedServer(folder) as server, client(server) as store:
        store.set("kept", "yes")
        [file] = (folder / "appendonlydir").glob("*.incr.aof")
        until(lambda: synced.count(file.stat().st_ino) > 2)


def test_its_file_has_space_ahead_while_it_runs(folder: Path) -> None:
    """So that a disk that others fill at once takes nothing from it; a stopped one uses none."""
    with EmbeddedServer(folder, 8 << 20) as server, client(server) as store:
        store.set("kept", "yes")
        [file] = (folder / "appendonlydir").glob("*.incr.aof")
        assert file.stat().st_size < 1000
        assert file.stat().st_blocks * 512 >= 2 << 20
    assert file.stat().st_blocks * 512 < 1 << 20


def test_on_a_disk_that_is_nearly_full_it_writes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It starts and is read, refuses writes, and doesn't write its file anew; so does one that was
    started again."""
    monkeypatch.setattr(DiskSpace, "free", lambda _space: 1000)
    with EmbeddedServer(folder, 2000) as server:
        for kill in (True, False):
            with client(server) as store:
                with pytest.raises(redis.ResponseError, match="NOREPLICAS"):
                    store.set("kept", "yes")
                assert store.get("kept") is None
                until(lambda s=store: s.config_get()["auto-aof-rewrite-percentage"] == "0")
            if kill:
                pid = server.pid
                os.kill(pid, signal.SIGKILL)
                until(lambda pid=pid: server.pid != pid and client(server).ping())
    with EmbeddedServer(folder, 500) as server, client(server) as store:
        until(lambda: store.config_get()["min-replicas-to-write"] == "0")
        assert store.config_get()["auto-aof-rewrite-percentage"] == "100"
        assert store.set("kept", "yes")


def test_only_its_user_can_reach_it(folder: Path) -> None:
    """No TCP port; the directory, the socket and the files are the user's alone; nothing is
    evicted, and every second goes to disk."""
    with EmbeddedServer(folder) as server, client(server) as store:
        assert server.url.startswith("unix://")
        settings = store.config_get("*")
        assert settings["port"] == "0"
        assert settings["protected-mode"] == "yes"
        assert settings["enable-debug-command"] == "no"
        assert settings["appendonly"] == "yes"
        assert settings["appendfsync"] == "no"  # it is synced from outside: see _sync
        assert settings["maxmemory-policy"] == "noeviction"
        for path in (folder, *folder.rglob("*")):
            if path.name != "store.url":  # names the socket, no secret
                assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_start_and_stop_may_be_repeated(folder: Path) -> None:
    """A second start or stop does nothing."""
    server = EmbeddedServer(folder)
    server.stop()
    server.start()
    pid = server.pid
    server.start()
    assert server.pid == pid
    server.stop()
    server.stop()
    assert ended(pid)


def test_a_server_that_is_killed_starts_again_with_its_data(folder: Path) -> None:
    """kill -9 of the store, twice: each time it is back by itself with all that was written."""
    with EmbeddedServer(folder) as server:
        for count in (1, 2):
            pid = server.pid
            with client(server) as store:
                assert store.incr("count") == count
            os.kill(pid, signal.SIGKILL)
            until(lambda pid=pid: server.pid != pid and client(server).ping())
        with client(server) as store:
            assert store.get("count") == b"2"


def test_a_second_service_is_refused_with_the_folder_and_the_pid(
    folder: Path, service: Service
) -> None:
    """One line says which directory is taken, and by whom; the first service isn't disturbed."""
    second = EmbeddedServer(folder)
    with pytest.raises(DataDirectoryBusy) as caught:
        second.start()
    assert str(folder) in str(caught.value)
    assert str(service.process.pid) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not ended(service.store_pid)


def test_the_server_a_killed_service_left_is_replaced(folder: Path) -> None:
    """kill -9 of the service: the next one ends the orphan first, and has what it wrote."""
    service = Service(folder)
    with client(EmbeddedServer(folder)) as store:
        store.set("written", "before")
    service.process.kill()
    service.end()
    assert not ended(service.store_pid)
    with EmbeddedServer(folder) as server, client(server) as store:
        assert ended(service.store_pid)
        assert server.pid != service.store_pid
        assert store.get("written") == b"before"


def test_both_killed_leave_the_data(folder: Path) -> None:
    """kill -9 of service and store at once: the next start has every write that was answered."""
    service = Service(folder)
    with client(EmbeddedServer(folder)) as store:
        for number in range(500):
            store.set(f"key-{number}", number)
    service.process.kill()
    os.kill(service.store_pid, signal.SIGKILL)
    service.end()
    with EmbeddedServer(folder) as server, client(server) as store:
        assert store.dbsize() == 500 + 1  # the installation's name


def test_a_long_path_gets_a_private_socket_elsewhere(tmp_path: Path) -> None:
    """A path too long for a socket is no fault: it moves to a temporary directory, and goes."""
    folder = tmp_path / ("long" * 20) / ("longer" * 10)
    with EmbeddedServer(folder) as server, client(server) as store:
        socket = Path(server.url.removeprefix("unix://"))
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert len(os.fsencode(socket)) < 104
        store.set("key", "value")
    assert not socket.parent.exists()


def test_a_folder_with_an_odd_name_works(tmp_path: Path) -> None:
    """Blanks, quotes, per cent signs and letters of any script in the path are no matter."""
    folder = tmp_path / 'däta "x" %41 #'
    with EmbeddedServer(folder) as server:

        async def ping() -> None:
            store = await connect(server.url, timeout_ms=10_000)
            await store.ping()
            await store.aclose()

        asyncio.run(ping())


def test_a_command_uses_the_running_services_store(folder: Path, service: Service) -> None:
    """Beside a service, a command gets its store's URL, and leaves the store running."""
    with open_embedded(folder) as url, redis.Redis.from_url(url, protocol=2) as store:
        assert store.info("server")["process_id"] == service.store_pid
    assert not ended(service.store_pid)


def test_a_command_without_a_service_runs_the_store_itself(folder: Path) -> None:
    """Alone, a command starts the store for as long as it takes."""
    with open_embedded(folder) as url, redis.Redis.from_url(url, protocol=2) as store:
        pid = store.info("server")["process_id"]
        store.set("key", "value")
    assert ended(pid)
    with open_embedded(folder) as url, redis.Redis.from_url(url, protocol=2) as store:
        assert store.get("key") == b"value"


def test_ctrl_c_does_not_reach_the_store(folder: Path) -> None:
    """The terminal's interrupt goes to the service's group; the store has its own."""
    with EmbeddedServer(folder) as server:
        assert os.getpgid(server.pid) != os.getpgid(0)


def test_a_folder_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    """A file where the directory should be is reported with the system's error, with its path."""
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=re.escape(str(tmp_path))):
        EmbeddedServer(tmp_path / "file").start()


def test_its_file_can_be_written_anew(folder: Path) -> None:
    """So that it has nothing any more but what the store has."""
    with EmbeddedServer(folder) as server:
        with client(server) as store:
            store.set("rp:x", "forgotten-7f3a")
            store.set("rp:x", "kept-7f3a")
        url = server.url

        def written() -> bytes:
            return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())

        until(lambda: b"forgotten-7f3a" in written())
        rewrite_log(url)
        until(lambda: b"forgotten-7f3a" not in written())  # the file before is removed behind it
        assert b"kept-7f3a" in written()
    with pytest.raises(RuntimeError, match="can't write its file"):
        rewrite_log(url)
