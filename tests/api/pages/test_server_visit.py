"""Numbers for pages that a server renders."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.api.conftest import ADMIN, KEY, Site
from tests.api.pages.test_swap import GOOGLEBOT

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
PAGE = "https://www.shop.example/?website=one"


def key_of(site: Site) -> str:
    return f"{site.account}-server-key-0123456789"


async def with_key(site: Site, **account: Any) -> str:
    """Give the account a key, origins, and a pool with a target, which is returned."""
    origins = ["https://www.shop.example"]
    await site.make_account(api_keys=[key_of(site)], **({"origins": origins} | account))
    target = site.number(8000)
    await site.pool(swap_targets=[target])
    return target


async def ask(site: Site, headers: dict[str, str] | None = None, **query: str) -> httpx.Response:
    bearer = {"authorization": f"Bearer {key_of(site)}"}
    return await site.client.get("/v1/swap", params=query, headers=bearer | (headers or {}))


async def last_click(site: Site, number: str) -> dict[str, str]:
    response = await site.client.get(f"/admin/v1/numbers/{number}", headers=site.auth)
    click: dict[str, str] = response.json()["holder"]["last_click"]
    return click


async def test_a_server_gets_its_visitors_number(site: Site) -> None:
    """The key says whose pools: no origin, no account. What is given is the visitor's."""
    target = await with_key(site)
    given = {"url": PAGE, "ref": "https://blog.example/", "visitor": "v1", "agent": IPHONE}
    for state in ("new", "held", "held"):  # from the store, then remembered
        response = await ask(site, **given, address="2001:db8::7", targets=target)
        (entry,) = response.json()["swaps"]
        assert (entry["state"], entry["target"]) == (state, target)
        assert 0 < entry["hold_ms"] <= 600_000
        assert response.headers["cache-control"] == "private, no-store"
        assert "access-control-allow-origin" not in response.headers
    click = await last_click(site, entry["number"])
    assert click["referrer"] == "https://blog.example/"
    assert click["device"] == "phone"
    assert "2001" not in str(click)


async def test_a_page_and_a_server_show_a_visitor_the_same(site: Site) -> None:
    """One source, one number, whoever asks; each is answered in its own way."""
    target = await with_key(site)
    ours = await ask(site, url=PAGE, targets=target)
    page = await site.swap({"origin": "https://www.shop.example"}, url=PAGE, targets=target)
    again = await ask(site, url=PAGE, targets=target)
    numbers = {response.json()["swaps"][0]["number"] for response in (ours, page, again)}
    assert len(numbers) == 1
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["access-control-allow-origin"] == "https://www.shop.example"
    assert not [name for name in page.headers if name.startswith("x-ringpool")]
    foreign = await site.swap({"origin": "https://evil.example"}, url=PAGE, targets=target)
    assert foreign.status_code == 403


async def test_the_servers_own_agent_does_not_count(site: Site) -> None:
    """A crawler is who the server says is one; HEAD and a prefetch that is sent along take none."""
    await with_key(site)
    pool = f"{site.account}-pool"
    crawler = await ask(site, url=PAGE, agent=GOOGLEBOT)
    assert crawler.json()["none"][0]["reason"] == "not_a_visitor"
    prefetch = await ask(site, {"sec-purpose": "prefetch"}, url=PAGE)
    assert prefetch.json()["swaps"] == []
    bearer = {"authorization": f"Bearer {key_of(site)}"}
    assert (await site.client.head("/v1/swap", headers=bearer)).status_code == 200
    assert (await site.status(pool))["unassigned"] == 5
    visitor = await ask(site, {"user-agent": GOOGLEBOT}, url=PAGE, agent="Mozilla/5.0")
    assert visitor.json()["swaps"][0]["state"] == "new"


@pytest.mark.parametrize(
    ("style", "shown"),
    [
        ("national", "({0}) {1}-{2}"),
        ("international", "+1 {0}-{1}-{2}"),
        ("e164", "+1{0}{1}{2}"),
        ("as_found", "({0}) {1}-{2}"),
    ],
)
async def test_a_target_may_have_a_format(site: Site, style: str, shown: str) -> None:
    """``display`` is written in it, of a remembered answer too; the target is named without it."""
    target = await with_key(site)
    for _ in range(2):
        response = await ask(site, url=PAGE, targets=f"{target}:{style}")
        (entry,) = response.json()["swaps"]
        number = entry["number"]
        assert entry["target"] == target
        assert entry["display"] == shown.format(number[2:5], number[5:8], number[8:])


async def test_each_number_is_in_headers_too(site: Site) -> None:
    """A server that reads no JSON finds it under its target's digits."""
    target = await with_key(site)
    response = await ask(site, url=PAGE, targets=f"{target}:international")
    (entry,) = response.json()["swaps"]
    assert response.headers[f"x-ringpool-number-{target[1:]}"] == entry["number"]
    assert response.headers[f"x-ringpool-display-{target[1:]}"] == entry["display"]
    named = await site.pool(name="named")
    response = await ask(site, url=PAGE, pool=named)
    assert response.headers["x-ringpool-number"] == response.json()["swaps"][0]["number"]


async def test_headers_stand_for_what_needs_escaping(site: Site) -> None:
    """As nginx sends a visitor's URL: raw. A parameter wins; a page's headers mean nothing."""
    target = await with_key(site)
    raw = {"x-ringpool-url": "https://www.shop.example/a?website=a&location=b%26c&gclid=1"}
    raw |= {"x-ringpool-agent": IPHONE, "x-ringpool-address": "192.0.2.1"}
    (entry,) = (await ask(site, raw, targets=target)).json()["swaps"]
    report = await site.client.get(f"/admin/v1/numbers/{entry['number']}", headers=site.auth)
    holder = report.json()["holder"]
    assert holder["tuple"] == {"website": "a", "location": "b&c", "path": "/a"}
    assert holder["last_click"]["device"] == "phone"
    written = f"https://www.shop.example/a?website=a&location={quote('b&c')}"
    (same,) = (await ask(site, {"x-ringpool-url": PAGE}, url=written)).json()["swaps"]
    assert same["number"] == entry["number"]
    origin = {"origin": "https://www.shop.example"}
    (page,) = (await site.swap(origin | raw, targets=target)).json()["swaps"]
    assert page["number"] != entry["number"]


@pytest.mark.parametrize(
    ("query", "status", "kind", "field"),
    [
        ({"address": "somewhere"}, 400, "InvalidParameter", "address: "),
        ({"address": "192.0.2.1, 192.0.2.2"}, 400, "InvalidParameter", "address: "),
        ({"visitor": "<b>"}, 400, "InvalidParameter", "visitor: "),
        ({"targets": "+18005550100:dotted"}, 400, "InvalidParameter", "targets: "),
        (
            {"targets": "+18005550100:e164,+18005550100"},
            400,
            "InvalidParameter",
            "targets: +18005550100 is there twice",
        ),
        ({"callback": "cb"}, 400, "InvalidParameter", "callback: "),
        ({"account": "another"}, 403, "Forbidden", "this key is for account "),
        ({"pool": "nobodys"}, 404, "UnknownPool", "there is no pool"),
    ],
)
async def test_bad_input_is_named(
    site: Site, query: dict[str, str], status: int, kind: str, field: str
) -> None:
    """Each refusal has a class, names the field, and takes nothing."""
    await with_key(site)
    response = await ask(site, **query)
    error = response.json()["error"]
    assert (response.status_code, error["class"]) == (status, kind)
    assert error["message"].startswith(field)
    assert (await site.status(f"{site.account}-pool"))["unassigned"] == 5


async def test_only_an_accounts_key_will_do(site: Site) -> None:
    """Not a pool's key, the administrator's token, or a key that was taken away."""
    await with_key(site)
    for token in (KEY, ADMIN, "no-such-key-0123456789"):
        wrong = await ask(site, {"authorization": f"Bearer {token}"}, url=PAGE)
        assert (wrong.status_code, wrong.json()["error"]["class"]) == (401, "Unauthorized")
    for _ in range(2):
        assert (await ask(site, url=PAGE)).status_code == 200
    await site.make_account(api_keys=[])
    assert (await ask(site, url=PAGE)).status_code == 401


async def test_another_accounts_pool_is_not_there(site: Site) -> None:
    """A key reaches its own account's pools alone."""
    await with_key(site)
    theirs = Site(site.client, f"{site.account}-b", f"{int(site.area) + 1}")
    await theirs.make_account()
    pool = await theirs.pool(name="theirs")
    response = await ask(site, url=PAGE, pool=pool)
    assert (response.status_code, response.json()["error"]["class"]) == (404, "UnknownPool")
