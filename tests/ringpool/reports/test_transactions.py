"""Transactions: what is told of a call, pages of them, and CSV of all that."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest

from ringpool.faults import Fault
from ringpool.reports.question import read
from ringpool.reports.spreadsheet import TRANSACTION_COLUMNS, csv_text, transaction_rows
from ringpool.reports.transactions import Transactions, transactions
from tests.ringpool.reports.archived import Archived


async def page(archived: Archived, **given: str) -> Transactions:
    async with archived.archive.engine.connect() as connection:
        return await transactions(connection, read("transactions", given))


def click(**attributes: str) -> str:
    return msgspec.json.encode(attributes).decode()


async def test_a_call_in_detail(archived: Archived) -> None:
    """The best candidate's tuple, source and click ids; every candidate with its probability."""
    await archived.source(
        1,
        "website=one&location=foot%26er",
        search_engine="Google",
        search_keywords="solar roof",
        publisher="partner-9",
        landing_page="https://www.newspress.example/",
        utm_campaign="spring",
    )
    await archived.source(2, "website=two")
    await archived.source(3, "website=theirs", account="rival")
    await archived.call(
        "call-1",
        "2026-10-25T00:30:00Z",
        {1: 0.8, 2: 0.1, 3: 0.06, 0: 0.04},
        {1: (click(gclid="first", utm_source="x"), click(medium="direct", msclkid="last"))},
        duration_seconds=95,
        caller="+12125550177",
        answered_at=1_761_352_205_000,
        skus='["A1"]',
        amount="12.50",
    )
    (found,) = (await page(archived, timezone="Europe/Berlin")).transactions
    assert (found.transaction_id, found.duration, found.number) == ("call-1", 95, "+18885550101")
    assert found.start_time_local == "2026-10-25T02:30:00+02:00"
    assert found.start_time_utc == "2026-10-25T00:30:00Z"
    assert found.parameters == {"website": "one", "location": "foot&er"}
    assert (found.search_engine, found.search_keywords) == ("Google", "solar roof")
    assert (found.publisher, found.utm_campaign) == ("partner-9", "spring")
    assert found.click_ids == {"gclid": "first", "msclkid": "last"}
    assert (found.attributed, found.probability) == (True, 0.8)
    best, second, rivals, nobody = found.candidates
    assert (best.why, best.probability, best.clicks) == ("click", 0.8, 2)
    assert best.last_click_at == "2026-10-25T00:29:30Z"
    assert second.parameters == {"website": "two"}
    assert (rivals.probability, rivals.parameters, rivals.pool) == (0.06, None, "")
    assert (nobody.why, nobody.probability, nobody.parameters) == ("nobody", 0.04, None)
    assert (found.sku_list, found.amount, found.caller) == (["A1"], "12.50", "+12125550177")


async def test_an_hour_that_comes_twice_is_told_apart_by_its_offset(archived: Archived) -> None:
    """When clocks go back; and a call that isn't attributed has neither tuple nor candidates."""
    await archived.call("a", "2026-10-25T00:30:00Z")
    await archived.call("b", "2026-10-25T01:30:00Z")
    found = (await page(archived, timezone="Europe/Berlin")).transactions
    assert [each.start_time_local for each in found] == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00",
    ]
    assert not any(each.attributed or each.candidates or each.parameters for each in found)


async def test_pages_follow_each_other(archived: Archived) -> None:
    """By account and start, none twice and none left out, also those of one moment."""
    for place, call in enumerate("fdbeca"):
        await archived.call(call, f"2026-11-01T10:0{place // 2}:00Z")
    await archived.call("a", "2026-11-01T09:00:00Z", account="rival", pool="rivals")
    seen: list[str] = []
    given = {"account": "newspress", "limit": "4"}
    while True:
        found = await page(archived, **given)
        seen += [each.transaction_id for each in found.transactions]
        if not found.next:
            break
        given["start_after_transaction_id"] = found.next
    assert seen == ["d", "f", "b", "e", "a", "c"]
    everybody = await page(archived)
    assert [(each.account, each.transaction_id) for each in everybody.transactions][-1] == (
        "rival",
        "a",
    )
    rivals = await page(archived, pool="rivals")
    assert [each.start_time_utc for each in rivals.transactions] == ["2026-11-01T09:00:00Z"]
    day = await page(archived, account="newspress", **{"from": "2026-11-01T10:01:00Z"})
    assert [each.transaction_id for each in day.transactions] == ["b", "e", "a", "c"]
    with pytest.raises(Fault, match="account: is of several accounts"):
        await page(archived, start_after_transaction_id="a")
    with pytest.raises(Fault, match="start_after_transaction_id: there is no such"):
        await page(archived, account="rival", start_after_transaction_id="b")


async def test_transactions_as_csv(archived: Archived) -> None:
    """A column for each click id; what visitors wrote is no formula, numbers stay numbers."""
    await archived.source(1, "website=one&location=", search_keywords='=HYPERLINK("x")')
    clicks = {1: (click(gclid="-1+1"), "")}
    await archived.call("+1", "2026-11-01T10:00:00Z", {1: 0.5, 0: 0.5}, clicks, amount="-5.00")
    found = await page(archived)
    text = csv_text(TRANSACTION_COLUMNS, transaction_rows(found))
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["transaction_id"] == "+1"
    assert row["number"] == "+18885550101"
    assert row["amount"] == "-5.00"
    assert row["search_keywords"] == """'=HYPERLINK("x")"""
    assert (row["gclid"], row["fbclid"]) == ("'-1+1", "")
    assert row["parameters"] == "website=one&location="
    assert [each["probability"] for each in msgspec.json.decode(row["candidates"])] == [0.5, 0.5]


@pytest.mark.parametrize("text", ["=1", "+x", "-x", "@x", "\t=1", "\r=1", " =1", "＝1", "＠x"])
def test_no_cell_is_a_formula(text: str) -> None:
    """Whatever spreadsheets take for one begins with an apostrophe; headings too."""
    read_again = list(csv.reader(io.StringIO(csv_text([text], [[text], [1.5], [True], ["a=b"]]))))
    assert read_again == [[f"'{text}"], [f"'{text}"], ["1.5"], ["true"], ["a=b"]]
