"""The pages of docs/operating: every `sh` block is run as it is written, on real processes.

All but the full disk under load: whatever is answered meanwhile is kept. `text` blocks are what the
block before them prints, as in the guides. Ports are exchanged for free ones.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest
import redis

from allocator.embedded import open_embedded
from allocator.redis.cluster_client import slot_of
from loadtests.chaos.clients import AskedPool, Clients
from tests.api.conftest import ADMIN
from tests.servers.cluster import cluster3
from tests.servers.process import free_port, until
from tests.servers.programs import program
from tests.servers.sentinel import sentinel
from tests.servers.service import RINGPOOL, environment, serving
from tests.servers.stores import valkey
from tests.test_guides import Block, blocks, pattern

pytestmark = pytest.mark.timeout(200)

ROOT = Path(__file__).parent.parent.parent
KEY = "operating-pool-key-0123456789"


class Shell:
    """One bash in one folder, given a page's blocks one after the other."""

    def __init__(self, folder: Path, ports: Mapping[int, int], settings: Mapping[str, str]) -> None:
        """``ports``: by the port that the page has, the one that is meant."""
        self._ports = ports
        self._log = (folder / "shell.log").open("ab")
        self._bash = subprocess.Popen(
            ["bash", "-euo", "pipefail"],
            cwd=folder,
            env={**environment(), "RINGPOOL_ADMIN_TOKEN": ADMIN, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )

    def run(self, block: Block) -> None:
        """Run a block; fails when a command does, or prints something else than the page says."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        commands = block.commands
        for written, meant in self._ports.items():
            commands = commands.replace(str(written), str(meant))
        self._bash.stdin.write(f"{commands}\necho; echo '=== end'\n")
        self._bash.stdin.flush()
        printed = ""
        for line in self._bash.stdout:
            if line == "=== end\n":
                break
            printed += line
        else:
            raise AssertionError(f"{commands}\nprinted\n{printed}and ended")
        if block.output:
            assert pattern(f"…{block.output}…").fullmatch(printed), f"{commands}\n{printed}"

    def close(self) -> None:
        """End it, and what it has left running."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        os.killpg(self._bash.pid, signal.SIGTERM)
        self._bash.stdin.close()
        self._bash.stdout.close()
        self._bash.wait(60)
        self._log.close()


@contextmanager
def shell(
    folder: Path, ports: Mapping[int, int], settings: Mapping[str, str]
) -> Iterator[Callable[[Block], None]]:
    """Runs blocks. ``valkey-cli`` is Debian's client of Redis, which takes the same words."""
    tools = folder / "tools"
    tools.mkdir()
    (tools / "valkey-cli").symlink_to(program("redis-cli"))
    path = os.pathsep.join([str(tools), str(RINGPOOL.parent), os.environ["PATH"]])
    opened = Shell(folder, ports, {**settings, "PATH": path})
    try:
        yield opened.run
    finally:
        opened.close()


def configure(folder: Path, url: str, *pools: AskedPool) -> None:
    """Put pools into a store. Each has numbers enough, or 40 where fewer tuples ask than that."""
    lines = ["accounts: [{id: chaos}]", "pools:"]
    for index, pool in enumerate(pools):
        first = 2_010_000_000 + index * 10_000
        numbers = [f"+1{first + n}" for n in range(40 if pool.tuples else 5000)]
        lines.append(
            f"  - {{id: {pool.id}, account: chaos, key: {KEY}, parameters: [source],"
            f" min_duration: {pool.min_duration_ms // 1000}s, numbers: {numbers},"
            ' overflow_number: "+18005550199"}'
        )
    (folder / "pools.yaml").write_text("\n".join(lines))
    settings = {**environment(), "RINGPOOL_REDIS_URL": url}
    subprocess.run([RINGPOOL, "apply", "pools.yaml"], cwd=folder, env=settings, check=True)


def asked(*names: str) -> list[AskedPool]:
    """One with new tuples all the time, and one that is too small for those that ask."""
    wide, tight = names
    return [AskedPool(wide, KEY, 600_000, 0), AskedPool(tight, KEY, 4_000, 200)]


@asynccontextmanager
async def under_load(port: int, pools: list[AskedPool], seed: int = 1) -> AsyncIterator[Clients]:
    """Clients that ask until the context is left."""
    clients = Clients(("127.0.0.1", port), pools, connections=4, pause=0.05, seed=seed)
    try:
        yield clients
    finally:
        await clients.stop()


async def answered(clients: Clients, more: int = 100) -> None:
    """Wait until so many more have been answered."""
    wanted = clients.seen.answers + more
    while clients.seen.answers < wanted:
        await asyncio.sleep(0.02)


def kept(clients: Clients, pools: list[AskedPool]) -> None:
    """Nothing that was answered is lost or given twice, and no answer is one that isn't said."""
    assert not clients.seen.undocumented
    assert clients.seen.hangs == 0
    for pool in pools:
        assert pool.ledger.told.get("new")
        assert (pool.ledger.lost(), pool.ledger.doubled()) == ([], [])


def wrapper(path: Path, source: Path | None = None) -> None:
    """An environment's command, of the package in ``source`` if that is given."""
    path.parent.mkdir(parents=True)
    python_path = f"PYTHONPATH={source} " if source else ""
    path.write_text(f'#!/bin/sh\n{python_path}exec {RINGPOOL} "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def copied(folder: Path) -> None:
    """Copy the packages as version 99.0, whose script that allocates has another text."""
    for package in ("allocator", "api", "ringpool", "snippet"):
        ignored = shutil.ignore_patterns("node_modules", "__pycache__", "packages", "src")
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    metadata = folder / "ringpool-99.0.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: ringpool\nVersion: 99.0\n")
    script = folder / "allocator" / "lua" / "pool" / "allocate.lua"
    first, _, rest = script.read_text("utf-8").partition("\n")
    script.write_text(f"{first}\nlocal next_version = true\n{rest}", "utf-8")


def hash_of_script(folder: Path) -> str:
    """The name that the packages in a folder have for the script that allocates."""
    code = "from allocator import scripts; print(scripts.load('pool/allocate').sha)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**environment(), "PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.strip()


async def test_two_versions_run_side_by_side(tmp_path: Path) -> None:
    """Both answer the same tuples from one store, each by its own script; no request is cut off."""
    source = tmp_path / "source"
    copied(source)
    wrapper(tmp_path / "old" / "bin" / "ringpool")
    wrapper(tmp_path / "new" / "bin" / "ringpool", source)
    scripts = hash_of_script(ROOT), hash_of_script(source)
    assert scripts[0] != scripts[1]
    begin, beside, end = blocks("operating/upgrade")
    pools = asked("wide", "tight")
    with valkey() as store:
        configure(tmp_path, store.url, *pools)
        ports = {6379: store.port, 8000: free_port(), 8001: free_port()}
        with shell(tmp_path, ports, {"RINGPOOL_DATA_DIR": str(tmp_path / "data")}) as run:
            await asyncio.to_thread(run, begin)
            await asyncio.to_thread(until, lambda: listens(ports[8000]))
            async with under_load(ports[8000], pools) as old:
                await answered(old)
                await asyncio.to_thread(run, beside)
                # The same tuples, to which the old version has given numbers.
                async with under_load(ports[8001], pools) as new:
                    await answered(new, 300)
                    await answered(old)
                    assert store.command("SCRIPT EXISTS", *scripts) == [1, 1]
                    assert version_of(ports[8000]) != version_of(ports[8001]) == "99.0"
                    await old.stop()
                    await asyncio.to_thread(run, end)
                    await answered(new)
            assert (old.seen.cut, new.seen.cut, old.seen.refused, new.seen.refused) == (0, 0, 0, 0)
            kept(old, pools)
            kept(new, pools)


def version_of(port: int) -> str:
    """The version of the service there."""
    version: str = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60).json()["version"]
    return version


def listens(port: int) -> bool:
    """Whether a service is ready there."""
    command = ["curl", "--silent", "--fail", f"http://127.0.0.1:{port}/readyz"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


async def test_a_commanded_failover(tmp_path: Path) -> None:
    """With `all`, whatever is answered before, while and after it."""
    pools = asked("wide", "tight")
    with sentinel() as watched:
        configure(tmp_path, watched.url, *pools)
        settings = {
            "RINGPOOL_REDIS_URL": watched.url,
            "RINGPOOL_WAIT_REPLICAS": "all",
            "RINGPOOL_ADMIN_TOKEN": ADMIN,
        }
        with serving(tmp_path, settings=settings) as service:
            ports = {26379: watched.sentinel.port, 8000: port_of(service.url)}
            with shell(tmp_path, ports, settings) as run:
                async with under_load(ports[8000], pools) as clients:
                    await answered(clients)
                    for block in blocks("operating/failover"):
                        await asyncio.to_thread(run, block)
                    await answered(clients)
        assert watched.replica.command("INFO", "replication")["role"] == "master"
        kept(clients, pools)


def test_a_store_is_checked(tmp_path: Path) -> None:
    """One that is in use, and has nothing wrong."""
    with valkey() as server:
        configure(tmp_path, server.url, AskedPool("p", KEY, 600_000, 200))
        with shell(tmp_path, {}, {"RINGPOOL_REDIS_URL": server.url}) as run:
            for block in blocks("operating/check"):
                run(block)


async def test_slots_are_moved(tmp_path: Path) -> None:
    """Pools of the slots that move are asked all the time."""
    names = [name for name in map("pool-{}".format, range(9000)) if slot_of(name) < 100][:2]
    pools = asked(*names)
    with cluster3() as nodes:
        configure(tmp_path, nodes.url, *pools)
        settings = {"RINGPOOL_REDIS_URL": nodes.url, "RINGPOOL_ADMIN_TOKEN": ADMIN}
        first, second, _ = nodes.primaries
        with serving(tmp_path, settings=settings) as service:
            ports = {7000: first.port, 7001: second.port}
            with shell(tmp_path, ports, settings) as run:
                async with under_load(port_of(service.url), pools) as clients:
                    await answered(clients)
                    for block in blocks("operating/resharding"):
                        await asyncio.to_thread(run, block)
                    await answered(clients)
        for name in names:
            with pytest.raises(redis.exceptions.MovedError):
                first.command("HLEN", f"rp:{{{name}}}:tuples")
            assert second.command("HLEN", f"rp:{{{name}}}:tuples") > 0
        kept(clients, pools)


async def test_a_move_to_a_cluster_and_to_another(tmp_path: Path) -> None:
    """Two planned moves, with the same visitors all the time: what was promised goes on, nothing is
    given twice, and new numbers are given at once."""
    start, close, *moves = blocks("operating/moving-between-stores")
    assert len(moves) == 2
    pools = asked("wide", "tight")
    with cluster3() as first, cluster3() as second:
        ports = {
            8000: free_port(),
            7000: first.primaries[0].port,
            7100: second.primaries[0].port,
        }
        settings = {"RINGPOOL_DATA_DIR": str(tmp_path / "data")}
        with open_embedded(tmp_path / "data") as url:
            configure(tmp_path, url, *pools)
        with shell(tmp_path, ports, settings) as run:
            await asyncio.to_thread(run, start)
            await asyncio.to_thread(until, lambda: listens(ports[8000]))
            async with under_load(ports[8000], pools) as clients:
                await answered(clients)
                await asyncio.to_thread(run, close)
                for move in moves:
                    given = pools[0].ledger.told["new"]
                    await asyncio.to_thread(run, move)
                    await answered(clients)
                    assert pools[0].ledger.told["new"] > given
    kept(clients, pools)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk, which needs root")
def test_a_full_disk(tmp_path: Path) -> None:
    """The rehearsal of the page, to its end."""
    probe = tmp_path / "probe"
    probe.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(probe)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode != 0:
        pytest.skip("the kernel lets nobody mount here")
    subprocess.run(["umount", probe], check=True)
    port = free_port()
    try:
        with shell(tmp_path, {8000: port}, {}) as run:
            for block in blocks("operating/full-disk"):
                commands = block.commands.replace("ringpool serve", f"ringpool serve --port {port}")
                run(Block(commands, block.output))
    finally:
        small = tmp_path / "small"
        if small.is_mount():
            subprocess.run(["umount", "--lazy", small], check=True)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])
