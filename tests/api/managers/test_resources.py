"""Accounts, pools and stocks as resources."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable

import httpx
import pytest
import yaml

from ringpool.catalog import writer
from ringpool.config import config_file
from ringpool.faults import Faults
from tests.api.conftest import ADMIN, KEY, Site

ACCOUNT_KEY = "account-key-0123456789"


async def test_an_account_lives_from_post_to_delete(client: httpx.AsyncClient, unique: str) -> None:
    """Create, read, change, list, remove; each answer is the resource as it is now."""
    auth = {"authorization": f"Bearer {ADMIN}"}
    body = {"id": unique, "name": "One", "origins": ["https://a.example"]}
    made = await client.post("/admin/v1/accounts", json=body, headers=auth)
    assert (made.status_code, made.json()) == (201, body)
    url = made.headers["location"]
    again = await client.post("/admin/v1/accounts", json=body, headers=auth)
    assert again.status_code == 409
    changed = await client.patch(url, json={"name": "Two", "origins": None}, headers=auth)
    assert changed.json() == {"id": unique, "name": "Two"}
    assert (await client.get(url, headers=auth)).json() == changed.json()
    listed = await client.get(
        "/admin/v1/accounts", params={"after": unique[:-1], "limit": 1}, headers=auth
    )
    assert listed.json()["accounts"][0]["id"] >= unique[:-1]
    assert (await client.delete(url, headers=auth)).status_code == 204
    assert (await client.get(url, headers=auth)).status_code == 404


async def test_a_pool_shows_its_key_and_leaves_its_numbers_to_their_own_resource(
    site: Site,
) -> None:
    """A change without numbers keeps them; one with numbers lists all of them."""
    pool = await site.pool(3)
    url = f"/admin/v1/pools/{pool}"
    shown = (await site.client.get(url, headers=site.auth)).json()
    assert shown["key"] == KEY
    assert "numbers" not in shown
    put = await site.put(url, shown | {"name": "New"})
    assert (put.status_code, put.json()["name"]) == (200, "New")
    patched = await site.client.patch(
        url,
        json={"min_duration": "1h", "activity": {"click": 2}},
        headers=site.auth | {"content-type": "application/merge-patch+json"},
    )
    assert patched.json()["min_duration"] == "1h"
    assert patched.json()["activity"]["click"] == 2
    assert (await site.status(pool))["size"] == 3
    await site.client.patch(url, json={"numbers": [site.number(77)]}, headers=site.auth)
    assert (await site.status(pool))["size"] == 1
    await site.client.patch(url, json={"numbers": []}, headers=site.auth)
    assert (await site.status(pool))["size"] == 0


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_an_addition_during_a_change_is_kept(
    site: Site, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes without numbers and additions that come at once all take effect."""
    monkeypatch.setattr(writer, "_LOCK_SECONDS", 60.0)  # they wait for each other
    pool = await site.pool(1)
    url = f"/admin/v1/pools/{pool}"
    shown = (await site.client.get(url, headers=site.auth)).json()
    body = shown if method == "PUT" else {}
    work: list[Awaitable[httpx.Response]] = []
    for index in range(60, 66):
        change = body | {"name": f"{index}"}
        headers = site.auth | ({"if-match": "*"} if method == "PUT" else {})
        work.append(site.client.request(method, url, json=change, headers=headers))
        more = {"numbers": [site.number(index)]}
        work.append(site.client.post(f"{url}/numbers", json=more, headers=site.auth))
    answers = await asyncio.gather(*work)
    assert {answer.status_code for answer in answers} == {200, 204}
    assert (await site.status(pool))["size"] == 7


async def test_a_stock_keeps_numbers_that_are_not_given(site: Site) -> None:
    """A change of its quarantine keeps them; an empty list removes all."""
    url = f"/admin/v1/stocks/{site.account}-stock"
    body = {"account": site.account, "quarantine": "1d", "numbers": [site.number(60)]}
    assert (await site.client.put(url, json=body, headers=site.auth)).status_code == 201
    changed = await site.client.patch(url, json={"quarantine": "2d"}, headers=site.auth)
    assert (changed.status_code, changed.json()["quarantine"]) == (200, "2d")
    in_use = await site.client.delete(url, headers=site.auth)
    assert in_use.json()["errors"][0]["message"].endswith("still has 1 numbers")
    await site.client.patch(url, json={"numbers": []}, headers=site.auth)
    assert (await site.client.delete(url, headers=site.auth)).status_code == 204


async def test_an_id_or_key_has_no_newline_at_its_end(site: Site) -> None:
    """Neither in a body nor in a path, and no endpoint takes such a path for the id itself."""
    pool = await site.pool()
    for path, body in (("", {"id": "line\n"}), ("/line%0A", {}), ("/line%0A", {"id": "line\n"})):
        call = site.client.put if path else site.client.post
        response = await call(f"/admin/v1/accounts{path}", json=body, headers=site.auth)
        assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "id")
    response = await site.client.patch(
        f"/admin/v1/pools/{pool}", json={"key": f"{KEY}\n"}, headers=site.auth
    )
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "key")
    for path in (f"pools/{pool}%0A", f"pools/{pool}%0A/status", f"accounts/{site.account}%0A"):
        response = await site.client.get(f"/admin/v1/{path}", headers=site.auth)
        assert response.status_code == 404
    for name, key, status in ((f"{pool}%0A", KEY, 404), (pool, f"{KEY}%0A", 401)):
        response = await site.client.get(
            f"/api/v1/ring_pools/{name}/allocate_number.json?ring_pool_key={key}"
        )
        assert response.status_code == status


_IDS_AND_KEYS: list[tuple[str, str, object, str]] = [
    ("accounts", "id", "line\n", "id"),
    ("accounts", "api_keys", [KEY, f"{KEY}\n"], "api_keys[1]"),
    ("pools", "id", "line\n", "id"),
    ("pools", "account", "line\n", "account"),
    ("pools", "key", f"{KEY}\n", "key"),
    ("pools", "stock", "line\n", "stock"),
    ("stocks", "id", "line\n", "id"),
    ("stocks", "account", "line\n", "account"),
]


@pytest.mark.parametrize(("section", "name", "value", "field"), _IDS_AND_KEYS)
async def test_every_id_and_key_is_checked_to_its_end(
    site: Site, section: str, name: str, value: object, field: str
) -> None:
    """Over HTTP and in a file alike: a newline at the end is part of no id and no key."""
    document: dict[str, object] = {"id": f"{site.account}-x", "account": site.account}
    if section == "accounts":
        del document["account"]
    if section == "pools":
        document |= {"parameters": ["a"], "allow_overflow": False}
    document[name] = value
    refused = await site.client.post(f"/admin/v1/{section}", json=document, headers=site.auth)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [field]
    with pytest.raises(Faults, match=re.escape(f"{section}[0].{field}: expected ")):
        config_file.read(yaml.safe_dump({section: [document]}))


async def test_a_value_outside_its_range_is_refused(site: Site) -> None:
    """The fault names the field."""
    url = f"/admin/v1/pools/{await site.pool(1)}"
    for value in (-1, 262_145):
        refused = await site.client.patch(url, json={"history_bytes": value}, headers=site.auth)
        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == ["history_bytes"]
    kept = await site.client.patch(url, json={"history_bytes": 262_144}, headers=site.auth)
    assert kept.json()["history_bytes"] == 262_144


async def test_an_edit_takes_effect_at_once(site: Site) -> None:
    """The next answer follows the new rules."""
    pool = await site.pool(1)
    await site.ask(pool, website="one")
    assert (await site.ask(pool, website="two")).json()["state"] == "overflow"
    await site.client.patch(
        f"/admin/v1/pools/{pool}", json={"allow_overflow": False}, headers=site.auth
    )
    assert (await site.ask(pool, website="two")).json()["state"] == "none"


async def test_numbers_are_added_listed_and_drained(site: Site) -> None:
    """Removing a held number drains it: its holder keeps it until the guarantee is over."""
    pool = await site.pool(1)
    url = f"/admin/v1/pools/{pool}/numbers"
    held = (await site.ask(pool, website="one")).json()["number"]
    added = [site.number(70), "(201) 555-0123 no"]
    refused = await site.client.post(url, json={"numbers": added}, headers=site.auth)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "numbers[1]"
    done = await site.client.post(url, json={"numbers": added[:1]}, headers=site.auth)
    assert done.status_code == 204
    page = (await site.client.get(url, headers=site.auth)).json()
    rows = {row["number"]: row for row in page["numbers"]}
    assert set(rows) == {held, site.number(70)}
    assert rows[held]["tuple"] == {"website": "one"}
    assert "tuple" not in rows[site.number(70)]
    body = {"numbers": [held]}
    await site.client.request("DELETE", url, json=body, headers=site.auth)
    await site.client.delete(url, params={"number": site.number(70)}, headers=site.auth)
    status = await site.status(pool)
    assert (status["draining"], status["unassigned"]) == (1, 0)
    assert (await site.ask(pool, website="one")).json()["number"] == held
    in_use = await site.client.delete(f"/admin/v1/pools/{pool}", headers=site.auth)
    assert in_use.status_code == 409
    assert (await site.client.get(url, params={"after": "x"}, headers=site.auth)).status_code == 400


async def test_a_pool_grows_from_its_stock(site: Site) -> None:
    """A stock made over HTTP feeds the pool that names it."""
    stock = f"{site.account}-stock"
    body = {"account": site.account, "quarantine": "1d", "numbers": [site.number(60)]}
    made = await site.client.put(f"/admin/v1/stocks/{stock}", json=body, headers=site.auth)
    assert made.status_code == 201
    pool = await site.pool(1, stock=stock, max_size=2)
    states = [(await site.ask(pool, website=name)).json()["state"] for name in "abc"]
    assert states == ["new", "new", "overflow"]
    listed = await site.client.get("/admin/v1/stocks?limit=1000", headers=site.auth)
    assert stock in [entry["id"] for entry in listed.json()["stocks"]]
    refused = await site.client.delete(f"/admin/v1/stocks/{stock}", headers=site.auth)
    assert refused.status_code == 409


async def test_every_fault_of_a_document_is_named(site: Site) -> None:
    """All wrong fields at once, and nothing is changed."""
    body = {
        "account": "nobody!",
        "min_duration": "soon",
        "parameters": "website",
        "max_size": 0,
        "colour": "red",
    }
    url = f"/admin/v1/pools/{site.account}-x"
    response = await site.client.put(url, json=body, headers=site.auth)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    fields = {error["field"] for error in response.json()["errors"]}
    assert fields == {"account", "min_duration", "parameters", "max_size", "colour"}
    assert (await site.client.get(url, headers=site.auth)).status_code == 404
    no_overflow = {"account": site.account, "parameters": ["a"]}
    response = await site.client.put(url, json=no_overflow, headers=site.auth)
    assert [error["field"] for error in response.json()["errors"]] == ["overflow_number"]


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"[]", "application/json", 422),
        (b'{"id": "another"}', "application/json", 422),
        (b"{}", "application/xml", 415),
        (b" " * (4 * 1024 * 1024 + 1), "application/json", 413),
    ],
)
async def test_a_body_that_is_no_document_is_refused(
    site: Site, content: bytes, content_type: str, status: int
) -> None:
    """Not JSON, no object, another id, another type, too long."""
    response = await site.client.put(
        f"/admin/v1/pools/{site.account}-x",
        content=content,
        headers=site.auth | {"content-type": content_type},
    )
    assert response.status_code == status
    assert response.json()["status"] == status


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1", "1e2", "\u0661"])
async def test_a_page_has_a_limit(site: Site, limit: str) -> None:
    """1 to 1000, nothing else."""
    response = await site.client.get("/admin/v1/pools", params={"limit": limit}, headers=site.auth)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "limit")
