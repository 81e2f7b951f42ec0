"""What one address can get of a pool, over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from allocator.port import Store
from api.app import create_app
from ringpool.settings import Settings
from tests.api.conftest import KEY, Site, let_guarantees_end, running

TUPLES = 10_000
GREEDY = {"x-forwarded-for": "9.9.9.9"}
VISITOR = {"x-forwarded-for": "8.8.8.8"}


@pytest.fixture
async def client(settings: Settings, valkey_store: Store) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is a trusted proxy."""
    behind_proxy = replace(settings, trusted_proxies=("127.0.0.1",))
    async with running(create_app(behind_proxy, store=valkey_store)) as client:
        yield client


async def reasons(site: Site, headers: dict[str, str], *websites: str) -> list[str]:
    """For each website the state of the answer, or the reason that there is none."""
    found = []
    for website in websites:
        answer = (await site.swap(headers, url=f"https://p.example/?website={website}")).json()
        found += [swap["state"] for swap in answer["swaps"]]
        found += [none["reason"] for none in answer["none"]] if "none" in answer else []
    return found


async def metric(site: Site, name: str, pool: str, more: str = "") -> float:
    text = await site.metrics()
    return float(text.split(f'{name}{{pool="{pool}"{more}}} ')[1].split("\n")[0])


@pytest.mark.timeout(120)
async def test_one_address_holds_its_share_whatever_it_asks(site: Site) -> None:
    """10,000 tuples by swap, by link and by the number API without the key; others get numbers."""
    pool = await site.pool(
        100, swap_targets=[site.number(8000)], budget={"rate": 0}, parameters=["website"]
    )
    get = site.client.get

    async def one(place: int) -> None:
        match place % 3:
            case 0:
                page = f"https://p.example/?website=w{place}"
                await get("/v1/swap", params={"account": site.account, "url": page}, headers=GREEDY)
            case 1:
                await get(f"/t/{pool}?website=w{place}", headers=GREEDY)
            case _:
                path = f"/api/v1/ring_pools/{pool}/allocate_number.json?website=w{place}"
                assert (await get(path, headers=GREEDY)).status_code == 401

    for start in range(0, TUPLES, 50):
        await asyncio.gather(*(one(place) for place in range(start, start + 50)))
    status = await site.status(pool)
    assert (status["held"], status["unassigned"], status["overflow_total"]) == (20, 80, 0)
    refused = len([place for place in range(TUPLES) if place % 3 != 2]) - 20
    assert status["budget_refused_total"] == refused
    counted = await metric(site, "ringpool_pool_refusals_total", pool, ',reason="budget"')
    assert counted == refused
    assert await reasons(site, VISITOR, "mine") == ["new"]
    assert await reasons(site, GREEDY, "mine", "another") == ["held", "budget"]
    link = await get(f"/t/{pool}?website=another", headers=GREEDY)
    assert (link.status_code, "rp_number" in link.headers["location"]) == (302, False)


async def test_one_connection_empties_no_pool_of_a_thousand(site: Site) -> None:
    """With the default budget and an ``Origin`` that the account allows, as anyone can forge it."""
    await site.make_account(origins=["https://p.example"])
    pool = await site.pool(1_000, swap_targets=[site.number(8000)], parameters=["website"])
    forged = {**GREEDY, "origin": "https://p.example"}
    begun = time.monotonic()
    pages = [f"https://p.example/?website=w{place}" for place in range(400)]
    for start in range(0, len(pages), 50):
        await asyncio.gather(*(site.swap(forged, url=page) for page in pages[start : start + 50]))
    status = await site.status(pool)
    # A minute's worth, and one more each second.
    assert 60 <= status["held"] <= 61 + time.monotonic() - begun
    assert status["budget_refused_total"] == 400 - status["held"]
    assert await reasons(site, {**VISITOR, "origin": "https://p.example"}, "mine") == ["new"]


async def test_image_tags_of_tracking_links_empty_no_pool(site: Site) -> None:
    """Which any page may have, in any visitor's browser: each network holds its share."""
    pool = await site.pool(50, parameters=["website"])
    image = {"sec-fetch-dest": "image", "sec-fetch-site": "cross-site", "accept": "image/*"}
    for place in range(30):
        tag = await site.client.get(f"/t/{pool}?website=w{place}", headers={**GREEDY, **image})
        assert (tag.status_code, "rp_number" in tag.headers["location"]) == (302, place < 10)
    assert (await site.status(pool))["held"] == 10


async def test_pings_hold_nothing_that_was_not_given(site: Site, valkey_store: Store) -> None:
    """Who knows all tuples of a pool can't hold its numbers that are due."""
    pool = await site.pool(
        6, swap_targets=[site.number(8000)], parameters=["website"], hold_on_activity="1h"
    )
    assert await reasons(site, VISITOR, *"abcde") == ["new"] * 5
    await let_guarantees_end(valkey_store, pool)
    for website in "abcde":
        page = {"account": site.account, "url": f"https://p.example/?website={website}"}
        for headers in (GREEDY, VISITOR, {}):
            ping = await site.client.get("/v1/ping", params=page, headers=headers)
            assert ping.status_code == 204
    assert (await site.status(pool))["held"] == 0


async def test_who_has_the_key_is_exempt_and_may_have_a_rate(site: Site) -> None:
    """The number API and its bulk form; over the key's rate the state is none."""
    pool = await site.pool(50, budget={"share": 10, "least": 1}, parameters=["website"])
    states = [(await site.ask(pool, website=f"w{n}")).json()["state"] for n in range(8)]
    assert states == ["new"] * 8
    await site.pool(50, budget={"key_rate": 3}, parameters=["website"])
    states = [(await site.ask(pool, website=f"v{n}")).json()["state"] for n in range(2)]
    row = f"{pool}/allocate_number.json?ring_pool_key={KEY}&website="
    rows = {"requests": [{"api_suffix": f"{row}u{n}"} for n in range(3)]}
    bulk = (await site.client.post("/api/v1/bulk.json", json=rows)).json()["responses"]
    states += [each["state"] for each in bulk]
    assert Counter(states) == {"new": 3, "none": 2}


async def test_a_rate_and_no_budget(site: Site) -> None:
    """Pages of one network begin so many a minute; a pool may turn it all off."""
    target = site.number(8000)
    rate = {"share": 0, "rate": 2}
    await site.pool(20, swap_targets=[target], budget=rate, parameters=["website"])
    assert await reasons(site, GREEDY, "a", "b", "c") == ["new", "new", "budget"]
    off = {"share": 0, "rate": 0}
    await site.pool(20, swap_targets=[target], budget=off, parameters=["website"])
    assert await reasons(site, GREEDY, *"cdefghij") == ["new"] * 8


async def test_an_unknown_network_is_counted(site: Site) -> None:
    """A private address behind the proxy is one that nobody named: no budget, but a count."""
    pool = await site.pool(10, swap_targets=[site.number(8000)], budget={"share": 1, "least": 1})
    private = {"x-forwarded-for": "10.0.0.7"}
    assert await reasons(site, private, "a", "b", "c") == ["new"] * 3
    assert await metric(site, "ringpool_pool_unbudgeted_total", pool) == 3


async def test_explain_tells_what_then_happens(site: Site, valkey_store: Store) -> None:
    """For the network that is over its budget, for another, and when it is over."""
    pool = await site.pool(
        10,
        swap_targets=[site.number(8000)],
        budget={"share": 10, "least": 1},
        parameters=["website"],
    )

    async def explained(address: str) -> dict[str, Any]:
        query = {"account": site.account, "url": "https://p.example/?website=b", "address": address}
        reply = await site.client.get("/admin/v1/explain", params=query, headers=site.auth)
        target: dict[str, Any] = reply.json()["targets"][0]
        return target

    assert await reasons(site, GREEDY, "a") == ["new"]
    refused = await explained("9.9.9.77")
    assert (refused["state"], refused["reason"]) == ("none", "budget")
    assert await reasons(site, GREEDY, "b") == ["budget"]
    await let_guarantees_end(valkey_store, pool)
    told = await explained("9.9.9.9")
    answer = (await site.swap(GREEDY, url="https://p.example/?website=b")).json()["swaps"][0]
    assert (told["state"], told["number"]) == (answer["state"], answer["number"])


async def test_a_server_tells_whose_budget_it_is(site: Site) -> None:
    """With its account's key: that of the address it gives, none without one."""
    key = "server-key-0123456789abcdef"
    await site.make_account(api_keys=[key + site.account])
    await site.pool(10, swap_targets=[site.number(8000)], budget={"share": 10, "least": 1})
    bearer = {"authorization": f"Bearer {key}{site.account}"}

    async def state(website: str, **more: str) -> str:
        page = f"https://p.example/?website={website}"
        answer = (await site.swap(bearer, url=page, **more)).json()
        text: str = answer["swaps"][0]["state"] if answer["swaps"] else answer["none"][0]["reason"]
        return text

    agent = {"agent": "Mozilla/5.0"}
    assert [await state(w, address="9.9.9.9", **agent) for w in "ab"] == ["new", "budget"]
    assert [await state(w, **agent) for w in "cd"] == ["new", "new"]


async def test_only_values_that_the_pool_names_get_numbers(site: Site) -> None:
    """By a list or a pattern; others keep the page's own number, everywhere, and take nothing."""
    pool = await site.pool(
        10,
        swap_targets=[site.number(8000)],
        parameters=["website", "path"],
        values={"website": ["one", "two"], "path": {"pattern": "^/offers/"}},
    )

    async def get(page: str) -> dict[str, Any]:
        answer: dict[str, Any] = (await site.swap(GREEDY, url=f"https://p.example{page}")).json()
        return answer

    assert (await get("/offers/?website=one"))["swaps"][0]["state"] == "new"
    assert (await get("/offers/x"))["swaps"][0]["state"] == "new"  # without the parameter
    for page in ("/offers/?website=three", "/other?website=one", "/offers/?website="):
        (none,) = (await get(page))["none"]
        assert none["reason"] == "unknown_value"
        assert "none of the pool's values" in none["message"]
    link = await site.client.get(f"/t/{pool}?website=three&path=/offers/", headers=GREEDY)
    assert (link.status_code, "rp_number" in link.headers["location"]) == (302, False)
    asked = await site.ask(pool, website="three", path="/offers/")
    assert (asked.status_code, "website" in asked.text) == (400, True)
    assert (await site.status(pool))["unassigned"] == 8
    query = {"account": site.account, "url": "https://p.example/offers/?website=three"}
    told = await site.client.get("/admin/v1/explain", params=query, headers=site.auth)
    assert told.json()["targets"][0]["reason"] == "unknown_value"


async def test_a_ping_begins_no_guarantee_beyond_the_budget(
    site: Site, valkey_store: Store
) -> None:
    """Numbers that a network let lapse aren't held again beside those that it took meanwhile."""
    pool = await site.pool(
        10,
        swap_targets=[site.number(8000)],
        parameters=["website"],
        budget={"share": 10, "least": 1},
        hold_on_activity="30m",
    )

    async def held_after_ping(headers: dict[str, str], keep: str = "") -> int:
        page = "https://p.example/?website=a"
        query = {"account": site.account, "url": page, "held": keep}
        ping = await site.client.get("/v1/ping", params=query, headers=headers)
        assert ping.status_code == 204
        held: int = (await site.status(pool))["held"]
        return held

    (given,) = (await site.swap(GREEDY, url="https://p.example/?website=a")).json()["swaps"]
    await let_guarantees_end(valkey_store, pool)
    assert await reasons(site, GREEDY, "b") == ["new"]
    assert await held_after_ping(GREEDY, given["keep"]) == 1
    assert await held_after_ping(VISITOR) == 1
    assert await held_after_ping(VISITOR, given["keep"]) == 2
