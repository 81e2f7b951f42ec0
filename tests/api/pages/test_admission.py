"""Which pages may ask, and which pools they ask."""

from __future__ import annotations

from tests.api.conftest import Site


async def test_targets_choose_the_pools(site: Site) -> None:
    """Only pools whose target stands on the page give a number; an unknown target says so."""
    one, two = site.number(8001), site.number(8002)
    await site.pool(2, "one", swap_targets=[one])
    second = await site.pool(2, "two", swap_targets=[two])
    answer = (await site.swap(targets=f"{two},+18005550199")).json()
    assert [entry["pool"] for entry in answer["swaps"]] == [second]
    assert answer["none"] == [{"target": "+18005550199", "reason": "unknown_target"}]
    raw = f"/v1/swap?account={site.account}&targets={one}"  # the plus becomes a blank
    assert len((await site.client.get(raw)).json()["swaps"]) == 1
    assert len((await site.swap()).json()["swaps"]) == 2
    only = (await site.swap(pool=second)).json()
    assert [entry["target"] for entry in only["swaps"]] == [two]


async def test_a_pool_without_targets_answers_when_named(site: Site) -> None:
    """``pool`` asks a pool that replaces no number; the entry has an empty target."""
    pool = await site.pool()
    (entry,) = (await site.swap(pool=pool)).json()["swaps"]
    assert (entry["target"], entry["pool"]) == ("", pool)


async def test_only_the_accounts_pages_may_ask(site: Site) -> None:
    """CORS by exact origin; a script tag is known by its Referer; a page that hides is refused."""
    await site.make_account(origins=["https://www.shop.example"])
    await site.pool(swap_targets=[site.number(8000)])
    own = await site.swap({"origin": "https://www.shop.example"})
    assert own.headers["access-control-allow-origin"] == "https://www.shop.example"
    assert own.headers["vary"] == "Origin"
    assert (await site.swap({"referer": "https://www.shop.example/a?b"})).status_code == 200
    assert (await site.swap()).status_code == 200  # no browser at all
    foreign: list[dict[str, str]] = [
        {"origin": "https://shop.example"},
        {"origin": "https://www.shop.example.evil.example"},
        {"origin": "http://www.shop.example"},
        {"origin": "null"},
        {"referer": "https://evil.example/?https://www.shop.example"},
        {"sec-fetch-site": "cross-site"},
    ]
    for headers in foreign:
        response = await site.swap(headers)
        assert response.status_code == 403, headers
        assert "access-control-allow-origin" not in response.headers
        jsonp = await site.swap(headers, callback="cb")
        assert (jsonp.status_code, "ForbiddenOrigin" in jsonp.text) == (200, True)
        assert jsonp.headers["access-control-allow-origin"] == "*"  # the page may read why


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
        assert (await site.swap({"origin": origin})).status_code == 200, origin
        assert (await site.swap({"referer": f"{origin}/page"})).status_code == 200, origin


async def test_preflight_tells_what_is_allowed(site: Site) -> None:
    """OPTIONS answers for the account's pages."""
    url = f"/v1/swap?account={site.account}"
    response = await site.client.options(url, headers={"origin": "https://a.example"})
    assert response.status_code == 204
    assert response.headers["access-control-allow-methods"] == "GET, POST, OPTIONS"
