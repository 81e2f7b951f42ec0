"""Tracking links."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import KEY, Site, sent_on


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
    given = sent_on(response)
    assert given["rp_pool"] == [pool]
    held = (await site.ask(pool, website="one")).json()
    assert (held["state"], held["number"]) == ("held", given["rp_number"][0])


async def test_the_tracking_url_of_the_number_api_leads_to_the_same_number(site: Site) -> None:
    """Odd characters survive the way from a tuple to a link and back."""
    pool = await site.pool()
    values = {"website": "ä & =+%41/?#'\"<>", "location": "", "path": "日本"}
    answer = (await site.ask(pool, **values)).json()
    given = sent_on(await site.client.get(answer["tracking_url"]))
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
            given = sent_on(await site.client.get(url))
            assert (answer["number"], given["rp_number"]) == (number, [number])
            suffix = f"{pool}/allocate_number.json?ring_pool_key={KEY}"
            row = {"api_suffix": f"{suffix}&website=one&publisher={publisher}"}
            bulk = await site.client.post("/api/v1/bulk.json", json={"requests": [row]})
            assert bulk.json()["responses"] == [answer | {"state": "held"}]
    assert len(set(numbers.values())) == 3
    unknown = sent_on(await site.client.get(f"/t/{pool}?website=one&publisher=nobody"))
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
    number = sent_on(response)["rp_number"][0]
    landing = response.headers["location"]
    page = {"account": site.account, "url": landing.partition("&rp_")[0]}
    for _ in range(3):  # from the store, then from the caches
        (swap,) = (await site.client.get("/v1/swap", params=page)).json()["swaps"]
        assert (swap["number"], swap["state"]) == (number, "held")

    async def lookup() -> Any:
        found = await site.client.get(f"/admin/v1/numbers/{number}", headers=site.auth)
        return found.json()["holder"]

    before = await lookup()
    while (after := await lookup())["guaranteed_until"] == before["guaranteed_until"]:
        ping = await site.client.get("/v1/ping", params={**page, "url": landing})
        assert ping.status_code == 204
    assert after["tuple"] == {"website": "one", "publisher": site.account}
    assert after["last_click"]["publisher"] == site.account

    page["url"] = page["url"].replace(site.account, "nobody")
    (swap,) = (await site.client.get("/v1/swap", params=page)).json()["swaps"]
    assert (swap["number"] != number, swap["state"]) == (True, "new")


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


async def test_the_referrer_makes_the_tuple_of_a_search_pool(site: Site) -> None:
    """Engine and keywords come from the click's Referer."""
    pool = await site.pool(type="search")
    response = await site.client.get(
        f"/t/{pool}", headers={"referer": "https://www.bing.com/search?q=red+shoes"}
    )
    number = sent_on(response)["rp_number"][0]
    report = (await site.client.get(f"/admin/v1/numbers/{number}", headers=site.auth)).json()
    assert report["holder"]["tuple"] == {"search_engine": "bing", "search_keywords": "red shoes"}


async def test_a_click_without_what_the_pool_requires_is_sent_on_without_a_number(
    site: Site,
) -> None:
    """A visitor can't correct the link: the landing page shows its own number, none is taken."""
    pool = await site.pool(require="all")
    response = await site.client.get(f"/t/{pool}?website=one")
    assert response.status_code == 302
    assert response.headers["location"] == "https://landing.example/offer?website=one"
    assert (await site.status(pool))["unassigned"] == 5


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
