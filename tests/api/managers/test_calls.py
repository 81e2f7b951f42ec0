"""Inbound calls, credited to the holder of the number."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.conftest import ADMIN, Site


async def test_a_call_is_credited_once(site: Site) -> None:
    """The answer names the tuple; the same id doesn't count again; overflow calls are counted."""
    pool = await site.pool(1)
    number = (await site.ask(pool, website="one")).json()["number"]
    call = {"id": f"{pool}-1", "number": number, "caller": "+12015550123"}
    first = (await site.client.post("/admin/v1/calls", json=call, headers=site.auth)).json()
    again = (await site.client.post("/admin/v1/calls", json=call, headers=site.auth)).json()
    assert (first["counted"], first["pool"], first["tuple"]) == (True, pool, {"website": "one"})
    assert again["counted"] is False
    lost = {"id": f"{pool}-2", "number": site.number(9999)}
    credit = (await site.client.post("/admin/v1/calls", json=lost, headers=site.auth)).json()
    assert (credit["overflow"], credit["pool"]) == (True, pool)
    status = await site.status(pool)
    assert (status["calls_total"], status["overflow_calls_total"]) == (1, 1)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        ({"number": "+18005550100"}, "document"),
        ({"id": "", "number": "+18005550100"}, "id"),
        ({"id": "1", "number": "12"}, "number"),
        ({"id": "1", "number": "+18005550100", "started_at": "noon"}, "started_at"),
        ({"id": "1", "number": "+18005550100", "started_at": "2026-01-01T00:00:00"}, "started_at"),
        ({"id": "1", "number": "+18005550100", "duration_seconds": -1}, "duration_seconds"),
        ({"id": "1", "number": "+18005550100", "color": "red"}, "document"),
    ],
)
async def test_a_call_that_cannot_be_understood_is_refused(
    client: httpx.AsyncClient, call: dict[str, Any], field: str
) -> None:
    """422 with the field."""
    auth = {"authorization": f"Bearer {ADMIN}"}
    response = await client.post("/admin/v1/calls", json=call, headers=auth)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


async def test_a_call_before_1970_is_refused(site: Site) -> None:
    """The fault names ``started_at``."""
    call = {"id": "1", "number": site.number(1), "started_at": "1969-12-31T23:59:59Z"}
    response = await site.client.post("/admin/v1/calls", json=call, headers=site.auth)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "started_at"
