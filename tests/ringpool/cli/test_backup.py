"""``ringpool backup`` and ``restore``: real stores of every kind, while numbers are given out."""

from __future__ import annotations

import asyncio
import json
import random
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import AsyncMock

import httpx
import pytest
import yaml
from msgspec.structs import replace

from allocator import copying
from allocator.allocator import Allocator
from allocator.answers import Ask
from allocator.copying import Reader, Row, stock_numbers
from allocator.embedded import open_embedded
from allocator.port import Store, StoreUnavailable
from allocator.redis.url import connect
from allocator.stocks import Stocks
from loadtests.chaos.clients import AskedPool
from loadtests.chaos.ledger import Promise
from ringpool import backup_file
from ringpool.backup_file import BackupError, Frame
from ringpool.catalog.backup import back_up
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.restore import restore
from tests.conftest import PATIENT_MS
from tests.ringpool.cli.conftest import Run
from tests.servers.cluster import cluster3
from tests.servers.sentinel import sentinel
from tests.servers.service import RINGPOOL, environment, serving
from tests.servers.stores import Server, redis7

KEY = "a-key-of-16-or-more"
GROWING = ("red", "blue")
SHORT_MS = 1000
STATE = "rp:{ringpool}:catalog-state"


def configuration() -> str:
    """Two pools that grow from one stock, and a small one whose guarantees are short."""
    common = {
        "account": "acme",
        "key": KEY,
        "parameters": ["source"],
        "allow_overflow": False,
    }
    pools = [
        {
            **common,
            "id": name,
            "numbers": [f"+1212{2_000_000 + index * 10_000 + n}" for n in range(100)],
            "stock": "spare",
            "max_size": 900,
        }
        for index, name in enumerate(GROWING)
    ]
    own = [f"+1646{2_000_000 + n}" for n in range(20)]
    # It has all that it may have; but for the stock, it would rest for a second.
    small = {"id": "small", "min_duration": "1s", "stock": "spare", "max_size": 20}
    own = [f"+1646{2_000_000 + n}" for n in range(20)]
    pools.append({**common, **small, "numbers": own})
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


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    store = await connect(url, timeout_ms=PATIENT_MS)
    yield store
    await store.aclose()


async def ask(allocator: Allocator, pool: AskedPool, name: str) -> None:
    """Ask for a tuple, and note what it was promised."""
    (answer,) = await allocator.allocate(pool.id, [Ask(f"source={name}")])
    promise = None
    if answer.guaranteed_until:
        since = answer.guaranteed_until - pool.min_duration_ms
        promise = Promise(answer.number, name, since, answer.guaranteed_until)
    pool.ledger.note(answer.state.value, promise)


async def rows_of(store: Store) -> list[Row]:
    """The stock's numbers."""
    return [row async for page in Reader(store).pages(stock_numbers("spare")) for row in page]


async def held_in(store: Store, pools: list[AskedPool]) -> dict[tuple[str, str], str]:
    """Who holds what; no number is in two places, and none is missing."""
    allocator = Allocator(store)
    held: dict[tuple[str, str], str] = {}
    places: list[str] = []
    for pool in pools:
        cursor, rows = await allocator.numbers(pool.id, limit=5000)
        assert cursor == "0"
        places += [row.number for row in rows]
        named = {row.tuple: row.number for row in rows if row.since}
        held |= {(pool.id, name.removeprefix("source=")): named[name] for name in named}
    for number, _, available, moving, _ in await rows_of(store):
        if available or (moving and number.decode() not in places):
            places.append(number.decode())
    assert len(places) == len(set(places)) == 100 * len(GROWING) + 20 + 1500
    return held


async def test_under_load_into_a_cluster_and_back(tmp_path: Path) -> None:
    """Every guarantee of the backup stands in the cluster and nothing is given twice, whatever was
    answered after it was made; from there it goes through stores of other kinds as it is."""
    growing = [AskedPool(name, KEY, 600_000, 0) for name in GROWING]
    small = AskedPool("small", KEY, SHORT_MS, 60)
    pools = [*growing, small]
    chance = random.Random(1)
    with open_embedded(tmp_path / "data") as url:
        await ringpool(tmp_path, "apply", "-", stdin=configuration())
        async with opened(url) as store:
            allocator = Allocator(store)
            over, grown = asyncio.Event(), asyncio.Event()

            async def load(pool: AskedPool) -> None:
                for n in range(850):
                    if over.is_set():
                        break
                    name = f"t{chance.randrange(pool.tuples)}" if pool.tuples else f"{pool.id}-{n}"
                    await ask(allocator, pool, name)
                    if n == 250:
                        grown.set()
                    await asyncio.sleep(0.005)

            loads = [asyncio.create_task(load(pool)) for pool in pools]
            await grown.wait()
            before = [set(pool.ledger.promises) for pool in growing]
            told = json.loads(await ringpool(tmp_path, "backup", "all.backup", "--json"))
            known = dict(small.ledger.told)
            while small.ledger.told.get("recycled", 0) < known.get("recycled", 0) + 10:
                await ask(allocator, small, f"t{chance.randrange(small.tuples)}")
                await asyncio.sleep(0.01)
            over.set()
            await asyncio.gather(*loads)
    assert (told["pools"], told["stocks"]) == (3, 1)
    assert stat.S_IMODE((tmp_path / "all.backup").stat().st_mode) == 0o600
    for pool, promises in zip(growing, before, strict=True):
        assert len(pool.ledger.promises) > len(promises) > 200
    with cluster3() as cluster, sentinel() as watched, redis7() as other:
        words = ("restore", "all.backup", "--json")
        restored = json.loads(await ringpool(tmp_path, *words, url=cluster.url))
        assert set(restored["rests_until"]) == {*GROWING, "small"}
        async with opened(cluster.url) as store:
            held = await held_in(store, pools)
            assert len((await catalog_of(store).read()).stocks[0].numbers or ()) == 1500
        for pool, promises in zip(growing, before, strict=True):
            for promise in promises:
                assert held[pool.id, promise.tuple_] == promise.number
        await all_asked(tmp_path, cluster.url, pools)
        url = cluster.url
        for target in (watched.url, other.url):
            async with opened(url) as old, opened(target) as new:
                await moved(old, new, tmp_path / "last.backup")
                assert await held_in(new, pools) == held
            url = target


async def moved(old: Store, new: Store, path: Path) -> None:
    """What ``backup --last`` and ``restore --no-rest`` do."""
    with backup_file.writing(path) as writer:
        await back_up(old, catalog_of(old), writer, print, last=True)
    header = backup_file.check(path)
    await restore(new, catalog_of(new), path, header, 0, print, rest=False)


def catalog_of(store: Store) -> Catalog:
    return Catalog(store, Allocator(store), Stocks(store))


async def all_asked(folder: Path, url: str, pools: list[AskedPool]) -> None:
    """Tuples ask a service on the restored store, and one of each pool that is new: each is told a
    number only if nobody was promised it after them."""
    with serving(folder, settings={"RINGPOOL_REDIS_URL": url}) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
            for pool in pools:
                path = f"/api/v1/ring_pools/{pool.id}/allocate_number.json"
                given = sorted(pool.ledger.promises, key=lambda one: one.since)
                last = {promise.number: promise.tuple_ for promise in given}
                told = 0
                for name in [*sorted({promise.tuple_ for promise in given})[:60], "somebody-new"]:
                    asked = {"ring_pool_key": KEY, "source": name}
                    answer = await client.get(path, params=asked)
                    assert answer.status_code in {200, 503}, answer.text
                    if answer.status_code == 200:
                        assert name == last[answer.json()["number"]]
                        told += 1
                assert answer.status_code == 503
                assert told > 30 or pool.id == "small"


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
    other = made.with_name("other")
    with backup_file.writing(other) as writer:
        writer.write(replace(backup_file.check(made), id="other"))
    half = run("restore", str(other))
    assert half.stderr == (
        "Error: half of another backup is in the store: restore that one, or empty it\n"
    )
    assert run("restore", str(made)).exit_code == 0
    assert run("pool", "list").exit_code == 0
    assert int(emptied_server.command("HGET", STATE, "revision")) == 1


def test_a_last_backup_moves_without_a_rest(
    run: Run, made: Path, emptied_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The old store is closed to everybody, for good or until it is opened; the new one goes on."""
    number = asyncio.run(one_number(emptied_server.url, "t"))
    last = str(tmp_path / "last")
    with monkeypatch.context() as patched:  # as a failover does that loses the last writes
        patched.setattr(copying, "close", AsyncMock())
        done = run("backup", "--last", last)
        assert "a failover has opened it again: repeat the command" in done.stderr
        assert not [*tmp_path.glob("*last*")]
    for _ in range(2):
        assert run("backup", "--last", last).exit_code == 0
    with pytest.raises(StoreUnavailable, match="closed by ringpool backup --last"):
        asyncio.run(one_number(emptied_server.url, "t"))
    for words in (("apply", "-"), ("backup", str(tmp_path / "more"))):
        done = run(*words, stdin=configuration())
        assert done.exit_code == 1
        assert done.stderr.startswith("Error: the store: it was closed by ringpool backup --last")
    monkeypatch.delenv("RINGPOOL_REDIS_URL")
    refused = run("restore", "--no-rest", str(made))
    assert refused.exit_code == 1
    assert "wasn't made by ringpool backup --last" in refused.stderr
    done = run("restore", "--no-rest", last, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["rests_until"] == {}
    with open_embedded(tmp_path / "data") as url:
        assert asyncio.run(one_number(url, "t")) == number
        assert asyncio.run(one_number(url, "u")) not in ("", number)
    monkeypatch.setenv("RINGPOOL_REDIS_URL", emptied_server.url)
    assert [run("reopen").stdout for _ in range(2)] == [
        "the store is open\n",
        "the store wasn't closed\n",
    ]
    assert asyncio.run(one_number(emptied_server.url, "t")) == number
    assert run("apply", "-", stdin=configuration()).exit_code == 0


async def one_number(url: str, name: str) -> str:
    """The number that a pool gives to a tuple."""
    async with opened(url) as store:
        (answer,) = await Allocator(store).allocate("red", [Ask(f"source={name}")])
        return answer.number


def test_numbers_stay_where_they_are_while_pools_rest(
    run: Run, made: Path, emptied_server: Server
) -> None:
    """What was promised of them isn't known, so no change may bring one into another pool that
    rests less long, or has none that it was promised under."""
    emptied_server.command("FLUSHALL")
    assert run("restore", str(made)).exit_code == 0
    stays = yaml.safe_load(configuration())
    stays["pools"][0]["max_size"] = 800
    assert run("apply", "-", stdin=yaml.safe_dump(stays)).exit_code == 0
    drained = yaml.safe_load(configuration())
    drained["pools"][0]["numbers"].pop()
    unlent = yaml.safe_load(configuration())
    unlent["stocks"][0]["numbers"].pop()
    elsewhere = yaml.safe_load(configuration())
    del elsewhere["pools"][2]["stock"]
    for wanted, field in (
        (drained, "pools[0].numbers"),
        (unlent, "stocks[0].numbers"),
        (elsewhere, "pools[2].stock"),
    ):
        done = run("apply", "-", stdin=yaml.safe_dump(wanted))
        assert done.exit_code == 1
        assert done.stderr.startswith(f"Error: {field}: the store was restored from a backup"), (
            done.stderr
        )
