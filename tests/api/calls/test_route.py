"""Where calls go, over HTTP, and which click they come from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from allocator.allocator import Allocator
from allocator.port import Argument, Store, StoreUnavailable
from allocator.scripts import Script
from allocator.stocks import Stocks
from api.app import create_app
from ringpool.background.sweeper import Sweeper
from ringpool.catalog.catalog import Catalog
from ringpool.security.api_keys import hash_of
from ringpool.settings import Settings
from tests.api.conftest import ADMIN, Site, let_guarantees_end, running

CALLER = "+12125550177"


LEADERS = {"state", "lease", "unread_ledgers", "pool/sweep", "pool/ledger", "pool/trim_ledger"}
"""Scripts that the leader runs at any time."""


class CountedStore:
    """A store whose scripts are named as they run, and that can go away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.ran: list[str] = []
        self.away = False

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> bytes:
        if self.away:
            raise StoreUnavailable("away")
        self.ran.append(script.name)
        return await self._store.run(script, keys, args)

    async def ping(self) -> None:
        await self._store.ping()

    async def aclose(self) -> None:
        """The test's own store is closed elsewhere."""


@pytest.fixture
def counted(valkey_store: Store) -> CountedStore:
    """The store that ``client``'s app is on."""
    return CountedStore(valkey_store)


@pytest.fixture
async def client(
    tmp_path: Path, counted: CountedStore, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app whose store is watched, and which asks nothing of it in the background."""

    async def nothing(self: Sweeper) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Sweeper, "run", nothing)
    settings = Settings(data_dir=tmp_path, admin_token=ADMIN)
    async with running(create_app(settings, store=counted)) as client:
        yield client


async def route(site: Site, number: str, **more: Any) -> dict[str, Any]:
    """The answer to a call."""
    headers = more.pop("headers", site.auth)
    query = {"number": number, **more}
    answer = await site.client.get("/v1/route", params=query, headers=headers)
    found: dict[str, Any] = answer.json()
    return found | {"status": answer.status_code}


async def test_a_call_is_routed_with_its_click(site: Site, counted: CountedStore) -> None:
    """Destination, tuple, both clicks and what is whispered; from then on in one trip."""
    pool = await site.pool(
        1, destination=site.number(9000), whisper="From {website}, {location}{path}."
    )
    asked = {"website": "one & two", "location": "größer", "gclid": "abc"}
    number = (await site.ask(pool, **asked)).json()["number"]
    await site.ask(pool, **asked | {"gclid": "def"})
    found = await route(site, number, caller=CALLER)
    assert (found["status"], found["action"], found["state"]) == (200, "dial", "held")
    assert (found["pool"], found["account"], found["number"]) == (pool, site.account, number)
    assert (found["destination"], found["caller"]) == (site.number(9000), CALLER)
    assert found["whisper"] == "From one & two, größer."
    assert found["parameters"] == "website=one%20%26%20two&location=gr%C3%B6%C3%9Fer"
    holder = found["holder"]
    assert holder["tuple"] == {"website": "one & two", "location": "größer"}
    assert (holder["first_click"]["gclid"], "until" in holder) == ("abc", False)
    counted.ran.clear()
    again = await route(site, number.removeprefix("+"), caller="anonymous")
    assert [name for name in counted.ran if name not in LEADERS] == ["pool/route"]
    assert "caller" not in again
    assert again["holder"]["assigned_at"] == holder["assigned_at"]


async def test_a_number_that_moved_is_found_again(
    site: Site, counted: CountedStore, valkey_store: Store
) -> None:
    """Nobody's, draining, taken to another pool: the worker remembers only where it was."""
    first = await site.pool(1, "first", destination=site.number(9001))
    second = await site.pool(0, "second", destination=site.number(9002), whisper="From {website}")
    number = site.number(sum(b"first") % 50 * 100)
    found = await route(site, number)
    assert (found["state"], found["destination"]) == ("reserved", site.number(9001))
    assert "holder" not in found
    await site.ask(first, website="one")
    empty: dict[str, Any] = {"numbers": []}
    await site.client.patch(f"/admin/v1/pools/{first}", json=empty, headers=site.auth)
    assert (await route(site, number))["state"] == "draining"
    await let_guarantees_end(valkey_store, first)
    catalog = Catalog(valkey_store, Allocator(valkey_store), Stocks(valkey_store))
    assert await catalog.hand_on(first)
    assert (await route(site, number))["status"] == 404  # it's nobody's
    moved = await site.client.post(
        f"/admin/v1/pools/{second}/numbers", json={"numbers": [number]}, headers=site.auth
    )
    assert moved.status_code < 300, moved.text
    found = await route(site, number)
    assert (found["pool"], found["destination"]) == (second, site.number(9002))
    assert found["holder"]["tuple"] == {"website": "one"}
    assert found["holder"]["until"]
    assert {"whisper", "parameters"}.isdisjoint(found)  # it may be anybody's call


async def test_what_rests_goes_where_it_went(site: Site, valkey_store: Store) -> None:
    """A stock's number: at rest, then in the pool that it is lent to."""
    stock = f"{site.account}-stock"
    document = {"account": site.account, "numbers": [site.number(1), site.number(2)]}
    assert (await site.put(f"/admin/v1/stocks/{stock}", document)).status_code == 201
    assert (await route(site, site.number(1)))["action"] == "reject"
    heard = {"announcement": "This number is not in service."}
    await site.make_account(unroutable=heard)
    rests = await route(site, site.number(1))
    assert (rests["state"], rests["action"]) == ("resting", "announce")
    assert rests["announcement"] == heard["announcement"]
    await site.make_account(unroutable={"destination": site.number(9003)})
    rests = await route(site, site.number(1))
    assert (rests["action"], rests["destination"]) == ("dial", site.number(9003))
    pool = await site.pool(
        0, stock=stock, max_size=1, initial=0, destination=site.number(9004), numbers=[]
    )
    number = (await site.ask(pool, website="one")).json()["number"]
    assert (await route(site, number))["destination"] == site.number(9004)


async def test_overflow_calls_reach_their_pools_destination(site: Site) -> None:
    """Of pools that share the number and not the destination, the one that gave it last."""
    one = await site.pool(1, "one", destination=site.number(9001))
    assert (await route(site, site.number(9999)))["state"] == "overflow"
    two = await site.pool(1, "two", destination=site.number(9002))
    for pool, destination in ((one, 9001), (two, 9002)):
        for website in "ab":
            given = await site.ask(pool, website=website)
        assert given.json()["state"] == "overflow"
        found = await route(site, site.number(9999))
        assert (found["pool"], found["destination"]) == (pool, site.number(destination))


async def test_a_pool_that_was_only_fallen_back_on_gave_no_overflow(site: Site) -> None:
    """The first pool's overflow number was shown: a call to it is routed as that pool says."""
    second = await site.pool(0, "second", destination=site.number(9002))
    first = await site.pool(0, "first", destination=site.number(9001), fallback=second)
    assert (await site.ask(first, website="a")).json()["state"] == "overflow"
    assert (await site.status(second))["overflow_total"] == 1
    found = await route(site, site.number(9999))
    assert (found["pool"], found["destination"]) == (first, site.number(9001))


async def test_an_account_routes_its_own_numbers(site: Site) -> None:
    """Another's are unknown to it, as those of nobody; it needs a key for calls."""
    key, reader = f"calls-{site.account}", f"reads-{site.account}"
    other = Site(site.client, f"{site.account}-other", site.area)
    keys = [{"name": "calls", "hash": hash_of(key), "scopes": ["calls"]}]
    await other.make_account(
        api_keys=[*keys, {"name": "reads", "hash": hash_of(reader), "scopes": ["read"]}]
    )
    pool = await site.pool(1)
    theirs = await other.pool(1, "theirs", overflow_number=site.number(8888))
    number = (await site.ask(pool, website="secret")).json()["number"]
    auth = {"authorization": f"Bearer {key}"}
    unknown = await route(site, number, headers=auth)
    assert unknown == {
        "title": "Not Found",
        "status": 404,
        "class": "UnknownNumber",
        "detail": f"{number} is in no pool or stock",
        "action": "reject",
    }
    assert (await route(site, "+18005550142"))["action"] == "reject"
    own = (await other.ask(theirs, website="one")).json()["number"]
    assert (await route(site, own, headers=auth))["pool"] == theirs
    assert (await route(site, own, headers={"authorization": f"Bearer {reader}"}))["status"] == 403
    assert (await route(site, own, headers={}))["status"] == 401


async def test_without_the_store_a_known_number_is_routed(
    site: Site, counted: CountedStore
) -> None:
    """To its pool's destination, and no more is known. Of any other the carrier asks again."""
    pool = await site.pool(2, destination=site.number(9000), whisper="From {website}")
    number = (await site.ask(pool, website="one")).json()["number"]
    await route(site, number)
    counted.away = True
    found = await route(site, number)
    assert (found["action"], found["state"]) == ("dial", "unknown")
    assert found["destination"] == site.number(9000)
    assert {"holder", "whisper", "parameters"}.isdisjoint(found)
    assert (await route(site, site.number(9999)))["status"] == 503


@pytest.mark.parametrize(("query", "field"), [({}, "number"), ({"number": "12"}, "number")])
async def test_a_number_that_is_none_is_refused(
    client: httpx.AsyncClient, query: dict[str, str], field: str
) -> None:
    """400 with the field."""
    auth = {"authorization": f"Bearer {ADMIN}"}
    answer = await client.get("/v1/route", params=query, headers=auth)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field
