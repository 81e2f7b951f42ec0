"""The embedded store's files: nothing that was written is missing without a word."""

from __future__ import annotations

import logging
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from allocator.embedded import EmbeddedServer
from allocator.keys import INSTALLATION
from allocator.resting import FOR_EVER, Resting, rest
from allocator.store_files import StoreDamaged, StoreFiles
from tests.servers.process import until


def client(server: EmbeddedServer) -> redis.Redis:
    return redis.Redis.from_url(server.url, protocol=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory whose store has held something, stopped."""
    folder = tmp_path / "data"
    with EmbeddedServer(folder) as server, client(server) as store:
        for number in range(100):
            store.set(f"key-{number}", "value")
        store.eval("redis.call('SET', 'a', 1) redis.call('SET', 'b', 2)", 0)
    return folder


def file(folder: Path, pattern: str) -> Path:
    (found,) = (folder / "appendonlydir").glob(pattern)
    return found


def removed(path: Path) -> None:
    path.unlink()


def shortened(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def changed(path: Path) -> None:
    """Four bytes of a value, so that it still loads."""
    content = path.read_bytes()
    place = content.rindex(b"value")
    path.write_bytes(content[:place] + b"eula" + content[place + 4 :])


def zeroed(path: Path) -> None:
    with path.open("r+b") as opened:
        opened.seek(-200, os.SEEK_END)
        opened.write(bytes(200))


@pytest.mark.parametrize(
    ("pattern", "damage", "said"),
    [
        ("*.manifest", removed, "appendonly.aof.manifest is missing"),
        ("*.base.rdb", removed, "appendonly.aof.1.base.rdb is missing"),
        ("*.incr.aof", removed, "appendonly.aof.1.incr.aof is missing"),
        ("*.incr.aof", shortened, "has lost its last [0-9]+ bytes"),
        ("*.incr.aof", emptied, "has lost its last [0-9]+ bytes"),
        ("*.incr.aof", changed, "has changed somewhere in its first [0-9]+ bytes"),
        ("*.incr.aof", zeroed, "has changed somewhere in its first [0-9]+ bytes"),
    ],
)
def test_a_store_that_lost_something_does_not_start(
    folder: Path, pattern: str, damage: Callable[[Path], None], said: str
) -> None:
    """One line says what is missing and the ways out, however often it is tried; nothing that is
    left is touched."""
    damage(file(folder, pattern))
    before = {path: path.read_bytes() for path in (folder / "appendonlydir").iterdir()}
    for _ in range(2):
        with pytest.raises(StoreDamaged, match=said) as caught:
            EmbeddedServer(folder).start()
        assert re.search("--accept-empty-store|ringpool check --repair-aof", str(caught.value))
        assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in (folder / "appendonlydir").iterdir()} == before


def test_another_installations_data_is_refused(folder: Path) -> None:
    """Files that are whole, but hold nothing of this installation: an empty copy, or a flushed
    store."""
    with EmbeddedServer(folder) as server, client(server) as store:
        store.flushall()
    with pytest.raises(StoreDamaged, match="what it held is missing"):
        EmbeddedServer(folder).start()
    with EmbeddedServer(folder, accept_empty=True) as server, client(server) as store:
        assert store.keys("*") == [INSTALLATION.encode()]
    with EmbeddedServer(folder):
        pass


def test_what_is_left_is_set_aside_where_nothing_is_to_be_kept(folder: Path) -> None:
    """Begun anew by an explicit wish, the old files are still there, under another name."""
    shortened(file(folder, "*.incr.aof"))
    with pytest.raises(StoreDamaged):  # that can be repaired
        EmbeddedServer(folder, accept_empty=True).start()
    removed(file(folder, "*.manifest"))
    with EmbeddedServer(folder, accept_empty=True) as server, client(server) as store:
        assert store.dbsize() == 1
    (aside,) = folder.glob("appendonlydir.*")
    assert len(list(aside.glob("*.incr.aof"))) == 1


def test_a_store_that_dies_does_not_start_empty(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Files that went away under a running store: it isn't started again without them."""
    caplog.set_level(logging.ERROR)
    with EmbeddedServer(folder) as server:
        removed(file(folder, "*.manifest"))
        os.kill(server.pid, signal.SIGKILL)
        until(lambda: "appendonly.aof.manifest is missing" in caplog.text)
        with pytest.raises(redis.ConnectionError), client(server) as store:
            store.ping()


def test_half_a_command_is_cut_off_with_a_word(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What a kill leaves was answered to nobody: the store starts, and the log says it."""
    with file(folder, "*.incr.aof").open("ab") as appended:
        appended.write(b"*3\r\n$3\r\nSET\r\n$4\r\nhal")
    with EmbeddedServer(folder) as server, client(server) as store:
        assert store.dbsize() == 103
    assert "cut half a command, 20 bytes, off the end of" in caplog.text
    with EmbeddedServer(folder):
        pass


def test_a_tail_of_zeros_is_told_and_cut_off(folder: Path) -> None:
    """What a power cut leaves after all that was known to be on the disk: told with its bytes and
    the commands before it, cut off on demand and kept, and the store has the rest."""
    path = file(folder, "*.incr.aof")
    size = path.stat().st_size
    with path.open("ab") as appended:
        appended.write(b"*3\r\n$3\r\nSET\r\n$1\r\nz" + bytes(1000))
    with pytest.raises(StoreDamaged, match=f"has 1018 bytes after 103 commands in {size} bytes"):
        EmbeddedServer(folder).start()
    with EmbeddedServer(folder).files() as files:
        (examined,) = files.examine()
        kept = files.cut(examined)
    assert kept is not None
    assert kept.read_bytes().endswith(bytes(1000))
    with EmbeddedServer(folder) as server, client(server) as store:
        assert store.dbsize() == 103


def test_a_transaction_is_read_as_one(folder: Path) -> None:
    """Half of what a script wrote is no end of a whole command."""
    path = file(folder, "*.incr.aof")
    whole = path.read_bytes()
    start = whole.index(b"*1\r\n$5\r\nMULTI")
    path.write_bytes(whole[: whole.index(b"*1\r\n$4\r\nEXEC")])
    (examined,) = StoreFiles(folder).examine()
    assert (examined.whole, examined.commands) == (start, 102)


def test_every_file_after_a_rewrite_is_known(folder: Path) -> None:
    """The sums follow the files that the manifest names; a change of the new ones is seen."""
    with EmbeddedServer(folder) as server, client(server) as store:
        store.bgrewriteaof()
        until(lambda: list((folder / "appendonlydir").glob("*.2.base.rdb")))
        store.set("after", "value")
    changed(file(folder, "*.incr.aof"))
    with pytest.raises(StoreDamaged, match=r"appendonly\.aof\.2\.incr\.aof has changed"):
        EmbeddedServer(folder).start()


def test_a_rest_is_over_in_time(tmp_path: Path) -> None:
    """By pool; one that isn't named rests as the others. An unreadable file lets none give."""
    now = time.time_ns() // 1_000_000
    assert Resting(tmp_path).until("a") == 0
    rest(tmp_path, {"a": now + 60_000, "b": now - 1}, now + 90_000)
    resting = Resting(tmp_path)
    assert [resting.until(name) - now for name in "ac"] == [60_000, 90_000]
    assert resting.until("b") == 0
    (tmp_path / "store.rest").write_text("")
    assert Resting(tmp_path).until("a") == FOR_EVER
