"""Who holds a number, or held it at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from allocator.answers import Holding
from allocator.ledger import Ledgers
from allocator.port import Store
from ringpool.archive.database import Archive, archive_url
from ringpool.archive.writer import ArchiveWriter
from tests.api.conftest import Site, let_guarantees_end


async def test_the_second_of_an_assignment_is_the_new_holders(site: Site) -> None:
    """Answers are in whole seconds: a lookup or a call within that second finds the tuple."""
    pool = await site.pool(1)
    given = (await site.ask(pool, website="a")).json()["number"]
    path = f"/admin/v1/numbers/{given}"
    holder = (await site.client.get(path, headers=site.auth)).json()["holder"]
    since = holder["assigned_at"]
    lookup = await site.client.get(path, params={"at": since}, headers=site.auth)
    assert lookup.json()["holder"]["tuple"] == {"website": "a"}
    assert lookup.json()["at"] == since
    call = {"id": "a-call", "number": given, "started_at": since}
    answer = await site.client.post("/admin/v1/calls", json=call, headers=site.auth)
    assert answer.json()["tuple"] == {"website": "a"}


@pytest.mark.parametrize(
    "at",
    ["", "noon", "2026-11-21", "2026-11-21T14:32:00", "2026-13-01T00:00:00Z", "1795271520",
     "0001-01-01T00:00:00+23:59", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59"],
)  # fmt: skip
async def test_a_time_that_is_none_is_refused(site: Site, at: str) -> None:
    """No time, one without its offset, or one that has no date in UTC: 400 naming ``at``."""
    path = f"/admin/v1/numbers/{site.number(1)}"
    response = await site.client.get(path, params={"at": at}, headers=site.auth)
    assert response.status_code == 400, response.text
    assert response.json()["errors"][0]["field"] == "at"


async def test_a_number_is_looked_up(site: Site) -> None:
    """Owner, present holder with both clicks, and who held it at a time."""
    pool = await site.pool(1)
    number = (await site.ask(pool, website="one", gclid="abc")).json()["number"]
    url = f"/admin/v1/numbers/{number}"
    found = (await site.client.get(url, headers=site.auth)).json()
    assert (found["owner"], found["pool"]) == (f"pool/{pool}", pool)
    assert found["holder"]["first_click"]["gclid"] == "abc"
    before = await site.client.get(url, params={"at": "2020-01-01T00:00:00Z"}, headers=site.auth)
    assert "holder" not in before.json()
    for at in ("yesterday", "2020-01-01", "2020-01-01T00:00:00", "9" * 400):
        assert (await site.client.get(url, params={"at": at}, headers=site.auth)).status_code == 400
    overflow = await site.client.get(f"/admin/v1/numbers/{site.number(9999)}", headers=site.auth)
    assert overflow.json()["overflow_of"] == [{"pool": pool}]
    unknown = await site.client.get("/admin/v1/numbers/+18005550100", headers=site.auth)
    assert unknown.status_code == 404
    assert (await site.client.get("/admin/v1/numbers/12", headers=site.auth)).status_code == 404


async def test_an_id_used_again_shows_nothing_of_its_former_owner(
    site: Site, valkey_store: Store
) -> None:
    """The same pool id and number, another account: neither tuple nor clicks of the first one."""
    other = Site(site.client, f"{site.account}-o", site.area)
    key = f"key-of-{other.account}"
    await other.make_account(api_keys=[key])
    theirs = {"authorization": f"Bearer {key}"}
    pool = await site.pool(1)
    url = f"/admin/v1/pools/{pool}"
    number = (await site.ask(pool, website="secret", gclid="abc")).json()["number"]
    path = f"/admin/v1/numbers/{number}"
    since = (await site.client.get(path, headers=site.auth)).json()["holder"]["assigned_at"]
    await let_guarantees_end(valkey_store, pool)
    await site.client.patch(url, json={"numbers": []}, headers=site.auth)
    assert (await site.client.delete(url, headers=site.auth)).status_code == 204
    document = {
        "account": other.account,
        "parameters": ["website"],
        "allow_overflow": False,
        "numbers": [number],
    }
    assert (await site.client.put(url, json=document, headers=theirs)).status_code == 201
    found = await site.client.get(path, params={"at": since}, headers=theirs)
    assert found.json() == {"number": number, "owner": f"pool/{pool}", "pool": pool, "at": since}
    call = {"id": "a-call", "number": number, "started_at": since}
    credit = await site.client.post("/admin/v1/calls", json=call, headers=theirs)
    assert credit.json() == {"id": "a-call", "number": number, "pool": pool, "counted": True}
    told = await site.client.get(path, params={"at": since}, headers=site.auth)
    assert told.json()["holder"]["tuple"] == {"website": "secret"}  # the administrator sees it


async def test_a_number_that_has_left_is_looked_up_in_the_archive(
    site: Site, valkey_store: Store, tmp_path: Path
) -> None:
    """Who held it last, and at a time; an account's key sees no other account's."""
    key, other = f"key-of-{site.account}", Site(site.client, f"{site.account}-o", site.area)
    await site.make_account(api_keys=[key])
    await other.make_account(api_keys=[f"key-of-{other.account}"])
    auth, theirs = (
        {"authorization": f"Bearer {each}"} for each in (key, f"key-of-{other.account}")
    )
    number = site.number(1)
    earlier = Holding(
        number=number,
        tuple="website=one",
        since=1_795_000_000_000,
        until=1_795_000_600_000,
        clicks=1,
        first_click=b'{"gclid":"abc"}',
        pool=f"{site.account}-gone",
        owner=site.account,
        serial=1,
    )
    later = replace(
        earlier, tuple="website=two", since=earlier.since + 9_000_000, until=earlier.since * 2
    )
    archive = Archive(archive_url("", tmp_path))
    writer = ArchiveWriter(archive, Ledgers(valkey_store))
    await writer.write_standing([(earlier, ""), (later, "")], None)
    await archive.close()
    path = f"/admin/v1/numbers/{number}"
    last = (await site.client.get(path, headers=auth)).json()["holder"]
    assert (last["tuple"], last["pool"]) == ({"website": "two"}, f"{site.account}-gone")
    assert last["until"]
    for at, holder in (
        ("2026-11-18T11:06:41Z", {"website": "one"}),
        ("2026-11-18T12:00:00Z", None),
        ("2020-01-01T00:00:00Z", None),
    ):
        found = await site.client.get(path, params={"at": at}, headers=auth)
        assert found.status_code == 200, found.text
        assert found.json().get("holder", {}).get("tuple") == holder, at
    assert (await site.client.get(path, headers=theirs)).status_code == 404
    assert (await site.client.get(path, headers=site.auth)).json()["holder"] == last
