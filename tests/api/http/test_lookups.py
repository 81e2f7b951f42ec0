"""What a worker doesn't know yet is looked for in the store, and decided on under one snapshot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from urllib.parse import quote

import httpx
import pytest

from allocator.port import Argument, Store, StoreUnavailable
from allocator.scripts import Script
from api.app import create_app
from ringpool.catalog import snapshot
from ringpool.settings import Settings
from tests.api.conftest import KEY, Site, running


class Late:
    """A store that can't be reached at first."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.away = True

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> bytes:
        if self.away:
            raise StoreUnavailable("not yet")
        return await self._store.run(script, keys, args)

    async def ping(self) -> None:
        await self._store.ping()

    async def aclose(self) -> None:
        await self._store.aclose()


@pytest.fixture
def no_polling(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker reads the configuration at its start and when it misses something."""
    monkeypatch.setattr(snapshot, "_POLL_SECONDS", 3600)


@pytest.fixture
async def worker(
    settings: Settings, valkey_store: Store, site: Site, no_polling: None
) -> AsyncIterator[httpx.AsyncClient]:
    """Another worker, which knows the site's account as it is made at first."""
    async with running(create_app(settings, store=valkey_store)) as client:
        yield client


async def test_what_another_worker_made_is_found(site: Site, worker: httpx.AsyncClient) -> None:
    """A pool that isn't in the snapshot is looked for before it is refused."""
    pool = await site.pool(parameters=["website"])
    query = f"ring_pool_key={KEY}&website=a"
    assert (await worker.get(f"/t/{pool}?website=a")).status_code == 302
    two, three = await site.pool(name="two"), await site.pool(name="three")
    answer = await worker.get(f"/api/v1/ring_pools/{two}/allocate_number.json?{query}")
    assert answer.json()["state"] == "new"
    rows = [{"api_suffix": f"{name}/allocate_number.json?{query}"} for name in (two, three, "none")]
    answer = await worker.post("/api/v1/bulk.json", json={"requests": rows})
    assert [row.get("state", row.get("error_class")) for row in answer.json()["responses"]] == [
        "held",
        "new",
        "UnknownPool",
    ]


@pytest.mark.parametrize("path", ["/dni.js?account={}", "/v1/swap?account={}"])
async def test_an_account_that_another_worker_made_is_found(
    site: Site, worker: httpx.AsyncClient, unique: str, path: str
) -> None:
    """The page that is opened right after `ringpool apply` gets its numbers."""
    later = Site(site.client, f"{unique}-later", site.area)
    await later.make_account()
    await later.pool(1, swap_targets=[later.number(8000)])
    answer = await worker.get(path.format(later.account))
    assert answer.status_code == 200
    assert later.number(8000) in answer.text


async def test_a_page_is_judged_by_the_snapshot_that_its_pool_is_of(
    site: Site, worker: httpx.AsyncClient
) -> None:
    """Origins that were set before a pool was made hold for those who ask for it."""
    url = f"/v1/swap?account={site.account}"
    foreign = {"origin": "https://foreign.example"}
    assert (await worker.get(url, headers=foreign)).status_code == 200
    await site.make_account(name="A test's account", origins=["https://shop.example"])
    pool = await site.pool()
    refused = await worker.get(f"{url}&pool={pool}", headers=foreign)
    assert (refused.status_code, refused.json()["swaps"]) == (403, [])
    assert (await site.status(pool))["unassigned"] == 5
    allowed = await worker.get(f"{url}&pool={pool}", headers={"origin": "https://shop.example"})
    assert allowed.json()["swaps"][0]["state"] == "new"


@pytest.mark.parametrize("path", ["/dni.js?account={0}", "/v1/swap?account={0}", "/t/{1}"])
async def test_the_first_request_after_the_store_came_finds_what_there_is(
    settings: Settings, valkey_store: Store, site: Site, no_polling: None, path: str
) -> None:
    """What a worker reads because it knows nothing yet counts for the request that made it."""
    pool = await site.pool()
    store = Late(valkey_store)
    async with running(create_app(settings, store=store)) as client:
        assert (await client.get(path.format(site.account, pool))).status_code == 503
        store.away = False
        assert (await client.get(path.format(site.account, pool))).status_code in (200, 302)


async def test_a_publisher_made_with_a_pool_is_credited_at_once(
    site: Site, worker: httpx.AsyncClient, unique: str
) -> None:
    """The whole request goes by the snapshot in which its pool was found."""
    publisher = Site(site.client, f"{unique}-p", site.area)
    await publisher.make_account()
    pool = await site.pool(parameters=["website"])
    page = quote(f"https://shop.example/?website=a&publisher={publisher.account}", safe="")
    answer = await worker.get(f"/v1/swap?account={site.account}&pool={pool}&url={page}")
    (swap,) = answer.json()["swaps"]
    report = await site.client.get(f"/admin/v1/numbers/{swap['number']}", headers=site.auth)
    assert report.json()["holder"]["tuple"] == {"website": "a", "publisher": publisher.account}
