"""The traffic source, read from a page's URL and referrer."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpool.visits.traffic import (
    MAX_ATTRIBUTES,
    MAX_URL,
    NOT_PROVIDED,
    Medium,
    TrafficSource,
    attributes,
    pack,
)
from tests.ringpool.visits.pages import visit

PAGE = "https://www.newspress.example/subscribe"


def test_a_search_is_read_from_the_referrer() -> None:
    """A referrer that still carries the query gives engine and keywords."""
    source = visit(PAGE, "https://www.bing.com/search?q=Red+Shoes&form=X")
    assert (source.search_engine, source.search_keywords) == ("Bing", "Red Shoes")
    assert source.medium is Medium.ORGANIC


@pytest.mark.parametrize(
    "referrer",
    [
        "https://www.google.com/",
        "https://www.google.com/search?q=",
        "https://www.google.com/url?q=https://www.newspress.example/subscribe",
        "android-app://com.google.android.googlequicksearchbox/",
    ],
)
def test_a_hidden_query_is_not_provided(referrer: str) -> None:
    """An engine that keeps the query to itself is named all the same."""
    source = visit(PAGE, referrer)
    assert (source.search_engine, source.search_keywords) == ("Google", NOT_PROVIDED)


def test_an_ad_names_the_keyword_it_bought() -> None:
    """Where the query is hidden, utm_term stands for it."""
    source = visit(PAGE + "?gclid=x&utm_term=red+shoes", "https://www.google.com/")
    assert source.search_keywords == "red shoes"
    assert source.medium is Medium.PAID


@pytest.mark.parametrize(
    ("click_id", "engine"),
    [
        ("gclid", "Google"),
        ("gbraid", "Google"),
        ("wbraid", "Google"),
        ("msclkid", "Bing"),
        ("yclid", "Yandex"),
        ("fbclid", ""),
        ("ttclid", ""),
    ],
)
def test_a_click_id_names_the_engine_without_a_referrer(click_id: str, engine: str) -> None:
    """Ads of an engine are known by their click id when the browser sent no referrer."""
    source = visit(f"{PAGE}?{click_id.upper()}=Abc-1")
    assert source.search_engine == engine
    assert source.click_ids == {click_id: "Abc-1"}
    assert visit(f"{PAGE}?{click_id}=1", "https://partner.example/").search_engine == ""


@pytest.mark.parametrize("value", ["", "%00", "+%20"])
def test_an_empty_click_id_is_none(value: str) -> None:
    """A template whose click id was never filled in doesn't make a visit a paid one."""
    assert visit(f"{PAGE}?gclid={value}").click_ids == {}
    assert visit(f"{PAGE}?gclid={value}").medium is Medium.DIRECT


def test_what_the_caller_gives_wins() -> None:
    """Explicit parameters win over the page's URL, and that over the referrer."""
    url = PAGE + "?search_engine=Bing&search_keywords=from+url&gclid=url"
    referrer = "https://duckduckgo.com/?q=from+referrer"
    assert visit(url, referrer).search_engine == "Bing"
    assert visit(url, referrer).search_keywords == "from url"

    params = {"search_engine": "Yahoo", "search_keywords": "given", "search_keyword_id": "kwd-1"}
    source = visit(url, referrer, params | {"gclid": "given"})
    assert (source.search_engine, source.search_keywords) == ("Yahoo", "given")
    assert (source.search_keyword_id, source.click_ids) == ("kwd-1", {"gclid": "given"})


def test_page_and_referrer_are_taken_apart() -> None:
    """Hosts lose www, paths their escapes, URLs the password and the fragment."""
    source = visit(
        "https://me:secret@WWW.Shop.example:8443/caf%C3%A9/?Website=one&empty=&website=two#top",
        "https://www.blog.example/post",
    )
    assert source.landing_page == (
        "https://WWW.Shop.example:8443/caf%C3%A9/?Website=one&empty=&website=two"
    )
    assert (source.host, source.path) == ("shop.example", "/café/")
    assert (source.referrer_host, source.referrer_path) == ("blog.example", "/post")
    assert source.url_parameters == {"website": "one", "empty": ""}


def test_a_click_inside_the_site_has_no_referrer() -> None:
    """The site's own pages are no source of traffic."""
    source = visit(PAGE, "https://newspress.example/")
    assert source.referrer == source.referrer_host == ""
    assert source.medium is Medium.DIRECT


@pytest.mark.parametrize(
    ("query", "referrer", "medium"),
    [
        ("", "", Medium.DIRECT),
        ("", "https://www.google.com/", Medium.ORGANIC),
        ("", "https://l.facebook.com/", Medium.SOCIAL),
        ("", "https://notfacebook.com/", Medium.REFERRAL),
        ("fbclid=1", "", Medium.SOCIAL),
        ("", "https://blog.example/", Medium.REFERRAL),
        ("utm_source=letter", "", Medium.REFERRAL),
        ("utm_medium=Email", "", Medium.REFERRAL),
        ("utm_medium=CPC", "https://www.google.com/", Medium.PAID),
        ("utm_medium=paid-social", "https://l.facebook.com/", Medium.PAID),
        ("utm_medium=organic", "https://blog.example/", Medium.ORGANIC),
        ("msclkid=1", "https://www.bing.com/", Medium.PAID),
    ],
)
def test_the_medium_is_guessed(query: str, referrer: str, medium: Medium) -> None:
    """Paid beats what the campaign calls itself, and that beats what the referrer suggests."""
    assert visit(f"{PAGE}?{query}", referrer).medium is medium


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "not a url",
        "/only/a/path",
        "http://[::1",
        "http://\u2100.example/",
        "http:///path",
        "http://\ud800/",
        "http://a b/",
        "javascript:alert(1)",
        "data:text/html,<script>",
        "file:///etc/passwd",
    ],
)
def test_garbage_is_as_good_as_nothing(garbage: str) -> None:
    """What isn't the address of a page gives an empty source, and raises nothing."""
    assert visit(garbage, garbage) == TrafficSource()


def test_an_endless_url_is_cut_off() -> None:
    """Of a very long URL the beginning is read, without the field that the cut went through."""
    source = visit(f"{PAGE}?website=one&junk={'x' * 65_536}&after=1")
    assert source.url_parameters == {"website": "one"}
    assert len(source.landing_page) <= MAX_URL


def test_a_cut_goes_through_no_field_that_ends_there() -> None:
    """A URL of exactly the length that is read is read whole."""
    start = f"{PAGE}?junk="
    whole = start + "x" * (MAX_URL - len(start) - len("&a=1")) + "&a=1"
    assert visit(whole).url_parameters["a"] == "1"
    assert "a" not in visit(whole + "2").url_parameters


_HOSTILE = st.text(max_size=300) | st.builds(
    "https://{}/{}?{}={}&gclid={}&utm_source={}".format,
    *[st.text(st.characters(), max_size=60) for _ in range(6)],
)


@given(_HOSTILE, _HOSTILE)
def test_no_page_can_break_it(url: str, referrer: str) -> None:
    """Whatever URL and referrer are, there is a source, and attributes that can be packed."""
    source = visit(url, referrer)
    assert len(pack(attributes(source))) <= MAX_ATTRIBUTES


def test_attributes_keep_what_was_captured() -> None:
    """Click ids, campaign, search, medium, landing page and referrer stay with the click."""
    url = PAGE + "?gclid=abc&utm_source=spring"
    source = visit(url, "https://www.google.com/")
    assert attributes(source, {"device": "phone"}) == {
        "device": "phone",
        "search_engine": "Google",
        "search_keywords": NOT_PROVIDED,
        "medium": "paid",
        "gclid": "abc",
        "utm_source": "spring",
        "referrer": "https://www.google.com/",
        "landing_page": url,
    }


def test_packed_attributes_read_back() -> None:
    """The bytes are one JSON object; nothing known packs to no bytes."""
    kept = attributes(visit(PAGE + "?utm_source=caf%C3%A9"))
    assert msgspec.json.decode(pack(kept)) == kept
    assert pack({}) == b""


def test_attributes_stay_small() -> None:
    """However long the values, a click keeps at most a kilobyte, its ids before its URLs."""
    campaign = "".join(f"&utm_{part}={'é' * 400}" for part in ("source", "medium", "campaign"))
    kept = attributes(visit(f"{PAGE}?gclid={'x' * 500}{campaign}"), {"device": "phone"})
    assert len(pack(kept)) <= MAX_ATTRIBUTES
    assert kept["device"] == "phone"
    assert kept["gclid"] == "x" * 200
    assert kept["utm_source"] == "é" * 150
