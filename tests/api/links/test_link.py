"""Tracking links."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.api.conftest import KEY, Site

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1"
)


def query(response: httpx.Response) -> dict[str, list[str]]:
    """The parameters that a redirect carries."""
    assert response.status_code == 302, response.text
    return parse_qs(urlsplit(response.headers["location"]).query, keep_blank_values=True)


async def test_a_click_goes_to_the_landing_page_with_a_signed_number(site: Site) -> None:
    """The visitor's own parameters stay as they came, ours follow, the fragment stays last."""
    pool = await site.pool(landing_url="https://landing.example/offer?a=1#top")
    response = await site.client.get(f"/t/{pool}?website=one&gclid=x%2Fy&empty=&q=a+b%26c")
    location = response.headers["location"]
    assert location.startswith(
        "https://landing.example/offer?a=1&website=one&gclid=x%2Fy&empty=&q=a+b%26c&rp_number=%2B1"
    )
    assert location.endswith("#top")
    assert response.headers["cache-control"] == "no-store"
    given = query(response)
    assert given["rp_pool"] == [pool]
    held = (await site.ask(pool, website="one")).json()
    assert (held["state"], held["number"]) == ("held", given["rp_number"][0])


async def test_a_landing_page_may_be_written_in_any_script(site: Site) -> None:
    """A redirect is ASCII: the host in IDNA, the rest percent-encoded."""
    pool = await site.pool(landing_url="https://bücher.example/ü?ä=1#ö")
    location = (await site.client.get(f"/t/{pool}?website=one")).headers["location"]
    assert location.startswith("https://xn--bcher-kva.example/%C3%BC?%C3%A4=1&website=one&rp_")
    assert location.endswith("#%C3%B6")


async def test_the_tracking_url_of_the_number_api_leads_to_the_same_number(site: Site) -> None:
    """Odd characters survive the way from a tuple to a link and back."""
    pool = await site.pool()
    values = {"website": "ä & =+%41/?#'\"<>", "location": "", "path": "日本"}
    answer = (await site.ask(pool, **values)).json()
    given = query(await site.client.get(answer["tracking_url"]))
    assert given["rp_number"] == [answer["number"]]
    assert {name: given[name][0] for name in values} == values


async def test_each_publisher_has_a_number_of_its_own(site: Site) -> None:
    """One placement is two sources when two publishers send it, by API and by link alike."""
    pool = await site.pool()
    publishers = [f"{site.account}-pub-{index}" for index in (1, 2)]
    for publisher in publishers:
        response = await site.client.put(
            f"/admin/v1/accounts/{publisher}", json={}, headers=site.auth
        )
        assert response.status_code == 201
    numbers = {"": (await site.ask(pool, website="one")).json()["number"]}
    for _ in range(3):  # from the store, then from the caches
        assert (await site.ask(pool, website="one")).json()["number"] == numbers[""]
        for publisher in publishers:
            answer = (await site.ask(pool, website="one", publisher=publisher)).json()
            number = numbers.setdefault(publisher, answer["number"])
            url = answer["tracking_url"]
            assert url.endswith(f"/t/{pool}?website=one&publisher={publisher}")
            given = query(await site.client.get(url))
            assert (answer["number"], given["rp_number"]) == (number, [number])
            suffix = f"{pool}/allocate_number.json?ring_pool_key={KEY}"
            row = {"api_suffix": f"{suffix}&website=one&publisher={publisher}"}
            bulk = await site.client.post("/api/v1/bulk.json", json={"requests": [row]})
            assert bulk.json()["responses"] == [answer | {"state": "held"}]
    assert len(set(numbers.values())) == 3
    unknown = query(await site.client.get(f"/t/{pool}?website=one&publisher=nobody"))
    assert unknown["rp_number"] == [numbers[""]]
    assert (await site.status(pool))["held"] == 3

    credited = {"website": "one", "publisher": publishers[0]}
    number = numbers[publishers[0]]
    lookup = (await site.client.get(f"/admin/v1/numbers/{number}", headers=site.auth)).json()
    assert lookup["holder"]["tuple"] == credited
    assert lookup["holder"]["first_click"]["publisher"] == publishers[0]
    rows = await site.client.get(f"/admin/v1/pools/{pool}/numbers", headers=site.auth)
    tuples = {row["number"]: row.get("tuple") for row in rows.json()["numbers"]}
    assert tuples[number] == credited
    call = {"id": "call-1", "number": number}
    reply = await site.client.post("/admin/v1/calls", json=call, headers=site.auth)
    assert reply.json()["tuple"] == credited


async def test_the_landing_page_keeps_the_publishers_number(site: Site) -> None:
    """The page behind a publisher's link asks for, extends and credits what the link gave."""
    pool = await site.pool(
        parameters=["website"], swap_targets=[site.number(9000)], hold_on_activity="1h"
    )
    link = f"/t/{pool}?website=one&publisher={site.account}"
    response = await site.client.get(link)
    number = query(response)["rp_number"][0]
    page = {"account": site.account, "url": response.headers["location"].partition("&rp_")[0]}
    for _ in range(3):  # from the store, then from the caches
        (swap,) = (await site.client.get("/v1/swap", params=page)).json()["swaps"]
        assert (swap["number"], swap["state"]) == (number, "held")

    async def lookup() -> Any:
        found = await site.client.get(f"/admin/v1/numbers/{number}", headers=site.auth)
        return found.json()["holder"]

    before = await lookup()
    while (after := await lookup())["guaranteed_until"] == before["guaranteed_until"]:
        assert (await site.client.get("/v1/ping", params=page)).status_code == 204
    assert after["tuple"] == {"website": "one", "publisher": site.account}
    assert after["last_click"]["publisher"] == site.account

    page["url"] = page["url"].replace(site.account, "nobody")
    (swap,) = (await site.client.get("/v1/swap", params=page)).json()["swaps"]
    assert (swap["number"] != number, swap["state"]) == (True, "new")


async def test_parameters_that_are_ours_are_dropped_from_the_visitor(site: Site) -> None:
    """Nobody can bring a number along: rp_* is dropped however it is written."""
    pool = await site.pool()
    response = await site.client.get(
        f"/t/{pool}?rp_number=%2B18005550100&RP_SIG=x&%72p_pool=other&rp%5Fexp=9&website=one"
    )
    given = query(response)
    assert all(len(given[name]) == 1 for name in ("rp_number", "rp_pool", "rp_exp", "rp_sig"))
    assert given["rp_pool"] == [pool]
    assert "RP_SIG" not in given


@pytest.mark.parametrize(
    "raw",
    ["website=%0d%0aset-cookie:%20a=b", "%0d%0ax=1", "a=%00", "a=%0dx", 'a="<b>', "a=%E2%80%A8"],
)
async def test_nothing_in_the_query_can_end_the_header(site: Site, raw: str) -> None:
    """Line ends stay escaped; a tuple value with a control character is refused by name."""
    pool = await site.pool()
    response = await site.client.get(f"/t/{pool}?{raw}")
    if raw.startswith("website"):
        assert response.status_code == 400
        assert response.json()["errors"][0]["field"] == "website"
        return
    assert response.status_code == 302
    assert not re.search(r"[\x00-\x20\x7f-\xff\"<>]", response.headers["location"])
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("name", ["url", "landing_url", "redirect", "landing_page", "us"])
async def test_the_query_never_chooses_where_to_go(site: Site, name: str) -> None:
    """No open redirect: the host is the pool's landing page whatever the query says."""
    pool = await site.pool()
    response = await site.client.get(f"/t/{pool}?{name}=https://evil.example/")
    assert urlsplit(response.headers["location"]).netloc == "landing.example"


async def test_crawlers_previews_and_head_are_sent_on_without_a_number(site: Site) -> None:
    """They see the landing page and leave the pool alone."""
    pool = await site.pool()
    url = f"/t/{pool}?website=one"
    for headers in ({"user-agent": "Slackbot-LinkExpanding 1.0"}, {"sec-purpose": "prefetch"}):
        response = await site.client.get(url, headers=headers)
        assert response.headers["location"] == "https://landing.example/offer?website=one"
    assert (await site.client.head(url)).headers["location"].endswith("?website=one")
    assert (await site.client.head(f"/t/{pool}")).headers["location"].endswith("/offer")
    assert (await site.status(pool))["unassigned"] == 5


async def test_the_overflow_number_is_signed_for_a_short_time(site: Site) -> None:
    """Overflow reaches the page too, with a proof that ends soon."""
    pool = await site.pool(1)
    await site.client.get(f"/t/{pool}?website=one")
    given = query(await site.client.get(f"/t/{pool}?website=two"))
    assert given["rp_number"] == [site.number(9999)]
    proof = {name: given[name][0] for name in ("rp_number", "rp_pool", "rp_exp", "rp_sig")}
    assert (await site.client.get("/v1/verify", params=proof)).json() == {"valid": True}


async def test_the_referrer_makes_the_tuple_of_a_search_pool(site: Site) -> None:
    """The click's Referer tells engine and keywords."""
    pool = await site.pool(type="search")
    response = await site.client.get(
        f"/t/{pool}", headers={"referer": "https://www.bing.com/search?q=red+shoes"}
    )
    number = query(response)["rp_number"][0]
    story = (await site.client.get(f"/admin/v1/numbers/{number}", headers=site.auth)).json()
    assert story["holder"]["tuple"] == {"search_engine": "bing", "search_keywords": "red shoes"}


async def test_phones_get_a_page_that_dials(site: Site) -> None:
    """Click to call: the page opens the dialer, then goes on; its policy names its one script."""
    pool = await site.pool(mobile_click_to_call=True)
    url = f"/t/{pool}?website=%22%3E%3Cscript%3E"
    response = await site.client.get(url, headers={"user-agent": PHONE})
    assert response.status_code == 200
    text = response.text
    number = (await site.ask(pool, website='"><script>')).json()["number"]
    assert f'href="tel:{number}"' in text
    assert 'href="https://landing.example/offer?website=%22%3E%3Cscript%3E&amp;rp_number=' in text
    (script,) = re.findall(r"<script>(.*?)</script>", text)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in response.headers["content-security-policy"]
    assert (await site.client.get(url)).status_code == 302
    hinted = await site.client.get(url, headers={"user-agent": PHONE, "sec-ch-ua-mobile": "?0"})
    assert hinted.status_code == 302
    off = await site.client.get(f"{url}&mobile_click_to_call=0", headers={"user-agent": PHONE})
    assert off.status_code == 302
    assert "click_to_call" not in off.headers["location"]


@pytest.mark.parametrize(("more", "status"), [({"landing_url": None}, 404), ({}, 400)])
async def test_what_a_link_cannot_do_is_a_problem(
    site: Site, more: dict[str, Any], status: int
) -> None:
    """No landing page: 404. A tuple value that is too long: 400, by name."""
    pool = await site.pool(**more)
    response = await site.client.get(f"/t/{pool}?website={'x' * 600}")
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert (await site.client.get("/t/no-such-pool")).status_code == 404
