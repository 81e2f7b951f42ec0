"""API keys and pools' keys over HTTP: made, listed, replaced, revoked, and what they reach."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from allocator.port import Store
from api.app import create_app
from api.http import api_keys
from ringpool.settings import Settings
from tests.api.conftest import KEY, Site, running


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def make_key(
    site: Site, name: str, *scopes: str, by: str = "", status: int = 201, **more: Any
) -> dict[str, Any]:
    """Make a key and return the answer."""
    response = await site.client.post(
        f"/admin/v1/accounts/{site.account}/keys",
        json={"name": name, "scopes": scopes, **more},
        headers=bearer(by) if by else site.auth,
    )
    assert response.status_code == status, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def reaches(site: Site, key: str) -> int:
    """The status of a look at the account's keys."""
    url = f"/admin/v1/accounts/{site.account}/keys"
    return (await site.client.get(url, headers=bearer(key))).status_code


async def test_a_key_is_shown_once_and_works_until_it_is_revoked(site: Site) -> None:
    """The answer isn't stored by anyone; the list has everything but the text."""
    url = f"/admin/v1/accounts/{site.account}/keys"
    made = await site.client.post(
        url, json={"name": "ci", "scopes": ["calls", "read"], "expires_in": "1d"}, headers=site.auth
    )
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    key = made.json()["key"]
    assert key.startswith("rp_")
    listed = await site.client.get(url, headers=bearer(key))
    (shown,) = listed.json()["keys"]
    assert listed.headers["etag"] == made.headers["etag"]
    assert shown == {name: value for name, value in made.json().items() if name != "key"}
    assert shown["scopes"] == ["read", "calls"]
    account = f"/admin/v1/accounts/{site.account}"
    seen = await site.client.get(account, headers=site.auth)
    assert "sha256:" in seen.text
    assert key not in f"{listed.text}{seen.text}"
    again = await site.client.put(
        account, json=seen.json(), headers=site.auth | {"if-match": seen.headers["etag"]}
    )
    assert again.headers["etag"] == seen.headers["etag"]
    gone = await site.client.delete(f"{url}/ci", headers=site.auth)
    assert gone.status_code == 204
    assert await reaches(site, key) == 401
    gone = await site.client.delete(f"{url}/ci", headers=site.auth)
    assert (gone.status_code, gone.json()["class"]) == (404, "UnknownKey")


async def test_the_last_use_of_a_key_is_shown(
    site: Site, settings: Settings, valkey_store: Store
) -> None:
    """Of each text: who rotates sees whether the one before is still used."""
    old = (await make_key(site, "ci", "read"))["key"]
    url = f"/admin/v1/accounts/{site.account}/keys"
    assert "last_used" not in (await site.client.get(url, headers=site.auth)).text
    await site.client.post(f"{url}/ci/rotate", json={}, headers=site.auth)
    async with running(create_app(settings, store=valkey_store)) as worker:
        assert (await worker.get(url, headers=bearer(old))).status_code == 200
    # A worker that stops has written what it saw.
    (shown,) = (await site.client.get(url, headers=site.auth)).json()["keys"]
    assert shown["former"]["last_used"] >= shown["created"]
    assert "last_used" not in shown


async def test_what_is_wrong_with_a_key_is_named(site: Site) -> None:
    """Each field, and a name that is taken; a version that is another by now."""
    wrong = {"expires_in": "soon", "x": 1}
    answer = await make_key(site, "A b", "all", status=422, **wrong)
    assert {"name", "scopes[0]", "expires_in", "x"} == {each["field"] for each in answer["errors"]}
    for field, value in (
        ("expires", "2020-01-01T00:00:00Z"),
        ("expires", "9999-12-31T23:59:59-14:00"),
        ("expires_in", "0s"),
    ):
        answer = await make_key(site, "a", "read", status=422, **{field: value})
        assert [each["field"] for each in answer["errors"]] == [field]
    await make_key(site, "a", "read")
    assert (await make_key(site, "a", "read", status=409))["class"] == "Exists"
    stale = await site.client.post(
        f"/admin/v1/accounts/{site.account}/keys",
        json={"name": "b", "scopes": ["read"]},
        headers=site.auth | {"if-match": '"another"'},
    )
    assert stale.status_code == 412
    url = f"/admin/v1/accounts/{site.account}/keys/a/rotate"
    for overlap in ("soon", "2y"):
        late = await site.client.post(url, json={"overlap": overlap}, headers=site.auth)
        assert (late.status_code, late.json()["errors"][0]["field"]) == (422, "overlap")


async def test_a_key_makes_none_that_may_more_than_itself(site: Site) -> None:
    """Neither by making one, nor by taking another's place; nor one that works longer."""
    manager = (await make_key(site, "m", "manage", expires_in="1d"))["key"]
    await make_key(site, "caller", "calls", expires_in="1h")
    await make_key(site, "lasting", "read")
    refused = await make_key(site, "x", "calls", by=manager, status=403)
    assert (refused["class"], refused["detail"]) == (
        "MissingScope",
        "this key lacks the scope calls",
    )
    refused = await make_key(site, "x", "read", by=manager, status=403)
    assert "makes none for longer" in refused["detail"]
    await make_key(site, "x", "read", by=manager, expires_in="1h")
    url = f"/admin/v1/accounts/{site.account}/keys"
    for name, status in (("caller", 403), ("lasting", 403), ("x", 200), ("m", 200)):
        rotated = await site.client.post(f"{url}/{name}/rotate", json={}, headers=bearer(manager))
        assert rotated.status_code == status, rotated.text
    other = Site(site.client, f"{site.account}-o", site.area)
    await other.make_account()
    for method, path in (("GET", ""), ("POST", ""), ("DELETE", "/x"), ("POST", "/x/rotate")):
        body = {"name": "y", "scopes": ["read"]} if path == "" else {}
        foreign = await site.client.request(
            method,
            f"/admin/v1/accounts/{other.account}/keys{path}",
            headers=bearer(manager),
            json=body | ({"expires_in": "1h"} if path == "" else {}),
        )
        assert (foreign.status_code, foreign.json()["class"]) == (404, "UnknownAccount")


async def test_a_rotated_key_works_until_the_overlap_is_over(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both do meanwhile, then the new one alone; a key that expires says when it did."""
    old = (await make_key(site, "ci", "read", expires_in="3d"))["key"]
    url = f"/admin/v1/accounts/{site.account}/keys/ci/rotate"
    rotated = await site.client.post(url, json={"overlap": "1d"}, headers=site.auth)
    assert rotated.headers["cache-control"] == "no-store"
    new = rotated.json()["key"]
    assert rotated.json()["former"]["until"]
    assert [await reaches(site, key) for key in (old, new)] == [200, 200]
    third = await site.client.post(url, json={"overlap": "1d"}, headers=site.auth)
    assert (third.status_code, third.json()["class"]) == (409, "StillWorks")
    for days, expected in ((1.1, [401, 200]), (3.1, [401, 401])):
        later = time.time() + days * 86_400
        monkeypatch.setattr(api_keys, "time", lambda later=later: later)
        assert [await reaches(site, key) for key in (old, new)] == expected
    expired = await site.client.get("/admin/v1/pools", headers=bearer(new))
    assert "this key expired at 20" in expired.json()["detail"]
    assert expired.headers["www-authenticate"].startswith("Bearer ")


async def test_an_expired_key_gets_no_remembered_numbers(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a revoked one: an answer that could be repeated isn't, without a key that works."""
    target = site.number(1)
    await site.pool(2, swap_targets=[target], min_duration="1h")
    key = (await make_key(site, "pages", "allocate", expires_in="1d"))["key"]
    query = {"url": "https://www.newspress.example/?website=one", "agent": "Mozilla/5.0"}

    async def ask() -> httpx.Response:
        return await site.client.get("/v1/swap", params=query, headers=bearer(key))

    numbers = [(await ask()).json()["swaps"][0]["number"] for _ in range(3)]
    assert len(set(numbers)) == 1
    monkeypatch.setattr(api_keys, "time", lambda: time.time() + 2 * 86_400)
    assert (await ask()).status_code == 401
    monkeypatch.undo()
    assert (await ask()).status_code == 200
    await site.client.delete(f"/admin/v1/accounts/{site.account}/keys/pages", headers=site.auth)
    assert (await ask()).status_code == 401


async def test_the_log_names_the_key_and_what_was_wrong(site: Site) -> None:
    """Account, name and class; never the text."""
    key = (await make_key(site, "ci", "calls"))["key"]
    with capture_logs() as logged:
        await site.client.get("/admin/v1/pools", headers=bearer(key))
        await site.client.get("/admin/v1/pools", headers=bearer("nobodys-key-0123456789"))
        await site.client.get("/admin/v1/pools", headers=site.auth)
    refused, unknown, fine = logged
    assert (refused["account"], refused["key"], refused["class"]) == (
        site.account,
        "ci",
        "MissingScope",
    )
    assert unknown["class"] == "Unauthorized"
    assert not {"account", "key"} & unknown.keys()
    assert not {"account", "key", "class"} & fine.keys()
    assert key not in str(logged)


async def test_the_log_names_the_account_whose_page_or_quota_it_was(site: Site) -> None:
    """A page of another origin has no key, and who is over a quota hasn't been let in yet."""
    await site.make_account(origins=["https://www.newspress.example"], quota={"requests": 1})
    key = (await make_key(site, "ci", "read"))["key"]
    page = {"origin": "https://elsewhere.example"}
    with capture_logs() as logged:
        await site.client.get("/v1/swap", params={"account": site.account}, headers=page)
        for _ in range(2):
            await site.client.get("/admin/v1/pools", headers=bearer(key))
    told = [(entry["status"], entry["account"], entry.get("class")) for entry in logged]
    assert told == [
        (403, site.account, "ForbiddenOrigin"),
        (200, site.account, None),
        (429, site.account, "QuotaExceeded"),
    ]
    assert logged[-1]["key"] == "ci"


async def test_a_pools_key_is_replaced_with_an_overlap(site: Site) -> None:
    """Both get the same number meanwhile; then the old one gets none, remembered ones neither."""
    pool = await site.pool(2)
    url = f"/admin/v1/pools/{pool}/key/rotate"

    async def ask(key: str) -> httpx.Response:
        return await site.client.get(
            f"/api/v1/ring_pools/{pool}/allocate_number.json",
            params={"ring_pool_key": key, "website": "one"},
        )

    before = (await ask(KEY)).json()["number"]
    seen = await site.client.get(f"/admin/v1/pools/{pool}", headers=site.auth)
    rotated = await site.client.post(
        url, json={"overlap": "2s"}, headers=site.auth | {"if-match": seen.headers["etag"]}
    )
    new = rotated.json()["key"]
    assert rotated.json()["former_key"]["key"] == KEY
    third = await site.client.post(url, json={}, headers=site.auth)
    assert third.json()["class"] == "StillWorks"
    for _ in range(2):
        assert [(await ask(key)).json()["number"] for key in (KEY, new)] == [before, before]
    limit = time.monotonic() + 30
    while (await ask(KEY)).status_code == 200:
        assert time.monotonic() < limit
        await asyncio.sleep(0.05)
    assert (await ask(KEY)).text.startswith("InvalidKey: ")
    assert (await ask(new)).json()["number"] == before
    stale = await site.client.post(
        url, json={}, headers=site.auth | {"if-match": seen.headers["etag"]}
    )
    assert stale.status_code == 412
    at_once = await site.client.post(url, json={"overlap": "0s"}, headers=site.auth)
    assert "former_key" not in at_once.json()
    assert (await ask(new)).status_code == 401
