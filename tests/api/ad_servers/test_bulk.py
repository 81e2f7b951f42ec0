"""The bulk API over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from allocator.allocator import Allocator
from allocator.port import StoreUnavailable
from ringpool.catalog.snapshot import SnapshotKeeper
from tests.api.ad_servers.test_allocate_number import ignored_parameters
from tests.api.conftest import KEY, Site


def row(pool: str, query: str, **more: Any) -> dict[str, Any]:
    return {"api_suffix": f"{pool}/allocate_number.json?ring_pool_key={KEY}&{query}", **more}


async def test_rows_are_answered_in_order_and_a_bad_one_fails_alone(site: Site) -> None:
    """Each row has its answer or its own error, its request_id echoed; time in a header."""
    one, two = await site.pool(3, "one"), await site.pool(3, "two")
    rows: list[Any] = [
        row(one, "website=a", request_id="r1"),
        row(two, "website=b", request_id=2),
        row(one, f"website={'x' * 600}", request_id="r3"),
        {"api_suffix": f"{one}/allocate_number.json?ring_pool_key=wrong", "request_id": "r4"},
        row("no-such-pool", "", request_id="r5"),
        {"api_suffix": "nonsense", "request_id": "r6"},
        "no object",
        row(one, "website=a"),
        row(one, "website=%zz"),
    ]
    response = await site.client.post("/api/v1/bulk.json", json={"requests": rows})
    assert response.status_code == 200
    assert float(response.headers["processing-time"]) > 0
    answers = response.json()["responses"]
    assert [answer.get("state", answer.get("error_class")) for answer in answers] == [
        "new",
        "new",
        "InvalidParameter",
        "InvalidKey",
        "UnknownPool",
        "InvalidParameter",
        "InvalidParameter",
        "held",
        "InvalidParameter",
    ]
    assert [answer.get("request_id") for answer in answers[:6]] == ["r1", 2, "r3", "r4", "r5", "r6"]
    assert "request_id" not in answers[7]
    assert answers[0]["number"] == answers[7]["number"]
    assert answers[2]["message"].startswith("website: ")


async def test_a_thousand_rows_and_no_more(site: Site) -> None:
    """1,000 rows of one pool are answered at once, 1,001 are refused as a whole."""
    pool = await site.pool(20)
    rows = [row(pool, f"website=w{index}") for index in range(1000)]
    response = await site.client.post("/api/v1/bulk.json", json={"requests": rows})
    states = [answer["state"] for answer in response.json()["responses"]]
    assert (states.count("new"), states.count("overflow")) == (20, 980)
    response = await site.client.post("/api/v1/bulk.json", json={"requests": [*rows, rows[0]]})
    assert (response.status_code, response.text[:17]) == (400, "InvalidParameter:")


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"requests": 1}', "application/json", 400),
        (b'{"requests": []}', "text/plain", 415),
        (b" " * (4 * 1024 * 1024 + 1), "application/json", 413),
        (b"[" * 100_000, "application/json", 400),
        (b'{"requests": [%s%s]}' % (b"[" * 99_999, b"]" * 99_999), "application/json", 400),
        (b'{"requests": [{"api_suffix": "a", "request_id": "\xff"}]}', "application/json", 400),
    ],
)
async def test_a_body_that_is_no_request_is_refused(
    client: httpx.AsyncClient, content: bytes, content_type: str, status: int
) -> None:
    """Not JSON, not the shape, not the type, too long: 4xx with the reason as text."""
    response = await client.post(
        "/api/v1/bulk.json", content=content, headers={"content-type": content_type}
    )
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


async def test_the_key_in_the_head_is_checked_before_the_body_is_read(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong one is refused unread; without one, less is read."""
    pool = await site.pool()
    row = {"api_suffix": f"{pool}/allocate_number.json?website=one", "request_id": "x" * 1_100_000}
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield json.dumps({"requests": [row]}).encode()

    statuses = {}
    for key in ("no-pools-key-000000000", KEY, ""):
        headers = {"content-type": "application/json"}
        if key:
            headers["authorization"] = f"Bearer {key}"
        response = await site.client.post("/api/v1/bulk.json", content=body(), headers=headers)
        statuses[key] = (response.status_code, read)
    assert list(statuses.values()) == [(401, 0), (200, 1), (413, 2)]


async def test_no_rows_are_refused(client: httpx.AsyncClient) -> None:
    """An empty list asks for nothing: 400, which names it."""
    response = await client.post("/api/v1/bulk.json", json={"requests": []})
    assert response.status_code == 400
    assert response.text.startswith("InvalidParameter: requests: ")


async def test_a_row_needs_one_of_the_pools_parameters(site: Site) -> None:
    """A row without any is refused, and names them; one that is empty will do."""
    pool = await site.pool()
    queries = ["", "gclid=1", "param4=x", f"publisher={site.account}", "location=", "param1=a"]
    rows = [row(pool, query) for query in queries]
    response = await site.client.post("/api/v1/bulk.json", json={"requests": rows})
    answers = response.json()["responses"]
    for answer in answers[:4]:
        assert answer["error_class"] == "MissingParameter"
        assert answer["message"].startswith("website, location, path: ")
    assert [answer["state"] for answer in answers[4:]] == ["new", "new"]


async def test_a_suffix_may_be_a_longer_part_of_the_path(site: Site) -> None:
    """From the pool's id on, from ring_pools on, or the whole path with a version or a date."""
    pool = await site.pool()
    query = f"allocate_number.json?ring_pool_key={KEY}&website=a"
    starts = ["", "ring_pools/", "/ring_pools/", "/api/v1/ring_pools/"]
    starts += ["api/2014-01-01/ring_pools/", "/api/2014-01-01/ring_pools/"]
    wrong = ["/", "pools/", "/api/ring_pools/", "/api/v2/ring_pools/", "x/ring_pools/"]
    wrong += ["https://a.example/api/v1/ring_pools/"]
    rows = [{"api_suffix": f"{start}{pool}/{query}"} for start in [*starts, *wrong]]
    response = await site.client.post("/api/v1/bulk.json", json={"requests": rows})
    answers = response.json()["responses"]
    assert {answer.get("number") for answer in answers[: len(starts)]} == {answers[0]["number"]}
    assert {answer.get("error_class") for answer in answers[len(starts) :]} == {"InvalidParameter"}


async def test_what_is_ignored_of_a_row_is_named_and_counted(site: Site) -> None:
    """In the row's answer, whether it is computed or remembered."""
    pool = await site.pool()
    rows = [row(pool, "website=a&pid=7"), row(pool, "website=b")]
    for _ in range(3):
        response = await site.client.post("/api/v1/bulk.json", json={"requests": rows})
        answers = response.json()["responses"]
        assert answers[0]["ignored"] == ["pid"]
        assert "ignored" not in answers[1]
    assert await ignored_parameters(site, pool) == 3


async def test_rows_asked_again_are_counted_and_follow_the_configuration(site: Site) -> None:
    """A remembered row counts its click, echoes any request_id, and needs today's key."""
    pool = await site.pool(2)
    rows = [row(pool, "website=a", request_id=given) for given in ("x", None, {"deep": [1]})]
    for _ in range(3):
        response = await site.client.post("/api/v1/bulk.json", json={"requests": rows})
        answers = response.json()["responses"]
        assert [answer["request_id"] for answer in answers] == ["x", None, {"deep": [1]}]
    async with asyncio.timeout(60):  # clicks are written behind
        while (await site.status(pool))["held_total"] != 8:
            await asyncio.sleep(0.05)
    await site.pool(2, key="another-key-0123456789")
    response = await site.client.post("/api/v1/bulk.json", json={"requests": rows})
    assert {answer["error_class"] for answer in response.json()["responses"]} == {"InvalidKey"}


@pytest.mark.parametrize("given", ["1e999", "123456789012345678901234567890", '"a"', "null"])
async def test_a_row_that_is_none_keeps_its_id_as_written(
    client: httpx.AsyncClient, given: str
) -> None:
    """Whatever JSON its id is, numbers that no program holds included."""
    rows = f'{{"requests": [{{"request_id": {given}}}, {given}]}}'
    response = await client.post(
        "/api/v1/bulk.json", content=rows, headers={"content-type": "application/json"}
    )
    assert response.status_code == 200, response.text
    assert response.text.count(f'"request_id":{given}}}') == 1
    assert response.text.count("InvalidParameter") == 2


async def test_unknown_pools_are_looked_for_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand rows that name a thousand pools nobody has don't wait for a look each."""
    looks = 0
    look = SnapshotKeeper._look

    async def counted(keeper: SnapshotKeeper) -> None:
        nonlocal looks
        looks += 1
        await look(keeper)

    monkeypatch.setattr(SnapshotKeeper, "_look", counted)
    rows = [{"api_suffix": f"nobody-{n}/allocate_number.json?a=1"} for n in range(1000)]
    answer = await site.client.post("/api/v1/bulk.json", json={"requests": rows})
    classes = {row["error_class"] for row in answer.json()["responses"]}
    assert classes == {"UnknownPool"}
    assert looks == 1


async def test_rows_that_need_no_store_are_answered_without_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Remembered rows and bad ones have their answers; 503 is only for when no row has one."""
    pool = await site.pool(3)
    for _ in range(2):
        await site.client.post(
            "/api/v1/bulk.json", json={"requests": [row(pool, "website=a"), row(pool, "path=b")]}
        )

    async def away(*_args: Any) -> Any:
        raise StoreUnavailable

    monkeypatch.setattr(Allocator, "allocate", away)
    rows = [
        row(pool, "website=new"),
        row(pool, "website=a"),
        row(pool, "path=b&nobody=1"),
        {"api_suffix": "nonsense"},
    ]
    response = await site.client.post("/api/v1/bulk.json", json={"requests": rows})
    assert response.status_code == 200
    assert [
        answer.get("state", answer.get("error_class")) for answer in response.json()["responses"]
    ] == ["StoreUnavailable", "held", "held", "InvalidParameter"]
    response = await site.client.post("/api/v1/bulk.json", json={"requests": rows[:1]})
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
