"""``ringpool backup`` and ``restore``: real stores of two kinds, while numbers are given out."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from allocator.allocator import Allocator
from allocator.answers import Ask, State
from allocator.copying import read_stock
from allocator.embedded import open_embedded
from allocator.redis.url import connect
from allocator.stocks import Stocks
from ringpool import backup_file
from ringpool.backup_file import BackupError, Frame
from ringpool.catalog.catalog import Catalog
from tests.conftest import PATIENT_MS
from tests.ringpool.cli.conftest import Run
from tests.servers.cluster import Cluster
from tests.servers.service import RINGPOOL, environment, serving
from tests.servers.stores import Server

KEY = "a-key-of-16-or-more"
POOLS = ("red", "blue", "green", "own")
STATE = "rp:{ringpool}:catalog-state"


def configuration() -> str:
    pools = [
        {
            "id": name,
            "account": "acme",
            "key": f"{KEY}-{name}",
            "parameters": ["website"],
            "numbers": [f"+1212{2_000_000 + index * 10_000 + n}" for n in range(300)],
            "overflow_number": f"+1800555010{index}",
            **({} if name == "own" else {"stock": "spare", "max_size": 900}),
        }
        for index, name in enumerate(POOLS)
    ]
    spare = [f"+1310{2_000_000 + n}" for n in range(1500)]
    stocks = [{"id": "spare", "account": "acme", "numbers": spare}]
    return yaml.safe_dump({"accounts": [{"id": "acme"}], "pools": pools, "stocks": stocks})


async def ringpool(folder: Path, *words: str, url: str = "", stdin: str = "") -> str:
    """What a command prints; it must succeed."""
    settings = {"RINGPOOL_DATA_DIR": str(folder / "data")}
    if url:
        settings["RINGPOOL_REDIS_URL"] = url
    process = await asyncio.create_subprocess_exec(
        *(RINGPOOL, *words),
        cwd=folder,
        env={**environment(), **settings},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate(stdin.encode())
    assert process.returncode == 0, errors.decode()
    return output.decode()


async def test_under_load_into_a_cluster_and_back(
    tmp_path: Path, cluster_server: Cluster, emptied_server: Server
) -> None:
    """All that was answered before the backup stands in the cluster; no number is in two places,
    nothing new is given while pools rest, and what a tuple holds is what its last answer said.
    From there it goes into a single store as it is."""
    emptied_server.command("FLUSHALL")
    for node in cluster_server.primaries:
        node.command("FLUSHALL")
    answered: dict[tuple[str, str], str] = {}
    with open_embedded(tmp_path / "data") as url:
        await ringpool(tmp_path, "apply", "-", stdin=configuration())
        store = await connect(url, timeout_ms=PATIENT_MS)
        allocator = Allocator(store)
        over = asyncio.Event()
        grown = asyncio.Event()

        async def load(pool: str) -> None:
            for n in range(850):
                if over.is_set():
                    break
                asks = [Ask(f"website={pool}-{n}")]
                (answer,) = await allocator.allocate(pool, asks)
                if answer.state is State.NEW:
                    answered[pool, asks[0].tuple] = answer.number
                if n == 350:
                    grown.set()
                await asyncio.sleep(0.005)

        loads = [asyncio.create_task(load(pool)) for pool in POOLS]
        await asyncio.wait(
            [asyncio.create_task(grown.wait()), *loads], return_when=asyncio.FIRST_COMPLETED
        )
        assert grown.is_set(), await asyncio.gather(*loads)
        before = dict(answered)
        told = json.loads(await ringpool(tmp_path, "backup", "all.backup", "--json"))
        over.set()
        await asyncio.gather(*loads)
        await store.aclose()
    assert (told["pools"], told["stocks"]) == (4, 1)
    assert len(answered) > len(before) > 1000
    assert stat.S_IMODE((tmp_path / "all.backup").stat().st_mode) == 0o600
    restored = json.loads(
        await ringpool(tmp_path, "restore", "all.backup", "--json", url=cluster_server.url)
    )
    assert set(restored["rests_until"]) == set(POOLS)

    store = await connect(cluster_server.url, timeout_ms=PATIENT_MS)
    allocator = Allocator(store)
    places: list[str] = []
    held: dict[tuple[str, str], str] = {}
    for pool in POOLS:
        cursor, rows = await allocator.numbers(pool, limit=5000)
        assert cursor == "0"
        places += [row.number for row in rows]
        held |= {(pool, row.tuple): row.number for row in rows if row.since}
    stock = {copied.key.rpartition(":")[2]: copied for copied in await read_stock(store, "spare")}
    places += [number.decode() for number in stock["available"].values[::2]]
    places += {number.decode() for number in stock["moving"].values[::2]} - {*places}
    assert len(places) == len(set(places)) == 300 * len(POOLS) + 1500
    assert before.items() <= held.items()
    assert held.items() <= answered.items()
    catalog = Catalog(store, allocator, Stocks(store))
    assert len((await catalog.read()).stocks[0].numbers or ()) == 1500
    await store.aclose()

    settings = {"RINGPOOL_REDIS_URL": cluster_server.url}
    (_, known), number = next(item for item in held.items() if item[0][0] == "own")
    with serving(tmp_path, settings=settings) as service:
        async with httpx.AsyncClient(base_url=service.url) as client:
            path = "/api/v1/ring_pools/own/allocate_number.json"
            key = {"ring_pool_key": f"{KEY}-own"}
            old = await client.get(path, params={**key, "website": known.removeprefix("website=")})
            new = await client.get(path, params={**key, "website": "new"})
    assert number in old.text
    assert new.status_code == 503, new.text
    await ringpool(tmp_path, "backup", "again.backup", url=cluster_server.url)
    await ringpool(tmp_path, "restore", "again.backup", url=emptied_server.url)
    store = await connect(emptied_server.url, timeout_ms=PATIENT_MS)
    for pool in POOLS:
        _, rows = await Allocator(store).numbers(pool, limit=5000)
        assert {row.tuple: row.number for row in rows if row.since} == {
            name: number for (of, name), number in held.items() if of == pool
        }
    await store.aclose()


@pytest.fixture
def made(run: Run, tmp_path: Path) -> Path:
    """A backup of a small installation, whose store is still there."""
    assert run("apply", "-", stdin=configuration()).exit_code == 0
    done = run("backup", str(tmp_path / "small"))
    assert done.exit_code == 0, done.output
    return tmp_path / "small"


def test_only_into_an_empty_store(run: Run, made: Path) -> None:
    done = run("restore", str(made))
    assert done.exit_code == 1
    assert done.stderr == ("Error: the store isn't empty: a backup is restored into an empty one\n")


@pytest.mark.parametrize("what", ["cut", "changed", "other", "newer"])
def test_what_isnt_whole_writes_nothing(
    run: Run, made: Path, emptied_server: Server, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = made.read_bytes()
    if what == "newer":
        monkeypatch.setattr(backup_file, "FORMAT", 0)
    else:
        middle = len(whole) // 2
        turned = bytes([whole[middle] ^ 1])
        made.write_bytes(
            {
                "cut": whole[:-100],
                "changed": whole[:middle] + turned + whole[middle + 1 :],
                "other": b"something else",
            }[what]
        )
    emptied_server.command("FLUSHALL")
    done = run("restore", str(made))
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Error: {made} ")
    assert emptied_server.command("DBSIZE") == 0


def test_half_a_restore_serves_nobody_and_is_repeated(
    run: Run, made: Path, emptied_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the last write no command works on the store; the same restore then finishes."""
    emptied_server.command("FLUSHALL")
    real = backup_file.frames

    def broken(path: Path) -> Iterator[Frame]:
        for count, frame in enumerate(real(path)):
            if count == 6:
                raise BackupError("the disk is gone")
            yield frame

    monkeypatch.setattr(backup_file, "frames", broken)
    assert run("restore", str(made)).exit_code == 1
    refused = run("apply", "-", stdin=configuration())
    assert refused.exit_code == 1
    assert "a restore into it hasn't finished" in refused.stderr
    monkeypatch.undo()
    monkeypatch.setenv("RINGPOOL_REDIS_URL", emptied_server.url)
    assert run("restore", str(made)).exit_code == 0
    assert run("pool", "list").exit_code == 0
    assert int(emptied_server.command("HGET", STATE, "revision")) == 1
