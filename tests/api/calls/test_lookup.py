"""Calls, found again by those whose calls they are."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import insert, update

from ringpool.archive.database import Archive, archive_url
from ringpool.archive.tables import CALLS, CANDIDATES
from ringpool.archive.turn import turn
from ringpool.settings import Settings
from tests.api.conftest import Site
from tests.ringpool.archive.told import BEGAN, event, tell_in


@pytest.fixture
async def known(site: Site, settings: Settings) -> Site:
    """An account with two calls in the archive, and another account's call of the same id."""
    archive = Archive(archive_url("", settings.data_dir))
    account = site.account
    own = {"account": account, "number": site.number(5)}
    rows = [
        event("1", "started", caller_hash="c" * 32, **own),
        event("1", "answered", 9, **own),
        event("1", "ended", 69, destination="+18885550199", **own),
        event("2", "missed", 100, **own),
        event("1", "started", 200, account="another"),
    ]
    async with turn(archive):  # or the service's leader attributes them in between
        await tell_in(settings.data_dir, *rows)
        async with archive.engine.begin() as connection:
            await connection.execute(
                update(CALLS)
                .where(CALLS.c.account == account, CALLS.c.id == "1")
                .values(attributed_at=BEGAN, probability=0.9, tuple="website=one&path=/")
            )
            candidate = {"account": account, "call": "1", "rank": 1, "why": "click"}
            found = {"probability": 0.9, "tuple": "website=one&path=/", "clicks": 2, "pool": "p"}
            nobody = {"rank": 2, "why": "nobody", "probability": 0.1, "tuple": "", "clicks": 0}
            click = {"first_click": '{"gclid":"x"}', "first_click_at": BEGAN - 1000}
            await connection.execute(
                insert(CANDIDATES),
                [
                    candidate | found | click,
                    candidate | found | nobody | dict.fromkeys(click, "") | {"first_click_at": 0},
                ],
            )
    await archive.close()
    return site


async def listed(site: Site, auth: dict[str, str], **query: str) -> tuple[list[str], str]:
    answer = await site.client.get("/v1/calls", params=query, headers=auth)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    return [f"{call['account']}/{call['id']}" for call in page["calls"]], page.get("next", "")


def key_of(site: Site) -> dict[str, str]:
    return {"authorization": f"Bearer key-of-{site.account}"}


async def test_an_account_sees_its_own_calls(known: Site) -> None:
    """The latest first, page by page, by what they are asked for."""
    await known.make_account(api_keys=[f"key-of-{known.account}"])
    own, (first, second) = key_of(known), (f"{known.account}/1", f"{known.account}/2")
    page, following = await listed(known, own, limit="1")
    assert page == [second]
    assert await listed(known, own, limit="1", after=following) == ([first], "")
    for query, found in (
        ({}, [second, first]),
        ({"state": "missed"}, [second]),
        ({"pool": "nowhere"}, []),
        ({"number": known.number(5)}, [second, first]),
        ({"param.website": "one"}, [first]),
        ({"param.website": "one", "param.path": "/x"}, []),
        ({"from": "2025-11-24T16:01:00Z"}, [second]),
        ({"to": "2025-11-24T16:01:00Z", "account": known.account}, [first]),
    ):
        assert (await listed(known, own, **query))[0] == found, query
    everything, _ = await listed(known, known.auth)
    known_here = ["another/1", second, first]  # other tests tell the same archive of theirs
    assert [each for each in everything if each in known_here] == known_here
    assert await listed(known, own, account="another") == ([], "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("after", "x"),
        ("limit", "0"),
        ("number", "12"),
        ("state", "lost"),
        ("from", "noon"),
        ("pool", "A b"),
        ("account", "A b"),
        ("param.website", "a\x00b"),
    ],
)
async def test_a_wrong_query_is_refused(site: Site, name: str, value: str) -> None:
    """400 that names the parameter."""
    answer = await site.client.get("/v1/calls", params={name: value}, headers=site.auth)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, name)


async def test_one_call(known: Site) -> None:
    """With its events and candidates; another account's is unknown."""
    await known.make_account(api_keys=[f"key-of-{known.account}"])
    for path in ("/v1/calls/1", f"/admin/v1/calls/1?account={known.account}"):
        headers = known.auth if "account" in path else key_of(known)
        call: dict[str, Any] = (await known.client.get(path, headers=headers)).json()
        assert (call["state"], call["duration_seconds"]) == ("ended", 60)
        assert (call["tuple"], call["probability"]) == ({"website": "one", "path": "/"}, 0.9)
        assert [each["event"] for each in call["events"]] == ["started", "answered", "ended"]
        click, nobody = call["candidates"]
        assert (click["why"], click["first_click"]) == ("click", {"gclid": "x"})
        assert nobody == {"why": "nobody", "probability": 0.1}
    other = Site(known.client, f"{known.account}-o", known.area)
    await other.make_account(api_keys=[f"key-of-{other.account}"])
    for method, path in (("GET", "/v1/calls/2"), ("POST", "/v1/calls/2/outcome")):
        refused = await known.client.request(
            method, path, json={"outcome": "sale"}, headers=key_of(other)
        )
        assert (refused.status_code, refused.json()["class"]) == (404, "UnknownCall")


async def test_an_outcome_is_told_of_a_call_that_is_known(known: Site) -> None:
    """Its number needn't be told, then; what is wrong is named."""
    number = known.number(5)
    await known.pool(0, numbers=[number])
    url, auth = f"/v1/calls/1/outcome?account={known.account}", known.auth
    outcome = {"outcome": "sale", "amount": 49.9, "currency": "USD"}
    answer = (await known.client.post(url, json=outcome, headers=auth)).json()
    assert (answer["number"], answer["event"], answer["counted"]) == (number, "outcome", False)
    wrong = await known.client.post(url, json={**outcome, "amount": "a lot"}, headers=auth)
    assert wrong.json()["errors"][0]["field"] == "amount"
    unknown = "/v1/calls/none/outcome"
    assert (await known.client.post(unknown, json=outcome, headers=auth)).status_code == 404
    told = await known.client.post(unknown, json={**outcome, "number": number}, headers=auth)
    assert told.status_code == 200


async def test_what_is_told_is_found(site: Site) -> None:
    """Through the ledger and the leader: the call with its holder; its outcome needs no number."""
    pool = await site.pool(1)
    number = (await site.ask(pool, website="one")).json()["number"]
    rows = [{"id": "c", "number": number, "event": event} for event in ("ended", "started")]
    told = await site.client.post("/v1/calls", json={"calls": rows}, headers=site.auth)
    assert told.status_code == 200
    url = f"/v1/calls/c?account={site.account}"

    async def found(state: str, outcome: str = "") -> dict[str, Any]:
        async with asyncio.timeout(60):
            while True:
                answer = await site.client.get(url, headers=site.auth)
                call: dict[str, Any] = answer.json()
                if answer.status_code == 200 and call.get("outcome", "") == outcome:
                    assert call["state"] == state
                    return call
                await asyncio.sleep(0.05)

    call = await found("ended")
    assert (call["pool"], call["holder"]["tuple"]) == (pool, {"website": "one"})
    outcome = await site.client.post(
        f"/v1/calls/c/outcome?account={site.account}", json={"outcome": "sale"}, headers=site.auth
    )
    assert outcome.json()["number"] == number
    assert len((await found("ended", "sale"))["events"]) == 3


@pytest.mark.parametrize("call_id", ["a/b", "/", "1/outcome", "a%2Fb", "v3:x/y+z==", "ü/?#"])
async def test_an_id_may_have_slashes(site: Site, settings: Settings, call_id: str) -> None:
    """Percent-encoded in the path, by which it is found and told the outcome of."""
    await site.make_account(api_keys=[f"key-of-{site.account}"])
    number = site.number(5)
    await site.pool(0, numbers=[number])
    await tell_in(
        settings.data_dir,
        event(call_id, "started", account=site.account, number=number),
        event("1", "started", account=site.account, number=number),
    )
    path = quote(call_id, safe="")
    for prefix, auth in (("/v1", key_of(site)), ("/admin/v1", site.auth)):
        query = {"account": site.account}
        found = await site.client.get(f"{prefix}/calls/{path}", params=query, headers=auth)
        assert (found.status_code, found.json().get("id")) == (200, call_id)
        told = await site.client.post(
            f"{prefix}/calls/{path}/outcome", json={"outcome": "sale"}, params=query, headers=auth
        )
        assert (told.status_code, told.json().get("id")) == (200, call_id), told.text
    unknown = await site.client.get("/v1/calls/1%2foutcome%2F", headers=key_of(site))
    assert unknown.status_code == 404
    assert "1/outcome/" in unknown.json()["detail"]
