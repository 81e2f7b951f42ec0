"""Numbers local to the visitor, over HTTP: by the header that a trusted proxy sets."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from allocator.allocator import Allocator
from allocator.answers import Ask
from allocator.port import Store
from api.app import create_app
from ringpool.settings import Settings
from tests.api.conftest import ADMIN, Site, running, sent_on

PAGE = "https://shop.example/?website=one"
TARGET = "+18005550100"


class Town:
    """A site behind a proxy that tells areas, with numbers that no other test has."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._next = int(site.account[2:8], 16) % 79_000

    def numbers(self, area: str, count: int) -> list[str]:
        """Numbers of one area, valid ones."""
        self._next += count
        first = 2_000_000 + (self._next * 71) % 7_900_000
        return [f"{area}{first + place:07d}" for place in range(count)]

    async def pool(self, numbers: list[str], name: str = "local", **more: Any) -> str:
        """A pool of these numbers that replaces the target."""
        (overflow,) = self.numbers("+1303", 1)
        return await self.site.pool(
            name=name,
            **{
                "numbers": numbers,
                "parameters": ["website"],
                "overflow_number": overflow,
                "match": "area",
                "swap_targets": [TARGET],
            }
            | more,
        )

    async def entry(self, area: str | None = None, page: str = PAGE, **query: str) -> Any:
        """What a visitor of an area gets for the target."""
        headers = {} if area is None else {"x-visitor-area": area}
        answer = (await self.site.swap(headers, url=page, **query)).json()
        return answer["swaps"][0]

    async def holder(self, number: str) -> dict[str, str]:
        """The tuple that holds a number, as the number report tells it."""
        reply = await self.site.client.get(f"/admin/v1/numbers/{number}", headers=self.site.auth)
        found: dict[str, str] = reply.json()["holder"]["tuple"]
        return found

    async def explained(self, **query: str) -> Any:
        """What is foretold of the target."""
        query = {"account": self.site.account, "url": PAGE, **query}
        reply = await self.site.client.get(
            "/admin/v1/explain", params=query, headers=self.site.auth
        )
        assert reply.status_code == 200, reply.text
        return reply.json()["targets"][0]


@pytest.fixture
async def town(tmp_path: Path, valkey_store: Store, unique: str) -> AsyncIterator[Town]:
    """A site whose proxy tells country and area."""
    settings = Settings(
        data_dir=tmp_path,
        admin_token=ADMIN,
        trusted_proxies=("127.0.0.0/8",),
        country_header="x-visitor-country",
        area_header="x-visitor-area",
    )
    async with running(create_app(settings, store=valkey_store)) as client:
        site = Site(client, unique, f"7{int(unique[2:8], 16) % 90000 + 10000:05d}")
        await site.make_account()
        yield Town(site)


async def test_two_areas_have_numbers_of_their_own(town: Town) -> None:
    """With the same parameters, at the same time; who is elsewhere gets a general number."""
    new_york, los_angeles = town.numbers("+1212", 2), town.numbers("+1213", 2)
    general = town.numbers("+1888", 2)
    await town.pool([*new_york, *los_angeles, *general])
    for _ in range(3):  # remembered answers are kept apart too
        first = await town.entry("212,646")
        second = await town.entry("213")
        other = await town.entry("312")
        nowhere = await town.entry()
        assert first["number"] in new_york
        assert second["number"] in los_angeles
        assert other["number"] == nowhere["number"]
        assert nowhere["number"] in general
    assert await town.holder(first["number"]) == {"website": "one", "area": "+1212"}
    assert await town.holder(second["number"]) == {"website": "one", "area": "+1213"}
    assert await town.holder(nowhere["number"]) == {"website": "one"}
    call = {"id": "c", "number": first["number"]}
    credit = await town.site.client.post("/admin/v1/calls", json=call, headers=town.site.auth)
    assert credit.json()["tuple"] == {"website": "one", "area": "+1212"}


async def test_the_first_code_that_the_pool_has_counts(town: Town) -> None:
    """The same tuple whatever other codes are told; a number of any of them is local."""
    first, second = town.numbers("+1212", 1), town.numbers("+1646", 1)
    await town.pool([*first, *second, *town.numbers("+1888", 2)])
    given = (await town.entry("917,212,646"))["number"]
    assert given == first[0] == (await town.entry("212"))["number"]
    neighbour = await town.entry("212,646", "https://shop.example/?website=two")
    assert neighbour["number"] == second[0]
    assert await town.holder(second[0]) == {"website": "two", "area": "+1212"}


@pytest.mark.parametrize(
    "told", ["", "x", "212;646", "212,", "-1", "212 646", "9" * 300, "é", "１"]
)
async def test_garbage_is_no_area(town: Town, told: str) -> None:
    """The visitor gets what everybody gets."""
    await town.pool([*town.numbers("+1212", 1), *(general := town.numbers("+1888", 1))])
    headers = {"x-visitor-area": told.encode()}
    query = {"account": town.site.account, "url": PAGE}
    answer = (await town.site.client.get("/v1/swap", params=query, headers=headers)).json()
    assert answer["swaps"][0]["number"] == general[0]


async def test_only_a_trusted_proxy_is_believed(town: Town) -> None:
    """Not a visitor's own header, and not two that differ."""
    await town.pool([*(local := town.numbers("+1212", 1)), *(general := town.numbers("+1888", 1))])
    assert (await town.entry("212"))["number"] == local[0]
    twice = [("x-visitor-area", "212"), ("x-visitor-area", "213")]
    query = {"account": town.site.account, "url": PAGE}
    answer = (await town.site.client.get("/v1/swap", params=query, headers=twice)).json()
    assert answer["swaps"][0]["number"] == general[0]
    transport: Any = town.site.client._transport
    transport.client = ("203.0.113.9", 123)
    assert (await town.entry("212"))["number"] == general[0]


async def test_a_code_is_of_the_visitors_country(town: Town) -> None:
    """212 is Solingen too; with its calling code it is one of the two without a country."""
    await town.pool([*(local := town.numbers("+1212", 1)), *(general := town.numbers("+1888", 1))])
    found = {}
    for country in ("US", "DE"):
        headers = {"x-visitor-area": "212", "x-visitor-country": country}
        answer = (await town.site.swap(headers, url=PAGE)).json()
        found[country] = answer["swaps"][0]["number"]
    assert found == {"US": local[0], "DE": general[0]}
    assert (await town.entry("+1212"))["number"] == local[0]


async def test_a_tracking_link_and_its_ping(town: Town) -> None:
    """The link's number is local, its answers are remembered apart, its tuple has the area."""
    new_york, general = town.numbers("+1212", 1), town.numbers("+1888", 1)
    pool = await town.pool([*new_york, *general], hold_on_activity="1h")
    for _ in range(2):
        for area, number in (("212", new_york[0]), ("312", general[0])):
            link = await town.site.client.get(
                f"/t/{pool}?website=w", headers={"x-visitor-area": area}
            )
            assert sent_on(link)["rp_number"] == [number]
    assert await town.holder(new_york[0]) == {"website": "w", "area": "+1212"}
    before = (await town.site.status(pool))["held_total"]
    page = {"account": town.site.account, "url": link.headers["location"]}
    reply = await town.site.client.get("/v1/ping", params=page, headers={"x-visitor-area": "212"})
    assert reply.status_code == 204
    assert (await town.site.status(pool))["held_total"] == before  # a ping is no click


async def test_a_stock_sends_a_local_number(town: Town) -> None:
    """Where it has one, though the pool has general ones; a stock's edit brings new areas."""
    site = town.site
    stock = f"{site.account}-s"
    mixed = [*town.numbers("+1888", 2), *(local := town.numbers("+1212", 2))]
    url = f"/admin/v1/stocks/{stock}"
    body = {"account": site.account, "numbers": mixed}
    assert (await site.client.put(url, json=body, headers=site.auth)).status_code == 201
    general = town.numbers("+1877", 1)
    pool = await town.pool(general, stock=stock, min_duration="1h")
    foretold = await town.explained(area="212")
    assert (foretold["state"], foretold.get("number")) == ("new", None)
    first = await town.entry("212")
    assert (first["state"], first["number"] in local) == ("new", True)
    assert (await town.entry())["number"] == general[0]
    chicago = town.numbers("+1312", 1)
    added = {"numbers": [*mixed, *chicago]}
    assert (await site.client.patch(url, json=added, headers=site.auth)).status_code == 200
    assert (await town.entry("312"))["number"] == chicago[0]
    # The last of an area goes to another traffic source of it; then general ones are given.
    second = await town.entry("212", "https://shop.example/?website=two")
    assert {first["number"], second["number"]} == {*local}
    third = await town.entry("212", "https://shop.example/?website=three")
    assert third["number"] in mixed[:2]
    assert await town.holder(third["number"]) == {"website": "three", "area": "+1212"}
    assert (await site.status(pool))["new_total"] == 5


async def test_match_can_be_set_and_taken_back(town: Town) -> None:
    """On a pool with numbers: from then on they go by area, or don't."""
    site = town.site
    numbers = [*town.numbers("+1888", 3), *(local := town.numbers("+1212", 2))]
    pool = await town.pool(numbers, match=None)
    first = await town.entry("212")
    assert first["number"] == (await town.entry())["number"] == min(numbers)
    assert await town.holder(first["number"]) == {"website": "one"}
    url = f"/admin/v1/pools/{pool}"
    patch = {"match": "area"}
    assert (await site.client.patch(url, json=patch, headers=site.auth)).status_code == 200
    pages = [f"https://shop.example/?website={website}" for website in ("two", "three", "one")]
    assert (await town.entry("212", pages[0]))["number"] == local[1]
    assert (await town.entry(page=pages[1]))["number"] == numbers[0]
    assert (await town.entry())["number"] == first["number"]
    patch = {"match": None}
    assert (await site.client.patch(url, json=patch, headers=site.auth)).status_code == 200
    assert (await town.entry("212"))["number"] == first["number"]


async def test_who_comes_back_from_elsewhere(town: Town) -> None:
    """Is another traffic source, unless the pool is sticky."""
    numbers = [*town.numbers("+1212", 1), *town.numbers("+1213", 1), *town.numbers("+1888", 1)]
    pool = await town.pool(numbers, sticky=True)
    first = await town.entry("212")
    assert (await town.entry("213"))["number"] == numbers[1]
    kept = await town.entry("213", held=first["keep"])
    assert (kept["number"], kept["state"]) == (numbers[0], "held")
    assert (await town.site.status(pool))["new_total"] == 2


async def test_faults_name_their_field(town: Town) -> None:
    """A static pool, an unknown value, a parameter of that name, a code that is none."""
    site = town.site
    for name, more, field in (
        ("a", {"match": "city", "parameters": ["p"]}, "match"),
        ("b", {"match": "area", "type": "static", "numbers": town.numbers("+1212", 1)}, "match"),
        ("c", {"match": "area", "parameters": ["p", "Area"]}, "parameters[1]"),
    ):
        body = {"account": site.account, "allow_overflow": False, **more}
        reply = await site.client.put(
            f"/admin/v1/pools/{site.account}-{name}", json=body, headers=site.auth
        )
        assert reply.status_code == 422
        assert [error["field"] for error in reply.json()["errors"]] == [field]
    query = {"account": site.account, "area": "New York"}
    reply = await site.client.get("/admin/v1/explain", params=query, headers=site.auth)
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (400, "area")


async def test_explain_foretells_what_happens(town: Town, valkey_store: Store) -> None:
    """State, number and tuple of 300 visits from everywhere, until all numbers are taken."""
    numbers = [*town.numbers("+1212", 4), *town.numbers("+1213", 3), *town.numbers("+1888", 4)]
    # So short that no worker answers from its memory; the pool's clock stands, ahead of it.
    pool = await town.pool(numbers, min_duration="1s")
    allocator, now = Allocator(valkey_store), int(time.time() * 1000)
    drawn, states = random.Random(9), set[str]()
    for place in range(300):
        if place % 60 == 0:
            now += 3_600_000
            await allocator.touch(pool, [Ask("nobody")], now_ms=now)
        area = drawn.choice(("", "212", "213,212", "312", "646,213"))
        url = f"https://shop.example/?website={drawn.randrange(30)}"
        told = {"area": area} if area else {}
        foretold = await town.explained(url=url, **told)
        given = await town.entry(area or None, url)
        assert (given["state"], given["number"]) == (foretold["state"], foretold["number"])
        if given["state"] != "overflow":
            assert await town.holder(given["number"]) == foretold["tuple"]
        states.add(given["state"])
    assert states == {"new", "held", "recycled", "overflow"}
