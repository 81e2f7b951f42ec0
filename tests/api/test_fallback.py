"""A pool that falls back on another one: every way in which an answer leaves, over HTTP."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from allocator.port import Store
from tests.api.conftest import KEY, Site, let_guarantees_end, sent_on

PAGE = "https://p.example/?group=g&keyword="


class Pools:
    """A pool of keywords with one number, which falls back on one of groups."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.target = site.number(8000)
        self.secret = f"key-of-{site.account}"
        self.groups = f"{site.account}-groups"
        self.keywords = f"{site.account}-keywords"

    async def make(self, groups: dict[str, Any] | None = None, **keywords: Any) -> None:
        more = {"budget": {"share": 0, "rate": 0}} | (groups or {})
        await self.site.pool(2, "groups", **({"parameters": ["group"]} | more))
        await self.site.pool(
            1,
            "keywords",
            parameters=["group", "keyword"],
            swap_targets=[self.target],
            overflow_number=self.site.number(9998),
            fallback=self.groups,
            budget={"share": 0, "rate": 0},
            **keywords,
        )

    async def ask(self, keyword: str, form: str = "json", **more: str) -> httpx.Response:
        return await self.site.ask(self.keywords, form, group="g", keyword=keyword, **more)

    async def swap(self, keyword: str, **more: str) -> dict[str, Any]:
        answer = (await self.site.swap(url=f"{PAGE}{keyword}", **more)).json()
        (swap,) = answer["swaps"]
        found: dict[str, Any] = swap
        return found


@pytest.fixture
def pools(site: Site) -> Pools:
    return Pools(site)


async def test_the_number_api_says_which_pool_spoke(pools: Pools) -> None:
    """In each form; positions are the first pool's; its own number has no such fields."""
    await pools.make()
    own = (await pools.ask("one")).json()
    assert (own["state"], "pool" in own, "fallback_from" in own) == ("new", False, False)
    answer = (await pools.ask("two")).json()
    assert (answer["pool"], answer["fallback_from"]) == (pools.groups, pools.keywords)
    assert (answer["state"], "overflow" in answer) == ("new", False)
    assert answer["tracking_url"].endswith(f"/t/{pools.keywords}?group=g&keyword=two")
    xml = await pools.ask("three", "xml")
    assert f"<Pool>{pools.groups}</Pool><FallbackFrom>{pools.keywords}</FallbackFrom>" in xml.text
    names, values = (line.split(",") for line in (await pools.ask("four", "csv")).text.split())
    row = dict(zip(names, values, strict=True))
    assert (row["State"], row["Pool"], row["FallbackFrom"]) == (
        *("held", pools.groups),
        pools.keywords,
    )
    by_place = (await pools.site.ask(pools.keywords, param1="g", param2="five")).json()
    assert by_place["number"] == answer["number"]
    assert (await pools.site.ask(pools.keywords, group="h", keyword="six")).json()["state"] == "new"
    last = (await pools.site.ask(pools.keywords, group="i", keyword="seven")).json()
    assert (last["state"], last["number"]) == ("overflow", pools.site.number(9998))
    assert "pool" not in last


async def test_rows_of_a_bulk_request_are_handed_on_one_by_one(pools: Pools) -> None:
    """Each by itself; the first pool's overflow when both have nothing."""
    await pools.make()
    path = f"{pools.keywords}/allocate_number.json?ring_pool_key={KEY}"
    asked = [("g", "a"), ("g", "b"), ("g", "c"), ("h", "d"), ("i", "e")]
    rows = [{"api_suffix": f"{path}&group={group}&keyword={word}"} for group, word in asked]
    for turn in range(2):
        reply = await pools.site.client.post("/api/v1/bulk.json", json={"requests": rows})
        found = reply.json()["responses"]
        assert [each.get("pool") for each in found] == [None, *[pools.groups] * 3, None]
        assert found[1]["number"] == found[2]["number"] != found[3]["number"]
        assert found[4]["number"] == pools.site.number(9998)
        assert found[3]["state"] == ("held" if turn else "new")


async def test_pages_and_servers_are_told(pools: Pools) -> None:
    """JSON, JSONP, a server's headers: the number is the fallback's, the page the first pool's."""
    await pools.make(format="international")
    await pools.site.make_account(api_keys=[pools.secret])
    own = await pools.swap("one")
    assert (own["pool"], "fallback_from" in own) == (pools.keywords, False)
    swap = await pools.swap("two")
    assert (swap["pool"], swap["fallback_from"]) == (pools.groups, pools.keywords)
    assert (swap["target"], swap["display"][:2]) == (pools.target, "+1")
    assert list(swap)[-1] == "hold_ms"
    script = await pools.site.swap(url=f"{PAGE}three", callback="f")
    found = json.loads(script.text.partition("(")[2].rpartition(")")[0])
    assert found["swaps"][0]["fallback_from"] == pools.keywords
    server = await pools.site.client.get(
        "/v1/swap",
        params={"url": f"{PAGE}four"},
        headers={"authorization": f"Bearer {pools.secret}"},
    )
    assert server.headers[f"x-ringpool-pool-{pools.target[1:]}"] == pools.groups
    assert server.json()["swaps"][0]["number"] == swap["number"]


async def test_a_link_names_the_pool_and_its_number_replaces_the_links_targets(
    pools: Pools, valkey_store: Store
) -> None:
    """`rp_pool` is the link's; the landing page is shown the number, and its ping extends it."""
    await pools.make({"hold_on_activity": "1h"})
    get = pools.site.client.get
    own = sent_on(await get(f"/t/{pools.keywords}?group=g&keyword=one&rp_fallback=forged"))
    assert "rp_fallback" not in own
    for _ in range(2):
        link = await get(f"/t/{pools.keywords}?group=g&keyword=two")
        sent = sent_on(link)
        assert (sent["rp_pool"], sent["rp_fallback"]) == ([pools.keywords], [pools.groups])
    verified = {name: sent[name][0] for name in ("rp_number", "rp_pool", "rp_exp", "rp_sig")}
    assert (await get("/v1/verify", params=verified)).json() == {"valid": True}
    page = {"account": pools.site.account, "url": link.headers["location"]}
    (swap,) = (await get("/v1/swap", params=page)).json()["swaps"]
    assert (swap["target"], swap["number"]) == (pools.target, sent["rp_number"][0])
    await let_guarantees_end(valkey_store, pools.groups)
    assert (await pools.site.status(pools.groups))["held"] == 0
    assert (await get("/v1/ping", params=page)).status_code == 204
    assert (await pools.site.status(pools.groups))["held"] == 1


async def test_clicks_count_where_the_number_is_and_its_own_comes_back(
    pools: Pools, valkey_store: Store
) -> None:
    """No answer of a fallback is remembered: as soon as there is one, the tuple has its own."""
    await pools.make()
    await pools.swap("one")
    for _ in range(5):
        assert (await pools.swap("two"))["pool"] == pools.groups
        assert (await pools.ask("two")).json()["pool"] == pools.groups
    first, second = await pools.site.status(pools.keywords), pools.groups
    assert (first["new_total"], first["overflow_total"]) == (1, 10)
    await let_guarantees_end(valkey_store, pools.keywords)
    assert (await pools.swap("two"))["pool"] == pools.keywords
    holder = await pools.site.client.get(
        f"/admin/v1/numbers/{pools.site.number(sum(b'groups') % 50 * 100)}", headers=pools.site.auth
    )
    known = holder.json()["holder"]
    assert (known["pool"], known["tuple"]) == (second, {"group": "g"})
    assert known["first_click"]["fallback_from"] == pools.keywords


@pytest.mark.parametrize("sticky", [False, True])
async def test_what_a_visitor_brings_back(pools: Pools, valkey_store: Store, sticky: bool) -> None:
    """Of a sticky pool they keep the fallback's number; pings extend it there in any case."""
    await pools.make({"hold_on_activity": "30m"}, sticky=sticky)
    await pools.swap("one")
    swap = await pools.swap("two")
    await let_guarantees_end(valkey_store, pools.keywords)
    await let_guarantees_end(valkey_store, pools.groups)
    before = await pools.site.status(pools.groups)
    assert before["held"] == 0
    params = {"account": pools.site.account, "url": f"{PAGE}two", "held": swap["keep"]}
    assert (await pools.site.client.get("/v1/ping", params=params)).status_code == 204
    after = await pools.site.status(pools.groups)
    assert (after["held"], after["held_total"]) == (1, before["held_total"])
    again = await pools.swap("two", held=swap["keep"])
    if sticky:
        assert (again["number"], again["fallback_from"]) == (swap["number"], pools.keywords)
        assert again["keep"] == swap["keep"]
    else:
        assert (again["pool"], "fallback_from" in again) == (pools.keywords, False)


async def test_a_servers_ping_and_a_visitor_that_leaves(pools: Pools, valkey_store: Store) -> None:
    """Where the visit has no number of the first pool, it is the fallback's that is meant."""
    await pools.site.make_account(api_keys=[pools.secret])
    groups = {"type": "visitor", "parameters": [], "hold_on_activity": "30m"}
    await pools.make(groups)
    await pools.swap("one")
    assert (await pools.swap("two", visitor="v1"))["pool"] == pools.groups
    second = await pools.swap("two", visitor="v2")
    await let_guarantees_end(valkey_store, pools.groups)
    page = {"account": pools.site.account, "url": f"{PAGE}two"}
    get = pools.site.client.get
    assert (await get("/v1/release", params={**page, "visitor": "v2"})).status_code == 204
    third = await pools.swap("two", visitor="v3")  # though v1 is idle for longer
    assert (third["state"], third["number"]) == ("recycled", second["number"])
    assert (await pools.site.status(pools.groups))["held"] == 1
    key = {"authorization": f"Bearer {pools.secret}"}
    server = {"url": f"{PAGE}two", "visitor": "v1"}
    assert (await get("/v1/ping", params=server, headers=key)).status_code == 204
    assert (await pools.site.status(pools.groups))["held"] == 2


async def test_its_own_rules_hold(pools: Pools) -> None:
    """`values`, `strict` and budgets of the fallback; a network over its budget isn't handed on."""
    await pools.make({"values": {"group": ["g"]}, "strict": True})
    await pools.ask("one")
    other = (await pools.site.ask(pools.keywords, group="h", keyword="x")).json()
    assert other["state"] == "overflow"
    unread = (await pools.ask("two", misspelt="1")).json()
    assert (unread["state"], unread["ignored"]) == ("overflow", ["misspelt"])
    assert (await pools.ask("two")).json()["pool"] == pools.groups


async def test_a_call_to_a_shared_overflow_number_is_the_first_pools(pools: Pools) -> None:
    """The pool that it fell back on was asked last, and didn't give it."""
    await pools.make({"overflow_number": pools.site.number(9998)})
    for group in "ghi":
        await pools.site.ask(pools.keywords, group=group, keyword=f"of-{group}")
    last = (await pools.site.ask(pools.keywords, group="j", keyword="x")).json()
    assert last["number"] == pools.site.number(9998)
    call = {"number": last["number"], "id": "call-1"}
    credit = await pools.site.client.post("/admin/v1/calls", json=call, headers=pools.site.auth)
    assert (credit.json()["pool"], credit.json()["overflow"]) == (pools.keywords, True)


async def test_explain_and_why(pools: Pools) -> None:
    """What an operator is told before and after."""
    await pools.make()
    await pools.swap("one")
    params = {"account": pools.site.account, "url": f"{PAGE}two"}
    get, auth = pools.site.client.get, pools.site.auth
    explained = (await get("/admin/v1/explain", params=params, headers=auth)).json()
    (target,) = explained["targets"]
    assert (target["pool"], target["fallback_from"]) == (pools.groups, pools.keywords)
    assert (target["state"], target["tuple"]) == ("new", {"group": "g"})
    path = f"/admin/v1/pools/{pools.keywords}/refusals"
    before = (await get(path, headers=auth)).json()
    assert (before["why"], before["refusals"]) == (
        *("Nothing was refused within the last 7 days.",),
        [],
    )
    await pools.swap("two")
    told = (await get(path, headers=auth)).json()
    assert told["why"].startswith("All 1 held; the first is due ")
    assert f"pool {pools.groups} was asked instead; 2 numbers would have served it." in told["why"]
    assert told["refusals"][0]["tuple"] == {"group": "g", "keyword": "two"}
    assert (await get(path)).status_code == 401


async def test_a_refused_edit_names_the_field(pools: Pools) -> None:
    """A circle is refused, and a pool that is fallen back on stays."""
    await pools.make()
    client, auth = pools.site.client, pools.site.auth
    path = f"/admin/v1/pools/{pools.groups}"
    refused = await client.patch(path, json={"fallback": pools.keywords}, headers=auth)
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert (error["field"], "leads back" in error["message"]) == ("fallback", True)
    kept = await client.delete(path, headers=auth)
    assert (kept.status_code, kept.json()["detail"]) == (
        409,
        f"pool {pools.keywords} falls back on {pools.groups}",
    )
