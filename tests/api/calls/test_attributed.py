"""Calls, attributed: from the click to who made the call, through the whole service."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import ADMIN, Site
from tests.api.service import service
from tests.servers.process import until

AUTH = {"authorization": f"Bearer {ADMIN}"}


async def attributed(site: Site, call_id: str) -> dict[str, Any]:
    """A call, once it is attributed."""
    url = f"/v1/calls/{call_id}?account={site.account}"
    async with asyncio.timeout(60):
        while True:
            answer = await site.client.get(url, headers=site.auth)
            call: dict[str, Any] = answer.json()
            if "probability" in call:
                return call
            await asyncio.sleep(0.05)


async def tell(site: Site, call_id: str, number: str, caller: str = "") -> None:
    call = {"id": call_id, "number": number, "caller": caller}
    answer = await site.client.post("/v1/calls", json=call, headers=site.auth)
    assert answer.status_code == 200, answer.text


def test_from_click_to_attributed_call_within_five_seconds(tmp_path: Path) -> None:
    """Over HTTP, with the service as it is started, but for the administrator's token."""
    pool = {
        "account": "newspress",
        "parameters": ["website"],
        "numbers": ["+18885550101"],
        "allow_overflow": False,
    }
    with service(tmp_path) as ringpool:
        client = ringpool.client
        for path, document in (("accounts/newspress", {}), ("pools/placement", pool)):
            made = client.put(f"/admin/v1/{path}", json=document, headers=AUTH)
            made.raise_for_status()
        key = client.get("/admin/v1/pools/placement", headers=AUTH).json()["key"]
        path = "/api/v1/ring_pools/placement/allocate_number.json"
        query = {"ring_pool_key": key, "website": "one", "gclid": "Cj0"}
        began = time.monotonic()
        number = client.get(path, params=query).json()["number"]
        told = {"id": "call-1", "number": number, "caller": "+12125550177"}
        client.post("/v1/calls", json=told, headers=AUTH).raise_for_status()

        def known() -> dict[str, Any] | None:
            answer = client.get("/v1/calls/call-1", headers=AUTH)
            call: dict[str, Any] = answer.json()
            return call if answer.status_code == 200 and "probability" in call else None

        call = until(known, 5.0)
        assert time.monotonic() - began <= 5.0
        best, nobody = call["candidates"]
        assert (call["tuple"], best["why"]) == ({"website": "one"}, "click")
        assert (best["tuple"], best["first_click"]["gclid"]) == ({"website": "one"}, "Cj0")
        assert call["probability"] == best["probability"] >= 0.9
        assert nobody["why"] == "nobody"
        assert best["probability"] + nobody["probability"] == pytest.approx(1)
        (listed,) = client.get("/v1/calls", headers=AUTH).json()["calls"]
        assert (listed["tuple"], listed["probability"]) == (call["tuple"], call["probability"])
        asked = {"name": "website", "account": "newspress"}
        report = client.get("/v1/reports/parameter", params=asked, headers=AUTH).json()
        credited = next(row for row in report["rows"] if row["group"] == {"website": "one"})
        assert (credited["calls"], credited["hard_credit"]) == (1, 1)
        assert credited["soft_credit"] == pytest.approx(call["probability"], abs=0.01)
        status = client.get("/admin/v1/pools/placement/status", headers=AUTH).json()
        assert (status["attribution"]["calls"], status["attribution"]["sure_share"]) == (1, 1.0)
        assert "200 calls" in status["attribution"]["text"]


async def test_an_overflow_call_and_a_caller_who_returns(site: Site) -> None:
    """Whoever was shown the overflow number; and who called before."""
    pool = await site.pool(1)
    number = (await site.ask(pool, website="one")).json()["number"]
    overflow = (await site.ask(pool, website="two")).json()["number"]
    assert overflow == site.number(9999)
    await tell(site, "lost", overflow)
    call = await attributed(site, "lost")
    assert call["overflow"] is True
    assert {"website": "two"} in [each.get("tuple") for each in call["candidates"]]
    assert {"website": "one"} not in [each.get("tuple") for each in call["candidates"]]
    await tell(site, "first", number, "+12125550177")
    await attributed(site, "first")
    await tell(site, "again", overflow, "+12125550177")
    whys = {each["why"] for each in (await attributed(site, "again"))["candidates"]}
    assert {"returning caller", "nobody"} <= whys


async def test_attributed_calls_are_counted(site: Site) -> None:
    """By how sure it is who made them; and those that wait to be, of which there is none then."""
    pool = await site.pool(1)
    number = (await site.ask(pool, website="one")).json()["number"]
    before = await _counted(site.client)
    await tell(site, "counted", number)
    await attributed(site, "counted")
    assert await _counted(site.client) >= before + 1
    text = (await site.client.get("/metrics", headers=AUTH)).text
    assert "\nringpool_calls_waiting 0\n" in text


async def _counted(client: httpx.AsyncClient) -> float:
    text = (await client.get("/metrics", headers=AUTH)).text
    found = [
        line for line in text.splitlines() if line.startswith("ringpool_calls_attributed_total")
    ]
    assert len(found) == 3
    return sum(float(line.split()[-1]) for line in found)
