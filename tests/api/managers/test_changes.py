"""Who changed what, over HTTP: the log, what an account sees of it, and undoing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from allocator.port import Store
from api.app import create_app
from ringpool.catalog import audit_log
from ringpool.settings import Settings
from tests.api.conftest import ADMIN, Site, running

CLIENT = "127.0.0.1"
"""The address that httpx' transport tells."""


class Managers:
    """The administrator of a site, and the manager of its account, who has a key."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.key = f"key-of-{site.account}"
        self.auth = {"authorization": f"Bearer {self.key}"}

    async def changes(self, headers: dict[str, str] | None = None, **query: Any) -> list[Any]:
        """The changes of the site's account, or those that somebody sees; the newest first."""
        if headers is None:
            headers, query = self.site.auth, {"account": self.site.account, **query}
        answer = await self.site.client.get("/admin/v1/changes", params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        found: list[Any] = answer.json()["changes"]
        return found

    async def undo(
        self, revision: int, headers: dict[str, str] | None = None, **query: Any
    ) -> httpx.Response:
        """Undo a change, as the administrator unless it is said who."""
        return await self.site.client.post(
            f"/admin/v1/changes/{revision}/undo", params=query, headers=headers or self.site.auth
        )


@pytest.fixture
async def managers(site: Site) -> Managers:
    made = Managers(site)
    await site.make_account(api_keys=[made.key])
    return made


async def test_a_change_tells_who_from_where_and_what(managers: Managers) -> None:
    """Every way of changing something is in it, with method, path and the client's address."""
    site, client = managers.site, managers.site.client
    pool = await site.pool(1)
    url = f"/admin/v1/pools/{pool}"
    number = site.number(7)
    named = {"name": "New", "key": "another-key-0123456789"}
    await client.patch(url, json=named, headers=managers.auth)
    await client.post(f"{url}/numbers", json={"numbers": [number]}, headers=site.auth)
    await client.delete(f"{url}/numbers", params={"number": number}, headers=site.auth)
    await client.patch(url, json={"numbers": []}, headers=site.auth)
    assert (await client.delete(url, headers=managers.auth)).status_code == 204
    deleted, emptied, removed, added, patched, made, *_ = await managers.changes()
    actor = {"kind": "administrator", "address": CLIENT}
    own = {"kind": "account", "account": site.account, "address": CLIENT}
    assert [change["by"] for change in (deleted, emptied, removed, added, patched, made)] == [
        own | {"via": f"DELETE {url}"},
        actor | {"via": f"PATCH {url}"},
        actor | {"via": f"DELETE {url}/numbers"},
        actor | {"via": f"POST {url}/numbers"},
        own | {"via": f"PATCH {url}"},
        actor | {"via": f"PUT {url}"},
    ]
    (entity,) = patched["entities"]
    assert entity == {
        "kind": "pool",
        "id": pool,
        "what": "changed",
        "former": site.account,
        "account": site.account,
        "fields": [
            {"field": "name", "before": None, "after": "New"},
            {"field": "key", "before": "(secret)", "after": "(secret)"},
        ],
    }
    assert added["entities"][0]["added"] == {"count": 1, "numbers": [number]}
    assert removed["entities"][0]["removed"] == {"count": 1, "numbers": [number]}
    assert deleted["entities"][0]["what"] == "deleted"
    one = await client.get(f"/admin/v1/changes/{added['revision']}", headers=managers.auth)
    assert one.json() == added | {"by": {"kind": "operator"}}
    assert await managers.changes(entity=f"pool/{pool}", by="administrator") == [
        *(emptied, removed, added, made)
    ]
    assert await managers.changes(managers.auth, by=site.account) == [deleted, patched]
    assert await managers.changes(managers.auth, since="2099-01-01T00:00:00Z") == []
    assert len(await managers.changes(since=made["at"])) >= 6


@pytest.mark.parametrize(("trusted", "address"), [((), CLIENT), ((CLIENT,), "192.0.2.9")])
async def test_a_trusted_proxy_tells_the_address(
    managers: Managers,
    valkey_store: Store,
    tmp_path: Path,
    trusted: tuple[str, ...],
    address: str,
) -> None:
    """Else it is whoever connected: a header alone tells nothing."""
    settings = Settings(data_dir=tmp_path, admin_token=ADMIN, trusted_proxies=trusted)
    headers = managers.auth | {"x-forwarded-for": "192.0.2.9"}
    pool = await managers.site.pool(0)
    async with running(create_app(settings, store=valkey_store)) as client:
        await client.patch(f"/admin/v1/pools/{pool}", json={"name": "n"}, headers=headers)
    assert (await managers.changes())[0]["by"]["address"] == address


async def test_pages_go_back_to_the_first_change(managers: Managers) -> None:
    """Each has what the ones before had not, and the last no ``next``."""
    site = managers.site
    for name in "abc":
        await site.pool(0, name=name)
    everything = await managers.changes(managers.auth)
    found: list[Any] = []
    query = {"limit": "2"}
    while True:
        page = await site.client.get("/admin/v1/changes", params=query, headers=managers.auth)
        found += page.json()["changes"]
        assert len(page.json()["changes"]) <= 2
        if "next" not in page.json():
            break
        query["after"] = page.json()["next"]
    assert found == everything
    assert [change["revision"] for change in found] == sorted(
        (change["revision"] for change in found), reverse=True
    )


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("entity=pool", "entity"),
        ("entity=number/x", "entity"),
        ("account=", "account"),
        ("since=yesterday", "since"),
        ("since=2026-11-21T14:32:00", "since"),
        ("after=x", "after"),
        ("after=99999999999999999999", "after"),
        ("limit=0", "limit"),
    ],
)
async def test_what_is_asked_wrongly_is_named(site: Site, query: str, field: str) -> None:
    """400, with the parameter."""
    refused = await site.client.get(f"/admin/v1/changes?{query}", headers=site.auth)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("revision", ["0", "x", "-1", "999999999999999", "9" * 40, "1%0a"])
async def test_an_unknown_change_is_unknown(site: Site, revision: str) -> None:
    """Whatever is written in its place."""
    url = f"/admin/v1/changes/{revision}"
    for answer in (
        await site.client.get(url, headers=site.auth),
        await site.client.post(f"{url}/undo", headers=site.auth),
    ):
        assert (answer.status_code, answer.json()["class"]) == (404, "UnknownChange")


async def test_no_account_sees_anothers_changes(managers: Managers) -> None:
    """Not in the list, not one by one, not by filters; nor can it undo one."""
    site = managers.site
    other = Managers(Site(site.client, f"{site.account}-o", site.area))
    await other.site.make_account(api_keys=[other.key])
    pool = await site.pool(1)
    (made,) = await managers.changes(managers.auth, entity=f"pool/{pool}")
    for query in ({}, {"account": site.account}, {"entity": f"pool/{pool}"}, {"by": site.account}):
        for change in await other.changes(other.auth, **query):
            assert [entity["id"] for entity in change["entities"]] == [other.site.account]
    shown = await site.client.get(f"/admin/v1/changes/{made['revision']}", headers=other.auth)
    unknown = await site.client.get("/admin/v1/changes/999999999", headers=other.auth)
    assert shown.status_code == unknown.status_code == 404
    assert shown.json()["class"] == unknown.json()["class"]
    refused = await other.undo(made["revision"], other.auth)
    assert (refused.status_code, refused.json()["class"]) == (404, "UnknownChange")
    forbidden = await managers.undo(made["revision"], managers.auth)
    assert (forbidden.status_code, forbidden.json()["class"]) == (403, "Forbidden")
    assert (await site.client.get("/admin/v1/changes")).status_code == 401
    assert (await site.client.post("/admin/v1/changes/1/undo")).status_code == 401


async def test_a_change_is_undone_once_and_while_it_stands(managers: Managers) -> None:
    """A dry run tells what it would do; one that was made is a change that says so."""
    site, client = managers.site, managers.site.client
    pool = await site.pool(2)
    url = f"/admin/v1/pools/{pool}"
    fields = {"name": "New", "numbers": [site.number(50)]}
    await client.patch(url, json=fields, headers=managers.auth)
    revision = (await managers.changes())[0]["revision"]
    told = (await managers.undo(revision, managers.auth, dry_run="1")).json()
    assert (await client.get(url, headers=site.auth)).json()["name"] == "New"
    undone = (await managers.undo(revision, managers.auth)).json()
    assert undone.pop("revision") == (await managers.changes())[0]["revision"]
    assert undone == told
    assert (told["undoes"], told["entities"][0]["added"]["count"]) == (revision, 2)
    assert "name" not in (await client.get(url, headers=site.auth)).json()
    assert (await site.status(pool))["size"] == 2
    latest = (await managers.changes(managers.auth))[0]
    assert (latest["undoes"], latest["by"]["via"]) == (
        revision,
        f"POST /admin/v1/changes/{revision}/undo",
    )
    again = await managers.undo(revision)
    assert (again.status_code, again.json()["class"]) == (409, "ChangedSince")
    assert {error["field"] for error in again.json()["errors"]} == {
        f"pool/{pool}.name",
        f"pool/{pool}.numbers",
    }
    made = (await managers.changes(entity=f"pool/{pool}"))[-1]["revision"]
    in_use = await managers.undo(made)
    assert (in_use.status_code, in_use.json()["class"]) == (409, "InUse")
    key = {"key": "another-key-0123456789"}
    await client.patch(url, json=key, headers=site.auth)
    kept = await managers.undo((await managers.changes())[0]["revision"])
    assert (kept.status_code, kept.json()["class"]) == (409, "NotUndoable")


async def test_a_webhook_is_not_brought_back(managers: Managers) -> None:
    """Its address may hold a secret, so the log has but its host; and an account, which may take
    one away, may not put one back, as the service posts there."""
    site, client = managers.site, managers.site.client
    pool = await site.pool(0, on_exhausted={"webhook": "https://ops.example/a-secret"})
    url = f"/admin/v1/pools/{pool}"
    fields = {"on_exhausted": None, "name": "New"}
    removed = await client.patch(url, json=fields, headers=managers.auth)
    assert removed.status_code == 200
    change = (await managers.changes())[0]
    assert "a-secret" not in str(await managers.changes())
    assert change["entities"][0]["fields"][-1] == {
        "field": "on_exhausted",
        "before": {"webhook": "https://ops.example/(secret)"},
        "after": None,
    }
    undone = await managers.undo(change["revision"], managers.auth)
    assert undone.json()["left"] == [f"pool/{pool}.on_exhausted"]
    shown = (await client.get(url, headers=site.auth)).json()
    assert not {"on_exhausted", "name"} & shown.keys()


async def test_an_account_that_fills_the_log_is_stopped(
    managers: Managers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it changes; the administrator goes on."""
    site, client = managers.site, managers.site.client
    url = f"/admin/v1/pools/{await site.pool(0)}"
    assert (await client.patch(url, json={"name": "a"}, headers=managers.auth)).status_code == 200
    revision = (await managers.changes())[0]["revision"]
    monkeypatch.setattr(audit_log, "MAX_WRITTEN_A_DAY", 0)
    for refused in (
        await client.patch(url, json={"name": "b"}, headers=managers.auth),
        await client.delete(url, headers=managers.auth),
        await managers.undo(revision, managers.auth),
    ):
        assert (refused.status_code, refused.json()["class"]) == (403, "QuotaExceeded")
        assert refused.json()["errors"][0]["field"] == "quota.changes"
    assert (await managers.undo(revision)).status_code == 200
