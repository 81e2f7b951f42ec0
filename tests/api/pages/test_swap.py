"""What pages ask: numbers to show, signs of life, and whether a number is ours."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from allocator.port import Store
from tests.api.conftest import Site, let_guarantees_end

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


async def swap(site: Site, headers: dict[str, str] | None = None, **query: str) -> httpx.Response:
    return await site.client.get(
        "/v1/swap", params={"account": site.account, **query}, headers=headers
    )


async def test_a_page_gets_its_number(site: Site) -> None:
    """Every field that the script writes numbers with, for each target of the account."""
    target = site.number(8000)
    pool = await site.pool(swap_targets=[target])
    response = await swap(site, url="https://shop.example/?website=one&location=top")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["access-control-allow-origin"] == "*"
    assert "set-cookie" not in response.headers
    (entry,) = response.json()["swaps"]
    number = entry["number"]
    area, exchange, line = number[2:5], number[5:8], number[8:]
    assert entry["target"] == target
    assert entry["national"] == entry["display"] == f"({area}) {exchange}-{line}"
    assert entry["international"] == f"+1 {area}-{exchange}-{line}"
    assert (entry["cc"], entry["state"], entry["pool"]) == ("1", "new", pool)
    assert 0 < entry["hold_ms"] <= 600_000
    story = await site.client.get(f"/admin/v1/numbers/{number}", headers=site.auth)
    assert story.json()["holder"]["tuple"] == {"website": "one", "location": "top", "path": "/"}


async def test_targets_choose_the_pools(site: Site) -> None:
    """Only pools whose target stands on the page give a number; an unknown target says so."""
    one, two = site.number(8001), site.number(8002)
    await site.pool(2, "one", swap_targets=[one])
    second = await site.pool(2, "two", swap_targets=[two])
    answer = (await swap(site, targets=f"{two},+18005550199")).json()
    assert [entry["pool"] for entry in answer["swaps"]] == [second]
    assert answer["none"] == [{"target": "+18005550199", "reason": "unknown_target"}]
    raw = f"/v1/swap?account={site.account}&targets={one}"  # the plus becomes a blank
    assert len((await site.client.get(raw)).json()["swaps"]) == 1
    assert len((await swap(site)).json()["swaps"]) == 2
    only = (await swap(site, pool=second)).json()
    assert [entry["target"] for entry in only["swaps"]] == [two]


async def test_a_pool_without_targets_answers_when_named(site: Site) -> None:
    """``pool`` asks a pool that replaces no number; the entry has an empty target."""
    pool = await site.pool()
    (entry,) = (await swap(site, pool=pool)).json()["swaps"]
    assert (entry["target"], entry["pool"]) == ("", pool)


async def test_jsonp_calls_the_function(site: Site) -> None:
    """With callback, a script that begins with an empty comment."""
    await site.pool(swap_targets=[site.number(8000)])
    response = await swap(site, callback="app.cb$1")
    assert response.headers["content-type"] == "application/javascript; charset=utf-8"
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.text.startswith("/**/app.cb$1(")
    assert response.text.endswith(");")
    answer = json.loads(response.text.removeprefix("/**/app.cb$1(").removesuffix(");"))
    assert len(answer["swaps"]) == 1


async def test_jsonp_hears_of_errors_with_200(client: httpx.AsyncClient) -> None:
    """A wrong account answers 200 with the error inside, escaped for a script."""
    query = {"account": "</script>\u2028", "callback": "cb"}
    response = await client.get("/v1/swap", params=query)
    assert response.status_code == 200
    assert "<" not in response.text
    assert "\u2028" not in response.text
    answer = json.loads(response.text.removeprefix("/**/cb(").removesuffix(");"))
    assert answer["error"]["class"] == "UnknownAccount"
    assert answer["swaps"] == []


@pytest.mark.parametrize("callback", ["alert(1)", "a-b", "", "1a", "x" * 65, "a\u00e4"])
async def test_a_callback_that_is_no_name_is_refused(site: Site, callback: str) -> None:
    """The name goes into a script: nothing but a name passes, and the refusal is plain JSON."""
    response = await swap(site, callback=callback)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/json"
    assert response.json()["error"]["class"] == "InvalidParameter"


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ({"account": ""}, 400, "MissingParameter"),
        ({"account": "nobody"}, 404, "UnknownAccount"),
        ({"pool": "nobodys"}, 404, "UnknownPool"),
        ({"visitor": "<b>"}, 400, "InvalidParameter"),
        ({"visitor": "v" * 129}, 400, "InvalidParameter"),
        ({"targets": "abc"}, 400, "InvalidParameter"),
        ({"targets": ",".join(["+18005550100"] * 101)}, 400, "InvalidParameter"),
    ],
)
async def test_bad_input_is_named(
    site: Site, query: dict[str, str], status: int, kind: str
) -> None:
    """Each refusal has a class and a message, and no swaps."""
    await site.pool(swap_targets=[site.number(8000)])
    response = await swap(site, **query)
    assert (response.status_code, response.json()["error"]["class"]) == (status, kind)
    assert response.json()["swaps"] == []


async def test_only_the_accounts_pages_may_ask(site: Site) -> None:
    """CORS by exact origin; a script tag is known by its Referer; a page that hides is refused."""
    await site.make_account(origins=["https://www.shop.example"])
    await site.pool(swap_targets=[site.number(8000)])
    own = await swap(site, {"origin": "https://www.shop.example"})
    assert own.headers["access-control-allow-origin"] == "https://www.shop.example"
    assert own.headers["vary"] == "Origin"
    assert (await swap(site, {"referer": "https://www.shop.example/a?b"})).status_code == 200
    assert (await swap(site)).status_code == 200  # no browser at all
    foreign: list[dict[str, str]] = [
        {"origin": "https://shop.example"},
        {"origin": "https://www.shop.example.evil.example"},
        {"origin": "http://www.shop.example"},
        {"origin": "null"},
        {"referer": "https://evil.example/?https://www.shop.example"},
        {"sec-fetch-site": "cross-site"},
    ]
    for headers in foreign:
        response = await swap(site, headers)
        assert response.status_code == 403, headers
        assert "access-control-allow-origin" not in response.headers
        jsonp = await swap(site, headers, callback="cb")
        assert (jsonp.status_code, "ForbiddenOrigin" in jsonp.text) == (200, True)


async def test_an_origin_counts_however_its_owner_wrote_it(site: Site) -> None:
    """Upper case, the port that goes without saying, a host in any script."""
    origins = ["HTTPS://Www.Shop.example", "https://b.example:443", "https://bücher.example"]
    await site.make_account(origins=origins)
    await site.pool(swap_targets=[site.number(8000)])
    for origin in (
        "https://www.shop.example",
        "https://b.example",
        "https://xn--bcher-kva.example",
    ):
        assert (await swap(site, {"origin": origin})).status_code == 200, origin
        assert (await swap(site, {"referer": f"{origin}/page"})).status_code == 200, origin


async def test_preflight_tells_what_is_allowed(site: Site) -> None:
    """OPTIONS answers for the account's pages."""
    url = f"/v1/swap?account={site.account}"
    response = await site.client.options(url, headers={"origin": "https://a.example"})
    assert response.status_code == 204
    assert response.headers["access-control-allow-methods"] == "GET, POST, OPTIONS"


@pytest.mark.parametrize(
    "headers",
    [
        {"user-agent": GOOGLEBOT},
        {"user-agent": "facebookexternalhit/1.1"},
        {"user-agent": "WhatsApp/2.23"},
        {"sec-purpose": "prefetch;prerender"},
        {"purpose": "prefetch"},
        {"x-moz": "prefetch"},
        {"x-purpose": "preview"},
    ],
)
async def test_crawlers_and_previews_take_nothing(site: Site, headers: dict[str, str]) -> None:
    """They see the page's own number, and the pool stays as it is."""
    pool = await site.pool(swap_targets=[site.number(8000)])
    answer = (await swap(site, headers)).json()
    assert (answer["swaps"], answer["none"][0]["reason"]) == ([], "not_a_visitor")
    assert (await site.status(pool))["unassigned"] == 5


async def test_a_pool_that_gives_none_says_why(site: Site) -> None:
    """Exhausted without overflow, and a visitor pool without a visitor."""
    target = site.number(8000)
    await site.pool(1, allow_overflow=False, swap_targets=[target])
    await swap(site, url="https://a.example/?website=1")
    answer = (await swap(site, url="https://a.example/?website=2")).json()
    assert answer["none"] == [
        {"target": target, "reason": "exhausted", "pool": f"{site.account}-pool"}
    ]
    await site.pool(1, "visitors", type="visitor", swap_targets=[site.number(8001)])
    answer = (await swap(site, targets=site.number(8001))).json()
    assert answer["none"][0]["reason"] == "invalid_parameter"
    assert answer["none"][0]["message"].startswith("visitor: ")


async def test_each_visitor_has_a_number_until_they_leave(site: Site, valkey_store: Store) -> None:
    """Ping keeps a visitor's number, release lets it go once its guarantee is over."""
    pool = await site.pool(1, type="visitor", swap_targets=[site.number(8000)])
    (entry,) = (await swap(site, visitor="v-1")).json()["swaps"]
    query = f"account={site.account}&visitor=v-1"
    ping = await site.client.get(f"/v1/ping?{query}")
    assert (ping.status_code, ping.content) == (204, b"")
    assert (await swap(site, visitor="v-2")).json()["swaps"][0]["state"] == "overflow"
    form = {"content-type": "text/plain;charset=UTF-8"}
    left = await site.client.post("/v1/release", content=query, headers=form)
    assert left.status_code == 204
    await let_guarantees_end(valkey_store, pool)
    (second,) = (await swap(site, visitor="v-2")).json()["swaps"]
    assert (second["state"], second["number"]) == ("recycled", entry["number"])


@pytest.mark.parametrize("path", ["/v1/ping", "/v1/release"])
async def test_signals_refuse_what_they_cannot_read(site: Site, path: str) -> None:
    """A body that is no form, or too long; an account that isn't there."""
    post = site.client.post
    json_body = await post(path, json={"account": site.account})
    assert json_body.status_code == 415
    long = await post(path, content=b"a=" + b"x" * 20_000, headers={"content-type": "text/plain"})
    assert long.status_code == 413
    assert (await post(f"{path}?account=nobody")).status_code == 404


async def test_verify_knows_our_signatures(site: Site) -> None:
    """The parameters of a tracking link are valid as they are, and nothing else is."""
    pool = await site.pool()
    redirect = await site.client.get(f"/t/{pool}?website=one")
    proof: dict[str, Any] = {
        name: values[0]
        for name, values in parse_qs(urlsplit(redirect.headers["location"]).query).items()
        if name.startswith("rp_")
    }
    verify = site.client.get
    assert (await verify("/v1/verify", params=proof)).json() == {"valid": True}
    for name, wrong in (
        ("rp_number", "+18005550100"),
        ("rp_exp", "1"),
        ("rp_sig", "AAAA"),
        ("rp_sig", "\u00e9"),
    ):
        answer = await verify("/v1/verify", params={**proof, name: wrong})
        assert answer.json() == {"valid": False}
    jsonp = await verify("/v1/verify", params={**proof, "callback": "cb"})
    assert jsonp.text == '/**/cb({"valid":true});'
    assert (await verify("/v1/verify", params={**proof, "rp_exp": "soon"})).status_code == 400
    assert (await verify("/v1/verify")).status_code == 400
