"""Probes, metrics, and the service while its store is away."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from allocator.port import Argument, Store, StoreUnavailable
from allocator.redis.replicas import Confirmations
from allocator.redis.url import connect
from allocator.scripts import Script
from api.app import create_app
from ringpool.catalog.layout import LAYOUT
from ringpool.settings import Settings
from tests.api.conftest import ADMIN, KEY, Site, running
from tests.conftest import PATIENT_MS
from tests.servers import stores
from tests.servers.process import until


class Switch:
    """A store that can be taken away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.away = False

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> bytes:
        self._check()
        return await self._store.run(script, keys, args)

    async def ping(self) -> None:
        self._check()
        await self._store.ping()

    async def aclose(self) -> None:
        await self._store.aclose()

    def _check(self) -> None:
        if self.away:
            raise StoreUnavailable("switched off")


async def test_a_service_that_a_newer_version_took_the_store_from(settings: Settings) -> None:
    """It is unready and says why, changes nothing any more, and repeats what it has promised."""
    with stores.valkey() as server:
        store = await connect(server.url, timeout_ms=PATIENT_MS)
        async with running(create_app(settings, store=store)) as client:
            site = Site(client, "acme", "202990")
            await site.make_account()
            pool = await site.pool(3, min_duration="1h")
            promised = await site.ask(pool, website="one")

            async def ready() -> httpx.Response:
                return await client.get("/readyz")

            state = "rp:{ringpool}:catalog-state"
            server.command("HSET", state, "layout", LAYOUT + 1)
            async with asyncio.timeout(30):
                while (unready := await ready()).status_code == 200:
                    await asyncio.sleep(0.01)
            assert unready.status_code == 503
            told = f"this version can't use the store: its keys have layout {LAYOUT + 1}"
            assert unready.json()["detail"].startswith(told)
            assert (await client.get("/livez")).status_code == 200
            assert (await site.ask(pool, website="one")).json() == {
                **promised.json(),
                "state": "held",
            }
            refused = await site.ask(pool, website="two")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            changed = await client.delete(f"/admin/v1/pools/{pool}", headers=site.auth)
            assert changed.status_code == 503
            assert server.command("HLEN", f"rp:{{{pool}}}:tuples") == 1
            server.command("HSET", state, "layout", LAYOUT)  # the copy was put back
            async with asyncio.timeout(30):
                while (await ready()).status_code != 200:
                    await asyncio.sleep(0.01)
            assert (await site.ask(pool, website="two")).status_code == 200
        await store.aclose()


@pytest.fixture
def switch(valkey_store: Store) -> Switch:
    return Switch(valkey_store)


@pytest.fixture
async def client(settings: Settings, switch: Switch) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app whose store can be taken away."""
    async with running(create_app(settings, store=switch)) as client:
        yield client


async def test_alive_and_ready(client: httpx.AsyncClient, switch: Switch) -> None:
    """Alive is the process alone; ready is the store too, with a reason to come back."""
    assert (await client.get("/livez")).json()["status"] == "alive"
    assert (await client.get("/readyz")).json()["status"] == "ready"
    switch.away = True
    assert (await client.get("/livez")).status_code == 200
    unready = await client.get("/readyz")
    assert (unready.status_code, unready.headers["retry-after"]) == (503, "1")
    switch.away = False
    assert (await client.get("/readyz")).status_code == 200


async def test_without_the_store_pages_keep_their_numbers(site: Site, switch: Switch) -> None:
    """Swap answers none, links redirect without a number, the API answers 503; all recovers."""
    target = site.number(8000)
    pool = await site.pool(swap_targets=[target], hold_on_activity="1h")
    page = {"account": site.account, "url": "https://p.example/?website=shown"}
    shown = (await site.client.get("/v1/swap", params=page)).json()["swaps"][0]
    switch.away = True
    swap = await site.client.get(f"/v1/swap?account={site.account}")
    assert swap.status_code == 200
    assert swap.json()["swaps"] == []
    assert swap.json()["none"] == [{"target": target, "reason": "store_unavailable", "pool": pool}]
    link = await site.client.get(f"/t/{pool}?website=one")
    assert link.headers["location"] == "https://landing.example/offer?website=one"
    for form in ("json", "xml", "csv"):
        refused = await site.ask(pool, form, website="one")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert "StoreUnavailable" in refused.text
    row = {"api_suffix": f"{pool}/allocate_number.json?ring_pool_key={KEY}&website=one"}
    bulk = await site.client.post("/api/v1/bulk.json", json={"requests": [row]})
    assert bulk.status_code == 503
    managed = await site.client.get(f"/admin/v1/pools/{pool}/status", headers=site.auth)
    assert managed.status_code == 503
    ping = await site.client.get("/v1/ping", params={**page, "held": shown["keep"]})
    assert ping.status_code == 503
    script = await site.client.get(f"/dni.js?account={site.account}")
    assert script.status_code == 200  # from what the worker knows
    switch.away = False
    assert (await site.ask(pool, website="one")).json()["state"] == "new"


async def test_a_worker_that_starts_without_its_store_answers_503_not_404(
    settings: Settings, valkey_store: Store
) -> None:
    """Nothing could be read yet, so nothing is known to be missing."""
    switch = Switch(valkey_store)
    switch.away = True
    async with running(create_app(settings, store=switch)) as client:
        assert (await client.get("/t/some-pool")).status_code == 503
        assert (await client.get("/v1/swap?account=some")).status_code == 503
        assert (await client.get("/dni.js?account=some")).status_code == 503


async def test_a_store_that_hangs_delays_no_answer_beyond_its_timeout(settings: Settings) -> None:
    """A stopped server: every answer comes in time, and recovers when the server goes on."""
    with stores.valkey() as server:
        store = await connect(server.url, timeout_ms=2000)
        async with running(create_app(settings, store=store)) as client:
            site = Site(client, "hangs", "212555")
            await site.make_account()
            pool = await site.pool(swap_targets=[site.number(8000)])
            server.pause()
            paths = {
                f"/v1/swap?account={site.account}": 200,
                f"/t/{pool}": 302,
                f"/api/v1/ring_pools/{pool}/allocate_number.json?ring_pool_key={KEY}": 503,
                "/readyz": 503,
            }
            async with asyncio.timeout(20):  # far more than the store's: machines are busy
                answers = await asyncio.gather(*map(client.get, paths))
            assert [answer.status_code for answer in answers] == [*paths.values()]
            server.resume()
            async with asyncio.timeout(60):
                while (await site.ask(pool)).status_code != 200:
                    await asyncio.sleep(0.02)
        await store.aclose()


async def test_unconfirmed_changes_show_and_use_no_number_up(tmp_path: Path) -> None:
    """Without its replica nothing new is given: readiness says why, a metric counts it.

    What a tuple was given before is told all the same, from memory.
    """
    settings = Settings(
        data_dir=tmp_path, admin_token=ADMIN, redis_timeout_ms=2000, wait_replicas=Confirmations(1)
    )
    with stores.valkey() as primary, stores.replica_of(primary) as replica:
        app = create_app(replace(settings, redis_url=primary.url))
        async with running(app) as client:
            site = Site(client, "unconfirmed", "212556")
            await site.make_account()
            target = site.number(8000)
            pool = await site.pool(3, swap_targets=[target])
            assert (await site.ask(pool, website="one")).json()["state"] == "new"
            assert (await client.get("/readyz")).status_code == 200
            assert "ringpool_unconfirmed_changes_total 0.0" in await site.metrics()
            replica.stop()
            until(lambda: primary.command("INFO", "replication")["connected_slaves"] == 0)
            for name in ("two", "three", "four"):
                refused = await site.ask(pool, website=name)
                assert (refused.status_code, "StoreUnavailable" in refused.text) == (503, True)
            swap = await site.swap(url="https://page.example/?website=five")
            assert swap.json()["none"][0]["reason"] == "store_unavailable"
            assert (await site.ask(pool, website="one")).status_code == 200
            unready = await client.get("/readyz")
            assert (unready.status_code, unready.headers["retry-after"]) == (503, "1")
            assert "0 of 1 replicas have confirmed" in unready.json()["detail"]
            status = await site.status(pool)
            # the first was on its way when nobody knew yet: its tuple has the number
            assert status["unassigned"] >= 1
            text = await site.metrics()
            counted = re.search(r"ringpool_unconfirmed_changes_total ([0-9.]+)", text)
            assert counted is not None
            assert float(counted[1]) >= 4
            assert "ringpool_store_up 1.0" in text
            assert "ringpool_archive_up 1.0" in text
            assert "ringpool_archive_waiting_messages 0.0" in text
            replica.start()
            async with asyncio.timeout(60):
                while (await client.get("/readyz")).status_code != 200:
                    await asyncio.sleep(0.05)
            states = [
                (await site.ask(pool, website=name)).json()["state"] for name in ("two", "three")
            ]
            assert states[0] in ("new", "held")
            assert states[1] == "new"


async def test_metrics_have_each_pool_once(site: Site, switch: Switch) -> None:
    """Pool gauges from the store, request histogram by endpoint; the store's absence shows."""
    stock = {"account": site.account, "numbers": [site.number(7000), site.number(7001)]}
    assert (await site.put(f"/admin/v1/stocks/{site.account}-stock", stock)).status_code == 201
    pool = await site.pool(3, stock=f"{site.account}-stock", max_size=4)
    await site.ask(pool, website="one")
    response = await site.client.get("/metrics", headers=site.auth)
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }
    assert samples["ringpool_pool_size", pool] == 3
    assert (samples["ringpool_pool_max_size", pool], samples["ringpool_pool_room", pool]) == (4, 1)
    assert samples["ringpool_pool_held", pool] == 1
    assert samples["ringpool_pool_seconds_to_exhaustion", pool] == math.inf
    assert samples["ringpool_pool_seconds_to_possible_exhaustion", pool] == math.inf
    assert samples["ringpool_pool_allocations_total", "new", pool] == 1
    assert samples["ringpool_pool_refusals_total", "exhausted", pool] == 0
    assert samples["ringpool_pool_recycled_age_seconds_count", pool] == 0
    states = {
        state: samples["ringpool_stock_numbers", *sorted((state, f"{site.account}-stock"))]
        for state in ("available", "lent", "resting", "moving")
    }
    assert states == {"available": 2, "lent": 0, "resting": 0, "moving": 0}
    assert samples["ringpool_request_seconds_count", "200", "allocate_number"] == 1
    assert samples["ringpool_store_seconds_count",] > 0
    assert samples["ringpool_store_errors_total", "unavailable"] == 0
    assert samples["ringpool_store_up",] == 1
    switch.away = True
    await site.ask(pool, website="two")
    away = await site.metrics()
    assert "ringpool_store_up 0.0" in away
    assert 'ringpool_store_errors_total{kind="unavailable"} 0.0' not in away


async def test_a_tag_is_counted_when_it_loads_and_when_it_swaps(site: Site) -> None:
    """Each answer with a number, remembered ones too; no crawler's load, and no server's visit."""
    target = site.number(8000)
    await site.pool(2, swap_targets=[target])

    async def counts() -> tuple[float, ...]:
        text = await site.metrics()
        names = ("ringpool_tag_loads_total", "ringpool_tag_swaps_total")
        found = (
            re.search(rf'^{name}{{account="{site.account}"}} (.+)$', text, re.M) for name in names
        )
        return tuple(float(match[1]) if match else 0.0 for match in found)

    script = {"account": site.account}
    for headers in ({}, {"if-none-match": "*"}, {"user-agent": "Googlebot/2.1"}):
        await site.client.get("/dni.js", params=script, headers=headers)
    assert await counts() == (2, 0)
    for _ in range(3):
        assert (await site.swap(url="https://p.example/?website=one")).json()["swaps"]
    assert await counts() == (2, 3)
    nothing = await site.swap(url="https://p.example/", targets="+18005550199")
    assert not nothing.json()["swaps"]
    assert await counts() == (2, 3)


async def test_metrics_have_a_pool_that_another_worker_made_just_now(
    site: Site, settings: Settings, valkey_store: Store
) -> None:
    """Whichever worker is asked: nobody waits until each has read the new configuration."""
    async with running(create_app(settings, store=valkey_store)) as other:
        pool = await site.pool(3)
        text = (await other.get("/metrics", headers=site.auth)).text
        assert f'ringpool_pool_size{{pool="{pool}"}} 3.0' in text


METRICS_TOKEN = "metrics-token-0123456789"
PORT = 9464


async def test_metrics_are_for_the_administrator(site: Site) -> None:
    """They name every account's pools: neither nobody's nor an account's token may read them."""
    await site.make_account(api_keys=["an-accounts-key-0123456789"])
    pool = await site.pool(1)
    for token in (b"", b"Bearer an-accounts-key-0123456789", b"Bearer", b"Bearer \xfc"):
        headers = {b"authorization": token} if token else {}
        refused = await site.client.get("/metrics", headers=headers)
        assert (refused.status_code, refused.json()["class"]) == (401, "Unauthorized")
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert pool not in refused.text
    assert pool in await site.metrics()


async def test_a_metrics_token_reads_metrics_alone(
    site: Site, settings: Settings, valkey_store: Store
) -> None:
    """On both ports it, or the administrator's, is wanted; it opens nothing else."""
    limited = replace(settings, metrics_token=METRICS_TOKEN, metrics_port=PORT)
    auth = {"authorization": f"Bearer {METRICS_TOKEN}"}
    async with running(create_app(limited, store=valkey_store)) as client:
        for port in (80, PORT):
            url = f"http://ringpool.test:{port}/metrics"
            assert (await client.get(url)).status_code == 401
            for headers in (auth, site.auth):
                assert (await client.get(url, headers=headers)).status_code == 200
        assert (await client.get("/admin/v1/pools", headers=auth)).status_code == 401


async def test_the_metrics_port_has_metrics_alone(settings: Settings, valkey_store: Store) -> None:
    """There they need no token, and nothing else is; on the other port they need one."""
    app = create_app(replace(settings, metrics_port=PORT), store=valkey_store)
    async with running(app) as client:
        there = f"http://ringpool.test:{PORT}"
        assert (await client.get(f"{there}/metrics")).status_code == 200
        for path in ("/livez", "/v1/swap?account=x", "/metrics/", "/dni.js"):
            assert (await client.get(there + path)).status_code == 404
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/metrics")).status_code == 401
        lying = {"host": f"ringpool.test:{PORT}", "x-forwarded-port": str(PORT)}
        assert (await client.get("/metrics", headers=lying)).status_code == 401
