"""What one account learns of another, and what it can take from it: nothing."""

from __future__ import annotations

from typing import Any

import pytest

from allocator.allocator import Allocator
from allocator.port import Store
from allocator.stocks import Stocks
from ringpool.catalog.catalog import Catalog
from tests.api.conftest import Site, let_guarantees_end


async def another(site: Site) -> tuple[Site, dict[str, str]]:
    """Another account, whose numbers are of the same area, and its key as a header."""
    other = Site(site.client, f"{site.account}-o", site.area)
    key = f"key-of-{other.account}"
    await other.make_account(api_keys=[key])
    return other, {"authorization": f"Bearer {key}"}


async def test_no_refusal_tells_whose_something_is(site: Site) -> None:
    """A number, stock or id of another account: the same words, whatever it is there."""
    other, theirs = await another(site)
    held = await site.pool(1)
    stock = f"{site.account}-stock"
    made = await site.put(
        f"/admin/v1/stocks/{stock}", {"account": site.account, "numbers": [site.number(90)]}
    )
    assert made.status_code == 201
    first = sum(b"pool") % 50 * 100
    document = {"account": other.account, "parameters": ["a"], "allow_overflow": False}
    url = f"/admin/v1/pools/{other.account}-x"
    tries: list[tuple[dict[str, Any], str]] = [
        ({"numbers": [site.number(first)]}, f"{site.number(first)} isn't free"),
        ({"numbers": [site.number(90)]}, f"{site.number(90)} isn't free"),
        ({"stock": stock}, f"there is no stock {stock}"),
    ]
    for field, message in tries:
        refused = await site.client.put(url, json=document | field, headers=theirs)
        assert refused.status_code == 422
        assert [error["message"] for error in refused.json()["errors"]] == [message]
        assert site.account not in refused.text.replace(other.account, "").replace(stock, "")
    assert (await site.client.put(url, json=document, headers=theirs)).status_code == 201
    added = await site.client.post(
        f"{url}/numbers", json={"numbers": [site.number(first)]}, headers=theirs
    )
    assert added.json()["errors"][0]["message"] == f"{site.number(first)} isn't free"
    told = await site.client.post(
        f"{url}/numbers", json={"numbers": [site.number(first)]}, headers=site.auth
    )
    assert f"belongs to pool {held}" in told.text  # the administrator is told
    for pool in (held, f"{other.account}-x"):
        again = await site.client.post(
            "/admin/v1/pools", json=document | {"id": pool}, headers=theirs
        )
        assert (again.status_code, again.json()["detail"]) == (409, f"{pool} exists already")


async def test_a_draining_number_of_another_tells_no_time(site: Site) -> None:
    """When its guarantee is over would tell of a visit."""
    other, theirs = await another(site)
    pool = await site.pool(1)
    number = (await site.ask(pool, website="one")).json()["number"]
    await site.client.patch(f"/admin/v1/pools/{pool}", json={"numbers": []}, headers=site.auth)
    document = {
        "account": other.account,
        "parameters": ["a"],
        "allow_overflow": False,
        "numbers": [number],
    }
    refused = await site.client.put(
        f"/admin/v1/pools/{other.account}-x", json=document, headers=theirs
    )
    assert refused.json()["errors"][0]["message"] == f"{number} isn't free"


@pytest.mark.parametrize("role", ["swap_targets", "overflow_number", "destination"])
async def test_a_role_at_one_account_blocks_no_other(site: Site, role: str) -> None:
    """In whichever order: a number printed, or called, at one may be handed out by another."""
    other, _ = await another(site)
    named = site.number(80)
    value = [named] if role == "swap_targets" else named
    await site.pool(1, **{role: value})
    pool = await other.pool(0, numbers=[named])
    assert (await other.ask(pool, website="one")).json()["number"] == named
    await site.pool(1, name="second", **({role: value} | {"when": {"host": "x.example"}}))
    refused = await other.put(
        f"/admin/v1/pools/{other.account}-own",
        {"account": other.account, "parameters": ["a"], "allow_overflow": False, role: value},
    )
    assert refused.status_code == 422
    assert f"{named} is handed out: it is in pool {pool}" in refused.text


async def test_a_pool_moves_only_where_its_numbers_may_be(site: Site) -> None:
    """To an account whose pages print one of them it doesn't go."""
    other, _ = await another(site)
    printed, free = site.number(80), site.number(81)
    pool = await site.pool(0, numbers=[printed])
    await other.pool(0, swap_targets=[printed])
    url = f"/admin/v1/pools/{pool}"
    move = {"account": other.account}
    refused = await site.client.patch(url, json=move, headers=site.auth)
    assert refused.status_code == 422
    assert f"{printed} is swap_targets[0] of pool" in refused.text
    await site.client.patch(url, json={"numbers": [free]}, headers=site.auth)
    moved = await site.client.patch(url, json=move, headers=site.auth)
    assert (moved.status_code, moved.json()["account"]) == (200, other.account)
    assert (await site.status(pool))["size"] == 1


async def test_a_call_is_credited_to_who_has_the_number(site: Site) -> None:
    """Another account that names it as its overflow number gets no call of it."""
    other, theirs = await another(site)
    pool = await site.pool(1)
    number = (await site.ask(pool, website="one")).json()["number"]
    named = await other.pool(0, overflow_number=number)
    call = {"id": f"{pool}-1", "number": number}
    credit = (await site.client.post("/admin/v1/calls", json=call, headers=site.auth)).json()
    assert (credit["pool"], credit["tuple"]) == (pool, {"website": "one"})
    own = await site.client.post("/admin/v1/calls", json=call, headers=theirs)
    assert (own.json()["pool"], own.json()["overflow"]) == (named, True)


async def test_a_quota_limits_what_an_account_has(site: Site, valkey_store: Store) -> None:
    """Pools, stocks and numbers in all of them, one that drains included; the quota is named."""
    key = f"key-of-{site.account}"
    quota = {"pools": 2, "stocks": 1, "numbers": 3}
    await site.make_account(api_keys=[key], quota=quota)
    auth = {"authorization": f"Bearer {key}"}
    client, account = site.client, site.account
    one = await site.pool(2, name="one")
    await site.pool(0, name="two")

    async def refused(what: str, path: str, **body: Any) -> None:
        body = {"account": account, **body}
        if path.startswith("pools"):
            body |= {"parameters": ["a"], "allow_overflow": False}
        answer = await client.put(f"/admin/v1/{path}", json=body, headers=auth)
        assert (answer.status_code, answer.json()["class"]) == (403, "QuotaExceeded"), answer.text
        assert answer.json()["errors"][0]["field"] == f"quota.{what}"

    await refused("pools", f"pools/{account}-three")
    stock = f"stocks/{account}-stock"
    await refused("numbers", stock, numbers=[site.number(1), site.number(2)])
    made = {"account": account, "numbers": [site.number(1)]}
    assert (await client.put(f"/admin/v1/{stock}", json=made, headers=auth)).status_code == 201
    await refused("stocks", f"stocks/{account}-other")
    numbers = f"/admin/v1/pools/{one}/numbers"
    more = {"numbers": [site.number(5)]}
    assert (await client.post(numbers, json=more, headers=auth)).status_code == 403
    held = (await site.ask(one, website="one")).json()["number"]
    for _ in range(2):  # a held number drains: it counts until it has left, and may come back
        gone = await client.request("DELETE", numbers, json={"numbers": [held]}, headers=auth)
        assert gone.status_code == 204
        assert (await client.post(numbers, json=more, headers=auth)).status_code == 403
        back = await client.post(numbers, json={"numbers": [held]}, headers=auth)
        assert back.status_code == 204
    await client.request("DELETE", numbers, json={"numbers": [held]}, headers=auth)
    await let_guarantees_end(valkey_store, one)
    catalog = Catalog(valkey_store, Allocator(valkey_store), Stocks(valkey_store))
    assert await catalog.hand_on(one) == 1
    listed = {"numbers": [site.number(5), site.number(6)]}
    replaced = await client.patch(f"/admin/v1/pools/{one}", json=listed, headers=auth)
    assert replaced.status_code == 200, replaced.text
    # A quota below what there is takes nothing, and lets nothing be added.
    lowered = await client.patch(
        f"/admin/v1/accounts/{account}", json={"quota": {"numbers": 1}}, headers=site.auth
    )
    assert lowered.json()["quota"] == quota | {"numbers": 1}
    named = await client.patch(f"/admin/v1/pools/{one}", json={"name": "n"}, headers=auth)
    assert named.status_code == 200
    assert (
        await client.post(numbers, json={"numbers": [site.number(7)]}, headers=auth)
    ).status_code == 403
    lifted = await client.patch(
        f"/admin/v1/accounts/{account}", json={"quota": None}, headers=site.auth
    )
    assert "quota" not in lifted.json()
    assert (
        await client.post(numbers, json={"numbers": [site.number(7)]}, headers=auth)
    ).status_code == 204
