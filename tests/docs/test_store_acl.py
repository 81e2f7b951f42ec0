"""The store's users of docs/security: the service needs what they may do, all of it and no more."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
import redis
from click.testing import CliRunner

from allocator.answers import Ask, area_list
from allocator.keys import CATALOG
from allocator.lease import Lease
from allocator.ledger import Ledgers
from allocator.port import Store, StoreUnavailable
from allocator.redis.replicas import Confirmations
from allocator.redis.url import connect
from ringpool.catalog.store import CatalogStore
from ringpool.cli import main
from tests.allocator.pools import DAY, PoolUnderTest, make, numbers
from tests.allocator.test_commands import live
from tests.api.conftest import ADMIN
from tests.conftest import PATIENT_MS
from tests.docs.test_servers import DOCS
from tests.servers.cluster import cluster3
from tests.servers.sentinel import sentinel
from tests.servers.service import serving
from tests.servers.stores import Server, redis7, valkey

PASSWORD = "made-for-this-test"
USER = f"ringpool:{PASSWORD}@"
PACKAGES = ("allocator", "ringpool")

FILE = """
accounts:
  - id: acme
    api_keys: [the-key-of-acme-0123456789]
pools:
  - id: ads
    account: acme
    key: the-key-of-ads-0123456789
    parameters: [website]
    hold_on_activity: 1h
    numbers: ["+12126660101", "+12126660102"]
    stock: spare
    max_size: 3
    landing_url: https://landing.example/
    swap_targets: ["+18005550100"]
    overflow_number: "+18005550199"
    match: area
stocks:
  - id: spare
    account: acme
    numbers: ["+13106660101", "+13106660102"]
"""


def users(name: str) -> list[str]:
    """The lines of an ACL file of the guide, with a password; its administrator is let in."""
    text = (DOCS / "security" / name).read_text("utf-8")
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
    assert text.count("#SHA256-OF-THE-PASSWORD") == 1
    assert text.startswith("user default off\n")
    return (
        text.replace("#SHA256-OF-THE-PASSWORD", f"#{digest}")
        .replace("user default off", "user default on nopass ~* &* +@all")
        .splitlines()
    )


def listed(name: str = "store.acl", more: str = "") -> set[str]:
    """The commands that the service's user may run, those of ``more`` included."""
    return set(re.findall(r"\+([a-z|-]+)", users(name)[1] + more))


def restrict(server: Server, name: str = "store.acl", more: str = "") -> None:
    """Make the user in a running server."""
    words = users(name)[1].split()[1:] + more.split()
    server.command("ACL", "SETUSER", *words)


def used(server: Server) -> set[str]:
    """The commands that were run since the last CONFIG RESETSTAT; those of ``server.command`` are
    that, CLIENT SETINFO, and an INFO that isn't counted yet."""
    stats = server.command("INFO", "commandstats")
    ran = {name.removeprefix("cmdstat_") for name, each in stats.items() if each["calls"]}
    return ran - {"config|resetstat", "client|setinfo", "auth"}


def refused(server: Server) -> list[str]:
    """What the service was refused."""
    return [str(entry["object"]) for entry in server.command("ACL LOG")]


@pytest.fixture(params=[valkey, redis7], ids=["valkey", "redis7"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A store that was started with the guide's file."""
    file = tmp_path / "users.acl"
    file.write_text("\n".join(users("store.acl")) + "\n")
    with request.param(aclfile=file) as started:
        started.command("CONFIG RESETSTAT")
        yield started


def test_the_service_needs_all_of_it_and_no_more(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is refused while the service, its commands and its background work go through their
    work, and each command that is listed was run: without it something would have failed."""
    url = f"redis://{USER}127.0.0.1:{server.port}"
    asyncio.run(_through_the_allocator(url))
    _through_the_command(url, tmp_path, monkeypatch)
    _through_http(url, tmp_path)
    ran = used(server)
    assert set(refused(server)) <= {"config|get"}  # the doctor tries whether that may be asked
    assert ran == listed(), "docs/security/store.acl and this test's flows: both, or neither"


def test_every_command_of_a_script_is_listed() -> None:
    """A script that runs another command needs it in the guide's file too."""
    root = DOCS.parent
    with valkey() as server:
        known = {name.decode().upper() for name in server.command("COMMAND LIST")}
    text = "".join(
        file.read_text() for package in PACKAGES for file in (root / package).rglob("*.lua")
    )
    called = set(re.findall(r"'([A-Z]+)'", text)) & known
    assert {name.upper() for name in listed()} - called == {
        "EVAL",
        "EVALSHA",
        "PING",
        "ROLE",
        "WAIT",
    }
    assert called <= {name.upper() for name in listed()}


def test_everything_else_is_refused(server: Server) -> None:
    """Who gets hold of the service's password can't change the store, list keys or read others'."""
    client = redis.Redis(port=server.port, username="ringpool", password=PASSWORD, protocol=2)
    with client:
        client.execute_command("SET", "rp:{x}:y", "1")
        for words in (
            ("CONFIG", "SET", "dir", "/"),
            ("CONFIG", "GET", "*"),
            ("FLUSHALL",),
            ("KEYS", "*"),
            ("SCAN", "0"),
            ("ACL", "LIST"),
            ("DEBUG", "SLEEP", "0"),
            ("MODULE", "LIST"),
            ("REPLICAOF", "127.0.0.1", "1"),
            ("SHUTDOWN",),
            ("SCRIPT", "FLUSH"),
            ("FUNCTION", "LIST"),
            ("MONITOR",),
            ("PUBLISH", "x", "y"),
            ("GET", "another:key"),
            ("SET", "another:key", "1"),
            ("EVAL", "return redis.call('GET', 'another:key')", "0"),
            ("EVAL", "return redis.call('KEYS', '*')", "0"),
        ):
            with pytest.raises(redis.ResponseError, match=r"permission|can't (run|access)"):
                client.execute_command(*words)


async def test_a_command_that_is_missing_is_an_outage(server: Server) -> None:
    """Not a bug: it is answered 503, and over as soon as the store has the whole list."""
    restrict(server, more="-hset")
    store = await connect(f"redis://{USER}127.0.0.1:{server.port}", timeout_ms=PATIENT_MS)
    with pytest.raises(StoreUnavailable, match="lacks a permission"):
        await make(store, "p", numbers(1))
    restrict(server)
    await make(store, "p", numbers(1))
    await store.aclose()


async def test_another_database_needs_to_be_selected(server: Server) -> None:
    """As the guide says."""
    url = f"redis://{USER}127.0.0.1:{server.port}/2"
    with pytest.raises(StoreUnavailable, match="lacks a permission"):
        await _one_number(url)
    restrict(server, more="+select")
    await _one_number(url)


def test_sentinel_and_primary() -> None:
    """A service that finds its primary through Sentinel needs a few commands of it."""
    with sentinel() as watched:
        restrict(watched.primary)
        restrict(watched.sentinel, "sentinel.acl")
        place = f"127.0.0.1:{watched.sentinel.port}/numbers"
        login = f"sentinel_username=ringpool&sentinel_password={PASSWORD}"
        url = f"redis+sentinel://{USER}{place}?{login}"
        asyncio.run(_one_number(url))
        assert refused(watched.primary) == refused(watched.sentinel) == []
        restrict(watched.sentinel, "sentinel.acl", "-sentinel|master")
        with pytest.raises(StoreUnavailable):
            asyncio.run(_one_number(url))


def test_cluster() -> None:
    """In a cluster the user needs the commands that the guide adds for it."""
    guide = (DOCS / "security" / "hardening.md").read_text("utf-8")
    (more,) = re.findall(r"^  (\+cluster\S*(?: \+\S+)*)$", guide, re.MULTILINE)
    with cluster3() as cluster:
        for node in cluster.primaries:
            restrict(node, more=more)
        nodes = ",".join(f"127.0.0.1:{node.port}" for node in cluster.primaries)
        asyncio.run(_in_cluster(f"redis+cluster://{USER}{nodes}", cluster.primaries))
        for node in cluster.primaries:
            assert refused(node) == []
        ran = set().union(*map(used, cluster.primaries))
        assert listed(more=more) - listed() <= ran


async def _one_number(url: str) -> None:
    store = await connect(url, timeout_ms=PATIENT_MS)
    try:
        pool = await make(store, "p", numbers(1))
        assert (await pool.one("t")).number == numbers(1)[0]
        await store.ping()
    finally:
        await store.aclose()


async def _in_cluster(url: str, primaries: list[Server]) -> None:
    """A number of a pool on each primary, and a lease whose slot is on its way to another."""
    store = await connect(url, timeout_ms=PATIENT_MS)
    confirmed = await connect(url, timeout_ms=PATIENT_MS, wait_replicas=Confirmations(None))
    try:
        await store.ping()
        for name in "abcdef":
            pool = await make(store, name, numbers(1))
            await pool.one("t")
        moving = int(primaries[0].command("CLUSTER KEYSLOT", CATALOG))
        source = primaries[moving * 3 // 16384]
        target = next(node for node in primaries if node is not source)
        ids = {node.port: node.command("CLUSTER MYID").decode() for node in (source, target)}
        target.command("CLUSTER", "SETSLOT", moving, "IMPORTING", ids[source.port])
        source.command("CLUSTER", "SETSLOT", moving, "MIGRATING", ids[target.port])
        assert await Lease(store, "test", 1000).hold()
        for name in "abcdef":
            await make(confirmed, f"{name}-confirmed", numbers(1))
    finally:
        await store.aclose()
        await confirmed.aclose()


async def _through_the_allocator(url: str) -> None:
    """Every way through the scripts of pools, stocks, the catalog and leases."""
    store = await connect(url, timeout_ms=PATIENT_MS)
    careful = await connect(url, timeout_ms=1000, wait_replicas=1)
    confirmed = await connect(url, timeout_ms=PATIENT_MS, wait_replicas=Confirmations(None))
    try:
        pool = await make(store, "plain", numbers(5))
        await live(pool)
        await _by_areas(store)
        await _by_budget(store)
        await _edited(pool)
        await _much_overflow(store)
        ledgers = Ledgers(store)
        page = await ledgers.read("pool", "plain")
        await ledgers.trim("pool", "plain", page.trim)
        lease = Lease(store, "test", 1000)
        assert await lease.hold()
        await lease.give_up()
        catalog = CatalogStore(store)
        assert await catalog.lock("token")
        await catalog.stage("token", 0, [b"{}", b"{}"])
        await catalog.stage("token", 1, [b"{}"])  # the first answer was lost
        await catalog.stage("token", 0, [])
        await catalog.unlock("token")
        with pytest.raises(StoreUnavailable, match="replicas"):
            await make(careful, "confirmed", numbers(1))
        await make(confirmed, "confirmed", numbers(1))
    finally:
        for one in (store, careful, confirmed):
            await one.aclose()


async def _by_areas(store: Store) -> None:
    pool = await make(store, "areas", ["+12120000001", "+12120000002"], areas=area_list(["+1212"]))
    await pool.edit(areas=area_list(["+1212", "+1310"]), stock="areas-s", max_size=4)
    await pool.stocks.edit("areas-s", 0, ["+13100000001"], now_ms=pool.now)
    await pool.stocks.shelve("areas-s", area_list(["+1310"]), now_ms=pool.now)
    for rule in ("least_active", "last_in_first_out"):
        await pool.edit(
            areas=area_list(["+1212", "+1310"]), stock="areas-s", max_size=4, recycle=rule
        )
        for area in ("+1212", "+1310"):
            asks = [Ask(f"{rule}{area}{n}", areas=area) for n in range(3)]
            await pool.allocator.allocate(pool.id, asks, now_ms=pool.now)
        await pool.stocks.status("areas-s", now_ms=pool.now)
        await pool.transfers.available("areas-s", "+1310", now_ms=pool.now)
        pool.now += DAY


async def _by_budget(store: Store) -> None:
    pool = await make(store, "budget", numbers(9), budget_share=20, budget_least=2, budget_rate=60)
    asks = [Ask(f"t{n}", network="192.0.2.0/24") for n in range(5)]
    await pool.allocator.allocate(pool.id, asks, now_ms=pool.now)
    await pool.allocator.preview(pool.id, "t9", network="192.0.2.0/24", now_ms=pool.now)
    pool.now += DAY
    await pool.sweep()


async def _edited(pool: PoolUnderTest) -> None:
    """Another order while numbers are recyclable; then the pool goes."""
    pool.now += DAY
    await pool.sweep()
    await pool.edit(recycle="round_robin")
    pool.now += DAY
    await pool.sweep()
    _, rows = await pool.allocator.numbers(pool.id, now_ms=pool.now)
    await pool.allocator.drain(pool.id, [row.number for row in rows], now_ms=pool.now)
    pool.now += DAY
    await pool.sweep()
    await pool.allocator.forget(pool.id, now_ms=pool.now)


async def _much_overflow(store: Store) -> None:
    """So many hours with overflow that the oldest are forgotten."""
    pool = await make(store, "full", [])
    for hour in range(746):
        pool.now += 3_600_000
        await pool.one(f"t{hour}")
    await pool.allocator.overflow_in_hour(pool.id, pool.now, now_ms=pool.now)


def _through_the_command(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("RINGPOOL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RINGPOOL_REDIS_URL", url)
    monkeypatch.setenv("RINGPOOL_DATA_DIR", str(folder / "data"))
    monkeypatch.setenv("RINGPOOL_REDIS_TIMEOUT_MS", str(PATIENT_MS))
    run = partial(CliRunner().invoke, main, catch_exceptions=False)
    for words, stdin in (
        (("apply", "-"), FILE),
        (("apply", "-", "--dry-run"), FILE.replace("1h", "2h")),
        (("apply", "-"), FILE.replace(', "+12126660102"', "")),
        (("apply", "-"), FILE),
        (("export",), None),
        (("doctor",), None),
        (("pool", "list"), None),
        (("pool", "status", "ads"), None),
        (("number", "show", "+12126660101"), None),
        (("number", "show", "+12126660101", "--at", "2020-01-01T00:00:00Z"), None),
        (("explain", "--account", "acme", "--url", "https://a.example/?website=w"), None),
    ):
        result = run(words, input=stdin)
        assert result.exit_code == 0, (words, result.output)


def _through_http(url: str, folder: Path) -> None:
    settings = {"RINGPOOL_REDIS_URL": url, "RINGPOOL_ADMIN_TOKEN": ADMIN}
    visit = {"account": "acme", "url": "https://a.example/?website=w"}
    with (
        serving(folder, settings=settings) as service,
        httpx.Client(base_url=service.url, timeout=60) as client,
    ):
        manager = {"authorization": f"Bearer {ADMIN}"}
        ask: Callable[..., httpx.Response] = client.get
        number = ask("/v1/swap", params=visit).json()["swaps"][0]["number"]
        key = {"ring_pool_key": "the-key-of-ads-0123456789"}
        for website in "abcde":
            path = "/api/v1/ring_pools/ads/allocate_number.json"
            assert ask(path, params={**key, "website": website}).status_code == 200
        assert "rp_number" in ask("/t/ads?website=w").headers["location"]
        empty = {"account": "acme", "parameters": ["x"], "allow_overflow": False}
        tuple_ = {"account": "acme", "url": visit["url"], "pool": "ads"}
        for answer in (
            client.post("/v1/ping", data=tuple_),
            client.post("/v1/release", data=tuple_),
            client.post("/admin/v1/calls", json={"number": number, "id": "c"}, headers=manager),
            ask(f"/admin/v1/numbers/{number}", headers=manager),
            ask("/admin/v1/pools/ads/numbers", headers=manager),
            ask("/readyz"),
            client.put("/admin/v1/pools/empty", json=empty, headers=manager),
            client.delete("/admin/v1/pools/empty", headers=manager),
        ):
            assert answer.is_success, (answer.request.url, answer.text)
