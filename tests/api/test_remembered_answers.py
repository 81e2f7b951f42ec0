"""Remembered answers of pages and links are those that would be computed."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Hashable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from allocator.answers import Answer, Ask, Attributes
from allocator.worker.cache import AssignmentCache
from api.http.response_cache import Computed, ResponseCache
from api.links.landing import SHORT_PROOF_SECONDS
from ringpool.catalog.snapshot import Snapshot
from tests.api.conftest import KEY, Site


class Counted:
    """How many answers came from the response cache."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hits = 0
        get = ResponseCache.get

        def counted(
            cache: ResponseCache, key: Hashable, snapshot: Snapshot, attributes: Attributes = b""
        ) -> Any:
            answer = get(cache, key, snapshot, attributes)
            self.hits += answer is not None
            return answer

        monkeypatch.setattr(ResponseCache, "get", counted)


def a_page_query(site: Site, dice: random.Random) -> str:
    """A page's query in which anything may be odd; OWN stands for a per-click value."""
    inside = [
        f"website={dice.choice('abc')}",
        *dice.sample(
            [
                "gclid=Cj0OWN",
                "msclkid=OWN",
                "GCLID=OWN",
                "gclid=OWN%20",
                "gclid=",
                "fbclid=a.OWN",
                "utm_medium=cpc",
                "utm_source=google",
                f"location={dice.choice(['top', 'gclid=1', '%26gclid%3DOWN'])}",
            ],
            dice.randrange(4),
        ),
    ]
    url = f"https://shop.example/{dice.choice(['', 'a/b'])}?{'&'.join(inside)}"
    referrer = dice.choice(["", "https://www.google.com/", "https://x.example/?gclid=OWN"])
    fields = [
        f"account={site.account}",
        f"url={quote(url, safe=dice.choice(['', '/:']))}",
        *dice.sample(
            [
                f"ref={quote(referrer, safe='')}",
                "visitor=vOWN",
                "visitor=OWN%2B",
                f"first_url={quote(url, safe='')}",
                "callback=rpOWN",
                "callback=OWN",
                "gclid=OWN",
                f"targets={quote(site.number(8000))}",
                f"targets={quote(site.number(8000))},{quote(site.number(8001))}",
                "location=side",
            ],
            dice.randrange(6),
        ),
    ]
    return "&".join(fields)


def a_link_query(dice: random.Random) -> str:
    """A tracking link's query in which anything may be odd; OWN stands for a per-click value."""
    return "&".join(
        dice.sample(
            [
                f"website={dice.choice('abc')}",
                "gclid=OWN",
                "gclid=xOWN",
                "wbraid=OWN%2F",
                "visitor=vOWN",
                "visitor=OWN*",
                "rp_number=OWN",
                "location=top",
                "utm_medium=cpc",
                "u=https://a.example/?gclid=OWN",
                "mobile_click_to_call=1",
                "",
            ],
            dice.randrange(1, 6),
        )
    )


# What is left of a guarantee, its proof, and the field that nobody reads.
CHANGING = re.compile(
    r'"hold_ms":\d+|"state":"\w+"|(?<=rp_exp=)\d+|(?<=rp_sig=)[\w-]+|nobody=\d+(&amp;|&)?'
)


async def answered(site: Site, url: str, headers: dict[str, str]) -> tuple[Any, ...]:
    """An answer, apart from what changes from call to call."""
    response = await site.client.get(url, headers=headers)
    headers_sent = {name: CHANGING.sub("", text) for name, text in response.headers.items()}
    del headers_sent["x-request-id"]
    headers_sent.pop("content-length", None)
    if "location" in headers_sent:
        headers_sent["location"] = headers_sent["location"].rstrip("?&")
    return response.status_code, headers_sent, CHANGING.sub("", response.text)


@pytest.mark.parametrize(
    ("parameters", "some_remembered"),
    [(["website"], True), (["website", "location", "path"], True), (["website", "gclid"], False)],
)
async def test_remembered_answers_are_those_that_would_be_computed(
    site: Site, monkeypatch: pytest.MonkeyPatch, parameters: list[str], some_remembered: bool
) -> None:
    """The same query, and the same with a field that nobody reads, get the same answer."""
    dice = random.Random(len(parameters))
    counted = Counted(monkeypatch)
    await site.pool(60, swap_targets=[site.number(8000)], parameters=parameters)
    await site.pool(60, name="other", swap_targets=[site.number(8001)], type="search")
    link = f"/t/{site.account}-pool"
    for case in range(80):
        headers = dice.choice(
            [
                {},
                {"user-agent": "iPhone"},
                {"origin": "https://shop.example", "user-agent": "Googlebot/2.1"},
                {"referer": "https://www.bing.com/search?q=bikes"},
            ]
        )
        for path, query in (
            ("/v1/swap", a_page_query(site, dice)),
            (link, a_link_query(dice)),
        ):
            url = f"{path}?{query}"
            for value in ("a1", "b-2"):  # the first takes a number, the second is remembered
                await answered(site, url.replace("OWN", value), headers)
            remembered = await answered(site, url.replace("OWN", "C_3"), headers)
            computed = f"{path}?nobody={case}&{query}".replace("OWN", "C_3")
            assert remembered == await answered(site, computed, headers), url
    assert (counted.hits > 20) == some_remembered


async def test_the_last_click_is_kept_though_its_answer_was_remembered(site: Site) -> None:
    """Its click id reaches the number's report."""
    await site.pool(swap_targets=[site.number(8000)], parameters=["website"])
    number = ""
    for click in ("one", "two", "three", "four"):
        page = quote(f"https://shop.example/?website=a&gclid={click}", safe="")
        answer = await site.client.get(
            f"/v1/swap?account={site.account}&url={page}&visitor=v{click}"
        )
        number = answer.json()["swaps"][0]["number"]
    report: dict[str, Any] = {}
    while report.get("clicks") != 4:
        reply = await site.client.get(f"/admin/v1/numbers/{number}", headers=site.auth)
        report = reply.json()["holder"]
    assert report["last_click"]["gclid"] == "four"
    assert report["first_click"]["gclid"] == "one"


async def test_a_links_clicks_are_kept_with_their_landing_page(site: Site) -> None:
    """Remembered or computed: each click's id, and where it was sent."""
    pool = await site.pool(parameters=["website"])
    for click in ("one", "two", "three"):
        answer = await site.client.get(f"/t/{pool}?website=b&gclid={click}")
    (number,) = parse_qs(urlsplit(answer.headers["location"]).query)["rp_number"]
    report: dict[str, Any] = {}
    while report.get("clicks") != 3:
        reply = await site.client.get(f"/admin/v1/numbers/{number}", headers=site.auth)
        report = reply.json()["holder"]
    for click, gclid in (("first_click", "one"), ("last_click", "three")):
        assert report[click]["gclid"] == gclid
        assert report[click]["landing_page"] == "https://landing.example/offer"


async def test_a_remembered_answer_says_held(site: Site) -> None:
    """After a new number come answers that say it is held, and what is left of the guarantee."""
    await site.pool(swap_targets=[site.number(8000)], parameters=["website"])
    answers = []
    for _ in range(4):
        answer = await site.client.get(f"/v1/swap?account={site.account}")
        (entry,) = answer.json()["swaps"]
        answers.append((entry["state"], entry["hold_ms"]))
    assert [state for state, _ in answers] == ["new", "held", "held", "held"]
    left = [hold_ms for _, hold_ms in answers]
    assert left == sorted(left, reverse=True)
    assert 590_000 < left[-1] <= 600_000


async def test_each_page_gets_its_own_origin(site: Site) -> None:
    """An answer for one origin isn't given to another, remembered or not."""
    origins = ["https://one.example", "https://two.example"]
    await site.make_account(name="A test's account", origins=origins)
    await site.pool(swap_targets=[site.number(8000)], parameters=["website"])
    url = f"/v1/swap?account={site.account}"
    for origin in [*origins, *origins, *origins]:
        answer = await site.client.get(url, headers={"origin": origin})
        assert answer.headers["access-control-allow-origin"] == origin
    stranger = await site.client.get(url, headers={"origin": "https://three.example"})
    assert stranger.status_code == 403


async def test_crawlers_get_no_remembered_answer(site: Site) -> None:
    """A crawler that asks what a visitor asked gets no number, and counts no click."""
    await site.pool(swap_targets=[site.number(8000)], parameters=["website"])
    url = f"/v1/swap?account={site.account}"
    for _ in range(3):
        assert (await site.client.get(url)).json()["swaps"]
    answer = await site.client.get(url, headers={"user-agent": "Googlebot/2.1"})
    assert answer.json()["swaps"] == []


async def test_a_remembered_proof_ends_with_the_long_guarantee(site: Site) -> None:
    """When less is left of the guarantee than a short proof, the redirect is computed anew."""
    span = SHORT_PROOF_SECONDS + 2
    pool = await site.pool(parameters=["website"], min_duration=f"{span}s")

    async def expiry() -> int:
        answer = await site.client.get(f"/t/{pool}?website=a")
        (text,) = parse_qs(urlsplit(answer.headers["location"]).query)["rp_exp"]
        return int(text)

    guaranteed = await expiry()
    async with asyncio.timeout(60):
        while await expiry() == guaranteed:
            await asyncio.sleep(0.05)


async def test_a_callback_that_is_no_name_is_refused_though_the_rest_is_remembered(
    site: Site,
) -> None:
    """A callback is checked every time."""
    await site.pool(swap_targets=[site.number(8000)], parameters=["website"])
    for name in ("rp1", "rp2", "rp3"):
        answer = await site.client.get(f"/v1/swap?account={site.account}&callback={name}")
        assert answer.text.startswith(f"/**/{name}(")
    answer = await site.client.get(f"/v1/swap?account={site.account}&callback=1rp")
    assert answer.status_code == 400


@pytest.mark.parametrize("callback", ["callback=$rp", "callback=%24rp", "CALLBACK=rp"])
async def test_a_callback_that_stays_in_the_key_is_called_every_time(
    site: Site, callback: str
) -> None:
    """However its parameter is written, the function that is named is called."""
    await site.pool(swap_targets=[site.number(8000)], parameters=["website"])
    for _ in range(4):
        answer = await site.client.get(f"/v1/swap?account={site.account}&{callback}")
        assert answer.text.startswith(("/**/$rp(", "/**/rp("))


async def test_what_the_store_answers_late_is_kept_for_the_snapshot_it_was_asked_under(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Origins that were set while the store answered hold for the next who asks the same."""
    await site.pool(swap_targets=[site.number(8000)], parameters=["website"])
    url = f"/v1/swap?account={site.account}&website=a"
    assert (await site.client.get(url)).status_code == 200
    allocate = AssignmentCache.allocate

    async def late(source: AssignmentCache, pool_id: str, ask: Ask) -> Answer:
        answer = await allocate(source, pool_id, ask)
        await site.make_account(name="A test's account", origins=["https://one.example"])
        return answer

    elsewhere = {"referer": "https://two.example/"}
    with monkeypatch.context() as patched:
        patched.setattr(AssignmentCache, "allocate", late)
        asked_before = await site.client.get(url, headers=elsewhere)
    assert asked_before.json()["swaps"][0]["state"] == "held"
    assert (await site.client.get(url, headers=elsewhere)).status_code == 403


async def test_long_headers_count_into_the_memory_they_take(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An origin, referrer or token that an answer is found by is part of its size."""
    sizes: list[int] = []
    put = ResponseCache.put

    def measured(
        cache: ResponseCache, key: Hashable, snapshot: Snapshot, computed: Computed[Any]
    ) -> None:
        if computed.held is not None:
            sizes.append(computed.size)
        put(cache, key, snapshot, computed)

    monkeypatch.setattr(ResponseCache, "put", measured)
    pool = await site.pool(swap_targets=[site.number(8000)], parameters=["website"])
    for _ in range(2):
        await site.client.get(f"/v1/swap?account={site.account}", headers={"origin": "o" * 9000})
        await site.client.get(f"/t/{pool}?website=a", headers={"referer": "r" * 9000})
        await site.client.get(
            f"/api/v1/ring_pools/{pool}/allocate_number.json?website=b&ring_pool_key={KEY}",
            headers={"authorization": f"Bearer {'b' * 9000}"},
        )
    assert len(sizes) == 3
    assert min(sizes) > 9000
