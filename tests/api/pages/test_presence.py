"""The visitor is still there, or leaves."""

from __future__ import annotations

from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest

from allocator.allocator import Allocator
from allocator.port import Store
from tests.api.conftest import Site, let_guarantees_end


def sent_on_to(url: str) -> str:
    """The number in a landing page's URL."""
    return parse_qs(urlsplit(url).query)["rp_number"][0]


async def test_each_visitor_has_a_number_until_they_leave(site: Site, valkey_store: Store) -> None:
    """Ping keeps a visitor's number, release lets it go once its guarantee is over."""
    pool = await site.pool(1, type="visitor", swap_targets=[site.number(8000)])
    (entry,) = (await site.swap(visitor="v-1")).json()["swaps"]
    query = f"account={site.account}&visitor=v-1"
    ping = await site.client.get(f"/v1/ping?{query}")
    assert (ping.status_code, ping.content) == (204, b"")
    assert (await site.swap(visitor="v-2")).json()["swaps"][0]["state"] == "overflow"
    form = {"content-type": "text/plain;charset=UTF-8"}
    left = await site.client.post("/v1/release", content=query, headers=form)
    assert left.status_code == 204
    await let_guarantees_end(valkey_store, pool)
    (second,) = (await site.swap(visitor="v-2")).json()["swaps"]
    assert (second["state"], second["number"]) == ("recycled", entry["number"])


async def until_moves(site: Site, store: Store, pool: str, number: str, **query: str) -> bool:
    """Whether pings extend the guarantee of a number; gives the store's clock time to move on."""

    async def guaranteed() -> int:
        holding = await Allocator(store).holder(pool, number)
        assert holding is not None
        return holding.guaranteed_until

    before = await guaranteed()
    headers = {"authorization": query.pop("key")} if "key" in query else {}
    for _ in range(20):
        parameters = {"account": site.account, **query}
        ping = await site.client.get("/v1/ping", params=parameters, headers=headers)
        assert (ping.status_code, ping.content) == (204, b"")
        if await guaranteed() != before:
            return True
    return False


async def test_a_ping_extends_only_what_its_client_was_given(
    site: Site, valkey_store: Store
) -> None:
    """Proven by ``keep`` of the answer; another's tuple, another account's text prove nothing."""
    key = f"server-key-0123456789abcdef{site.account}"
    await site.make_account(api_keys=[key])
    target = site.number(8000)
    pool = await site.pool(
        5, swap_targets=[target], parameters=["website"], min_duration="1h", hold_on_activity="1h"
    )
    mine, others = "https://p.example/?website=a", "https://p.example/?website=b"
    moves = partial(until_moves, site, valkey_store, pool)
    (given,) = (await site.swap(url=mine)).json()["swaps"]
    (other,) = (await site.swap(url=others)).json()["swaps"]
    assert await moves(given["number"], url=mine, held=given["keep"])
    assert not await moves(given["number"], url=mine)
    assert not await moves(other["number"], url=others, held=given["keep"])
    forged = given["keep"][:-4] + other["keep"][-4:]
    assert forged != given["keep"]
    assert not await moves(other["number"], url=others, held=forged)
    assert not await moves(other["number"], url=others, held="false,,x")
    assert not await moves(given["number"], held=given["keep"], targets="+18005550000")
    assert await moves(other["number"], url=others, key=f"Bearer {key}")


async def test_a_tracking_links_signature_proves_what_it_gave(
    site: Site, valkey_store: Store
) -> None:
    """As long as the number is that tuple's: it extends no other by a URL with other values."""
    pool = await site.pool(
        5,
        swap_targets=[site.number(9000)],
        parameters=["website"],
        min_duration="1h",
        hold_on_activity="1h",
    )
    moves = partial(until_moves, site, valkey_store, pool)
    landing = {}
    for website in "ab":
        link = await site.client.get(f"/t/{pool}?website={website}")
        landing[website] = link.headers["location"]
    numbers = {website: sent_on_to(url) for website, url in landing.items()}
    assert await moves(numbers["a"], url=landing["a"])
    mixed = landing["a"].replace("website=a", "website=b")
    assert not await moves(numbers["b"], url=mixed)
    assert not await moves(numbers["a"], url=landing["a"].partition("&rp_")[0])


async def test_a_visitor_that_is_not_sticky_keeps_nothing_by_the_proof(site: Site) -> None:
    """What proves a number to a ping gives it to no later visit."""
    await site.pool(
        5, swap_targets=[site.number(8000)], parameters=["website"], hold_on_activity="1h"
    )
    (given,) = (await site.swap(url="https://p.example/?website=a")).json()["swaps"]
    query = {"url": "https://p.example/?website=b", "held": given["keep"]}
    (other,) = (await site.swap(**query)).json()["swaps"]
    assert (other["state"], other["number"] != given["number"]) == ("new", True)


@pytest.mark.parametrize("path", ["/v1/ping", "/v1/release"])
async def test_a_form_that_cannot_be_read_is_refused(site: Site, path: str) -> None:
    """A body that is no form, or too long; an account that isn't there."""
    post = site.client.post
    json_body = await post(path, json={"account": site.account})
    assert json_body.status_code == 415
    long = await post(path, content=b"a=" + b"x" * 20_000, headers={"content-type": "text/plain"})
    assert long.status_code == 413
    assert (await post(f"{path}?account=nobody")).status_code == 404
