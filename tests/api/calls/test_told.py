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
        ({"number": "+18005550100"}, "id"),
        ({"id": "", "number": "+18005550100"}, "id"),
        ({"id": "1", "number": "12"}, "number"),
        ({"id": "1", "number": "+18005550100", "started_at": "noon"}, "started_at"),
        ({"id": "1", "number": "+18005550100", "started_at": "2026-01-01T00:00:00"}, "started_at"),
        ({"id": "1", "number": "+18005550100", "duration_seconds": -1}, "duration_seconds"),
        ({"id": "1", "number": "+18005550100", "color": "red"}, "color"),
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


async def test_events_of_a_call(site: Site) -> None:
    """Whichever comes first counts it; each is recorded once; both paths take it."""
    pool = await site.pool(1)
    number = (await site.ask(pool, website="one")).json()["number"]
    call = {"id": f"{pool}-1", "number": number}
    answers = [
        (await site.client.post(path, json={**call, "event": event}, headers=site.auth)).json()
        for path, event in (
            ("/v1/calls", "ended"),
            ("/admin/v1/calls", "started"),
            ("/v1/calls", "ended"),
        )
    ]
    found = [(each["counted"], each.get("recorded", True), each.get("event")) for each in answers]
    assert found == [(True, True, "ended"), (False, True, None), (False, False, "ended")]
    assert {each["tuple"]["website"] for each in answers} == {"one"}
    assert (await site.status(pool))["calls_total"] == 1


async def test_of_a_batch_a_bad_event_fails_alone(site: Site) -> None:
    """Its place tells which field is wrong; the others count, each call once."""
    pool = await site.pool(2)
    numbers = [(await site.ask(pool, website=name)).json()["number"] for name in ("one", "two")]
    rows: list[Any] = [
        {"id": "a", "number": numbers[0], "event": "ended", "duration_seconds": 5},
        {"id": "a", "number": numbers[0], "event": "started"},
        {"id": "b", "number": numbers[1], "event": "missed", "color": "red", "amount": True},
        {"id": "c", "number": "12"},
        {"id": "d", "number": "+18005559999"},
        "call",
        {"id": "e", "number": site.number(9999)},
    ]
    answer = await site.client.post("/v1/calls", json={"calls": rows}, headers=site.auth)
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert sorted(each["counted"] for each in results[:2]) == [False, True]
    assert [each["tuple"]["website"] for each in results[:2]] == ["one", "one"]
    errors = [
        (each["id"], each["error"]["class"], [fault["field"] for fault in each["error"]["errors"]])
        for each in results[2:6]
    ]
    assert errors == [
        ("b", "InvalidDocument", ["color", "amount"]),
        ("c", "InvalidDocument", ["number"]),
        ("d", "UnknownNumber", []),
        ("", "InvalidDocument", ["document"]),
    ]
    assert (results[6]["overflow"], results[6]["pool"]) == (True, pool)
    status = await site.status(pool)
    assert (status["calls_total"], status["overflow_calls_total"]) == (1, 1)
    for wrong in ([], [{}] * 1001, "calls"):
        refused = await site.client.post("/v1/calls", json={"calls": wrong}, headers=site.auth)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "calls")


async def test_of_one_event_every_field_that_is_wrong_is_named(site: Site) -> None:
    """As of a batch's rows: one that is missing, too, and in words."""
    told = {"event": "boom", "duration_seconds": 1.5, "currency": "usd", "destination": "a\nb"}
    for path, document, fields in (
        ("/v1/calls", {"number": site.number(1), **told}, [*told, "id"]),
        ("/v1/calls/1/outcome", {"number": site.number(1), "currency": "usd"}, ["currency"]),
        ("/v1/calls/1/outcome", [], ["document"]),
    ):
        refused = await site.client.post(path, json=document, headers=site.auth)
        assert refused.status_code == 422, refused.text
        messages = {each["field"]: each["message"] for each in refused.json()["errors"]}
        assert list(messages) == fields
        assert not any("regex" in message or "enum" in message for message in messages.values())


async def test_a_call_to_a_number_that_rests(site: Site) -> None:
    """It is recorded for the account whose stock it is in, and the number waits; others get 404."""
    stock, number = f"{site.account}-stock", site.number(7000)
    made = {"account": site.account, "numbers": [number], "quiet": "3d"}
    await site.put(f"/admin/v1/stocks/{stock}", made)
    other = Site(site.client, f"{site.account}-o", site.area)
    await other.make_account(api_keys=[f"key-of-{other.account}"])
    theirs = {"authorization": f"Bearer key-of-{other.account}"}
    call = {"id": "1", "number": number}
    refused = await site.client.post("/v1/calls", json=call, headers=theirs)
    assert refused.status_code == 404
    answer = (await site.client.post("/v1/calls", json=call, headers=site.auth)).json()
    assert (answer["stock"], answer["resting"], answer["counted"]) == (stock, "stock", True)
    path = f"/admin/v1/stocks/{stock}/numbers"
    (row,) = (await site.client.get(path, headers=site.auth)).json()["numbers"]
    assert (row["state"], row["calls"]) == ("resting", 1)
    pool = await site.pool(0, stock=stock, max_size=1)
    assert (await site.ask(pool, website="one")).json()["state"] == "overflow"
