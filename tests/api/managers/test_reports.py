"""Reports over HTTP: for whom, in which form, and what is refused."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator

import pytest

from ringpool.archive.database import FILE, Archive, archive_url
from ringpool.settings import Settings
from tests.api.conftest import Site
from tests.ringpool.reports.archived import Archived


@pytest.fixture
async def archived(settings: Settings) -> AsyncIterator[Archived]:
    """The archive of the service that a test asks."""
    archive = Archive(archive_url("", settings.data_dir))
    await archive.prepare()
    yield Archived(archive)
    await archive.close()


async def fill(archived: Archived, account: str) -> None:
    """A campaign's call, and one of another account's."""
    await archived.source(1, "website=one", account=account, utm_campaign="=spring")
    await archived.source(2, "website=two", account="rival", utm_campaign="theirs")
    for place, whose in ((1, account), (2, "rival")):
        await archived.assignment(place, "2026-11-01T10:00:00Z", clicks=3, account=whose)
        await archived.call("c", "2026-11-01T10:05:00Z", {place: 0.9, 0: 0.1}, account=whose)


async def test_an_account_sees_its_own_calls(site: Site, archived: Archived) -> None:
    """Whatever it asks for; the administrator sees all, or one account's."""
    key = f"key-of-{site.account}"
    await site.make_account(api_keys=[key])
    await fill(archived, site.account)
    theirs = {"authorization": f"Bearer {key}"}
    path = "/v1/reports/campaign"
    found = (await site.client.get(path, headers=theirs)).json()
    assert [row["group"].get("utm_campaign") for row in found["rows"]] == ["=spring", None]
    assert (found["total"]["calls"], found["total"]["clicks"]) == (1, 3)
    assert found["rows"][0]["soft_credit"] == 0.9
    assert "rival" not in (await site.client.get("/v1/reports/transactions", headers=theirs)).text
    other = await site.client.get(path, params={"account": "rival"}, headers=theirs)
    assert (other.status_code, other.json()["class"]) == (403, "Forbidden")
    everybody = (await site.client.get(path, headers=site.auth)).json()
    assert everybody["total"]["calls"] == 2
    one = (await site.client.get(path, params={"account": "rival"}, headers=site.auth)).json()
    assert [row["group"].get("utm_campaign") for row in one["rows"]] == ["theirs", None]


async def test_csv_is_safe_in_spreadsheets(site: Site, archived: Archived) -> None:
    """With ``format=csv``: a header, a row a group or call, no formula."""
    await fill(archived, site.account)
    asked = {"account": site.account, "format": "csv"}
    answer = await site.client.get("/v1/reports/campaign", params=asked, headers=site.auth)
    assert answer.headers["content-type"].startswith("text/csv")
    campaign, nobody = csv.DictReader(io.StringIO(answer.text))
    assert (campaign["utm_campaign"], campaign["calls"]) == ("'=spring", "1")
    assert (nobody["who"], nobody["soft_credit"]) == ("nobody", "0.1")
    answer = await site.client.get("/v1/reports/transactions", params=asked, headers=site.auth)
    (call,) = csv.DictReader(io.StringIO(answer.text))
    assert (call["transaction_id"], call["number"]) == ("c", "+18885550101")


@pytest.mark.parametrize(
    ("by", "query", "status", "field"),
    [
        ("parameter", {}, 400, "name"),
        ("campaign", {"from": "yesterday"}, 400, "from"),
        ("campaign", {"timezone": "Mars"}, 400, "timezone"),
        ("campaign", {"format": "xml"}, 400, "format"),
        ("campaign", {"account": "A b"}, 400, "account"),
        ("transactions", {"limit": "1001"}, 400, "limit"),
        ("transactions", {"start_after_transaction_id": "gone"}, 400, "start_after_transaction_id"),
        ("weather", {}, 404, ""),
    ],
)
async def test_what_is_wrong_is_named(
    site: Site, archived: Archived, by: str, query: dict[str, str], status: int, field: str
) -> None:
    """A 4xx, with the parameter where it is one."""
    answer = await site.client.get(f"/v1/reports/{by}", params=query, headers=site.auth)
    assert answer.status_code == status, answer.text
    assert [error["field"] for error in answer.json().get("errors", ())] == [field][: len(field)]


async def test_without_its_archive_it_says_so(site: Site, settings: Settings) -> None:
    """503 with Retry-After: what can't be opened may be there again."""
    (settings.data_dir / FILE).mkdir()
    answer = await site.client.get("/v1/reports/campaign", headers=site.auth)
    assert (answer.status_code, answer.json()["class"]) == (503, "ArchiveUnavailable")
    assert answer.headers["retry-after"] == "1"
