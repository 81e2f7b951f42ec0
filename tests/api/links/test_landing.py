"""Where a tracking link leads."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from tests.api.conftest import Site, sent_on


async def test_a_landing_page_may_be_written_in_any_script(site: Site) -> None:
    """A redirect is ASCII: the host in IDNA, the rest percent-encoded."""
    pool = await site.pool(landing_url="https://bücher.example/ü?ä=1#ö")
    location = (await site.client.get(f"/t/{pool}?website=one")).headers["location"]
    assert location.startswith("https://xn--bcher-kva.example/%C3%BC?%C3%A4=1&website=one&rp_")
    assert location.endswith("#%C3%B6")


async def test_parameters_that_are_ours_are_dropped_from_the_visitor(site: Site) -> None:
    """Nobody can bring a number along: rp_* is dropped however it is written."""
    pool = await site.pool()
    response = await site.client.get(
        f"/t/{pool}?rp_number=%2B18005550100&RP_SIG=x&%72p_pool=other&rp%5Fexp=9&website=one"
    )
    given = sent_on(response)
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


async def test_the_overflow_number_is_signed_for_a_short_time(site: Site) -> None:
    """Overflow reaches the page too, with a proof that ends soon."""
    pool = await site.pool(1)
    await site.client.get(f"/t/{pool}?website=one")
    given = sent_on(await site.client.get(f"/t/{pool}?website=two"))
    assert given["rp_number"] == [site.number(9999)]
    proof = {name: given[name][0] for name in ("rp_number", "rp_pool", "rp_exp", "rp_sig")}
    assert (await site.client.get("/v1/verify", params=proof)).json() == {"valid": True}
