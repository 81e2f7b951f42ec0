"""The numbers that pages ask for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime

import pytest

from allocator.port import Argument, Store
from allocator.scripts import Script
from api.app import create_app
from ringpool.settings import Settings
from tests.api.conftest import Site, running

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


async def test_a_page_gets_its_number(site: Site) -> None:
    """Every field that the script writes numbers with, for each target of the account."""
    target = site.number(8000)
    pool = await site.pool(swap_targets=[target])
    response = await site.swap(url="https://shop.example/?website=one&location=top")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["access-control-allow-origin"] == "*"
    assert "set-cookie" not in response.headers
    (entry,) = response.json()["swaps"]
    number = entry["number"]
    area, exchange, line = number[2:5], number[5:8], number[8:]
    assert entry["target"] == target
    assert entry["national"] == entry["display"] == f"({area}) {exchange}-{line}"
    assert entry["international"] == f"+1 {area}-{exchange}-{line}"
    assert (entry["cc"], entry["state"], entry["pool"]) == ("1", "new", pool)
    assert 0 < entry["hold_ms"] <= 600_000
    report = await site.client.get(f"/admin/v1/numbers/{number}", headers=site.auth)
    assert report.json()["holder"]["tuple"] == {"website": "one", "location": "top", "path": "/"}


@pytest.mark.parametrize(
    "headers",
    [
        {"user-agent": GOOGLEBOT},
        {"user-agent": "facebookexternalhit/1.1"},
        {"user-agent": "WhatsApp/2.23"},
        {"sec-purpose": "prefetch;prerender"},
        {"purpose": "prefetch"},
        {"x-moz": "prefetch"},
        {"x-purpose": "preview"},
    ],
)
async def test_crawlers_and_previews_take_nothing(site: Site, headers: dict[str, str]) -> None:
    """They see the page's own number, and the pool stays as it is."""
    pool = await site.pool(swap_targets=[site.number(8000)])
    answer = (await site.swap(headers)).json()
    assert (answer["swaps"], answer["none"][0]["reason"]) == ([], "not_a_visitor")
    assert (await site.status(pool))["unassigned"] == 5


async def test_a_pool_that_gives_none_says_why(site: Site) -> None:
    """Exhausted without overflow, and a visitor pool without a visitor."""
    target = site.number(8000)
    await site.pool(1, allow_overflow=False, swap_targets=[target])
    await site.swap(url="https://a.example/?website=1")
    answer = (await site.swap(url="https://a.example/?website=2")).json()
    assert answer["none"] == [
        {"target": target, "reason": "exhausted", "pool": f"{site.account}-pool"}
    ]
    await site.pool(1, "visitors", type="visitor", swap_targets=[site.number(8001)])
    answer = (await site.swap(targets=site.number(8001))).json()
    assert answer["none"][0]["reason"] == "invalid_parameter"
    assert answer["none"][0]["message"].startswith("visitor: ")


async def test_a_page_without_what_the_pool_requires_keeps_its_number(site: Site) -> None:
    """The answer names what is missing, and nothing is taken."""
    target = site.number(8000)
    pool = await site.pool(require="any", parameters=["website", "location"], swap_targets=[target])
    answer = (await site.swap(url="https://a.example/?gclid=1")).json()
    assert answer["swaps"] == []
    assert answer["none"][0]["reason"] == "missing_parameter"
    assert answer["none"][0]["message"].startswith("website, location: ")
    assert (await site.status(pool))["unassigned"] == 5
    answer = (await site.swap(url="https://a.example/?website=1")).json()
    assert answer["swaps"][0]["state"] == "new"


class Slow:
    """A store whose answers take 0.2 s to arrive."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> bytes:
        answer = await self._store.run(script, keys, args)
        await asyncio.sleep(0.2)
        return answer

    async def ping(self) -> None:
        await self._store.ping()

    async def aclose(self) -> None:
        await self._store.aclose()


async def test_what_a_returning_visitor_is_shown_is_promised(site: Site) -> None:
    """Whenever they come: the number is nobody else's while they read it, without any setting."""
    await site.pool(1, swap_targets=[site.number(8000)], min_duration="3s")
    began = time.monotonic()
    states = set()
    while time.monotonic() < began + 4:
        (mine,) = (await site.swap(url="https://a.example/?website=mine")).json()["swaps"]
        (other,) = (await site.swap(url="https://a.example/?website=other")).json()["swaps"]
        until = datetime.fromisoformat(mine["guaranteed_until"]).timestamp()
        assert mine["hold_ms"] > 2_000, "7/8 of 3 s, and what a busy machine takes"
        assert until > time.time()
        assert mine["keep"]
        assert (other["state"], other["hold_ms"]) == ("overflow", 0)
        states.add(mine["state"])
    assert states == {"new", "held"}


async def test_a_number_is_promised_no_longer_than_its_guarantee(
    site: Site, settings: Settings, valkey_store: Store
) -> None:
    """From the request on, also where the store's answer came late and is repeated since."""
    await site.pool(swap_targets=[site.number(8000)])
    query = {"account": site.account, "url": "https://a.example/?website=1"}
    await site.swap(**query)
    async with running(create_app(settings, store=Slow(valkey_store))) as worker:
        for _ in range(3):
            asked = time.time() * 1000
            (swap,) = (await worker.get("/v1/swap", params=query)).json()["swaps"]
            until = datetime.fromisoformat(swap["guaranteed_until"]).timestamp() * 1000
            assert swap["state"] == "held"
            assert asked + swap["hold_ms"] <= until + 1


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ({"account": ""}, 400, "MissingParameter"),
        ({"account": "nobody"}, 404, "UnknownAccount"),
        ({"pool": "nobodys"}, 404, "UnknownPool"),
        ({"visitor": "<b>"}, 400, "InvalidParameter"),
        ({"visitor": "v" * 129}, 400, "InvalidParameter"),
        ({"targets": "abc"}, 400, "InvalidParameter"),
        ({"targets": ",".join(["+18005550100"] * 101)}, 400, "InvalidParameter"),
    ],
)
async def test_bad_input_is_named(
    site: Site, query: dict[str, str], status: int, kind: str
) -> None:
    """Each refusal has a class and a message, and no swaps."""
    await site.pool(swap_targets=[site.number(8000)])
    response = await site.swap(**query)
    assert (response.status_code, response.json()["error"]["class"]) == (status, kind)
    assert response.json()["swaps"] == []
