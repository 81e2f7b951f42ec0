"""What happened in a pool, and its size by that, over HTTP."""

from __future__ import annotations

import time

import pytest

from allocator.allocator import Allocator
from allocator.answers import Ask
from allocator.port import Store
from tests.api.conftest import Site

HOUR_MS = 3_600_000


async def lived(site: Site, store: Store, hours: int = 8) -> tuple[str, int]:
    """A pool that was asked for some hours, by 60 new tuples an hour, and when that began.

    Its clock is ahead, at the beginning of the hour after these.
    """
    pool = await site.pool(12, min_duration="10m")
    begun = int(time.time() * 1000) // HOUR_MS * HOUR_MS + HOUR_MS
    allocator = Allocator(store)
    for minute in range(hours * 60 + 1):
        asks = [Ask(f"website={minute}"), Ask(f"website={minute}")]
        await allocator.allocate(pool, asks, now_ms=begun + minute * 60_000 + 1)
    return pool, begun


async def test_minutes_and_hours_are_read_page_by_page(site: Site, valkey_store: Store) -> None:
    """From a time on, or the last ones; the oldest first."""
    pool, begun = await lived(site, valkey_store)
    path = f"/admin/v1/pools/{pool}/series"

    async def read(**query: object) -> dict[str, object]:
        found = await site.client.get(path, params=query, headers=site.auth)  # type: ignore[arg-type]
        assert found.status_code == 200, found.text
        document: dict[str, object] = found.json()
        return document

    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begun / 1000))
    hours = await read(**{"unit": "hour", "from": at, "limit": 3})
    assert hours["begun"] == at
    rows = hours["rows"]
    assert isinstance(rows, list)
    assert rows[0]["start"] == at
    assert [(row["asks"], row["new"] + row["recycled"]) for row in rows] == [(120, 60)] * 3
    following = await read(**{"unit": "hour", "from": hours["next"], "limit": 100})
    rows = following["rows"]
    assert isinstance(rows, list)
    assert "next" not in following
    assert [row["asks"] for row in rows] == [120] * 5 + [2]
    minutes = await read(**{"from": at, "limit": 2})
    rows = minutes["rows"]
    assert isinstance(rows, list)
    assert [(row["asks"], row["new"], row["peak_held"]) for row in rows] == [(2, 1, 1), (2, 1, 2)]
    assert len((await read())["rows"]) == 60  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"unit": "day"}, "unit"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1441"}, "limit"),
        ({"limit": "٣"}, "limit"),
        ({"from": "yesterday"}, "from"),
    ],
)
async def test_what_can_not_be_read_is_named(site: Site, query: dict[str, str], field: str) -> None:
    """A 400 with the parameter."""
    pool = await site.pool(1)
    path = f"/admin/v1/pools/{pool}/series"
    response = await site.client.get(path, params=query, headers=site.auth)
    assert response.status_code == 400, response.text
    assert response.json()["errors"][0]["field"] == field


async def test_its_size_is_asked_as_it_saw_it(site: Site, valkey_store: Store) -> None:
    """What isn't given is from its rules and its busiest hour; the status says what comes of it."""
    pool, _ = await lived(site, valkey_store)
    path = f"/admin/v1/pools/{pool}/size"
    found = (await site.client.get(path, headers=site.auth)).json()
    assert found["question"] == {
        "min_duration": "10m",
        "renewed": "1",
        "clicks": "120/h",
        "distinct": "0.5",
    }
    assert (found["sizing"]["load"], found["sizing"]["needed"], found["hours"]) == (
        pytest.approx(10),
        18,
        1.0,
    )
    other = {"overflow": "0.05", "clicks": "240/h"}
    found = (await site.client.get(path, params=other, headers=site.auth)).json()
    assert (found["sizing"]["load"], found["sizing"]["needed"]) == (pytest.approx(20), 26)
    sizing = (await site.status(pool))["sizing"]
    assert (sizing["fit"], sizing["needed"]) == ("too_small", 18)
    assert "Too small: 6 more numbers would bring overflow" in sizing["text"]
    fresh = await site.pool(2, name="fresh")
    refused = await site.client.get(f"/admin/v1/pools/{fresh}/size", headers=site.auth)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "clicks")
    assert (await site.status(fresh))["sizing"]["fit"] == "unknown"
