"""Which tuple each type of pool makes of a visit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ringpool.faults import Fault, Missing
from ringpool.model import Pool, PoolType, Require
from ringpool.visits.pool_tuples import fields_read, is_bare, parameter_names, tuple_for
from ringpool.visits.traffic import TrafficSource
from tests.ringpool.visits.pages import visit

PAGE = "https://www.newspress.example/subscribe"
NOWHERE = TrafficSource()


def pool(type_: PoolType, *parameters: str) -> Pool:
    """A pool of one type; its other rules don't matter here."""
    return Pool(id="p", account="a", type=type_, parameters=parameters)


CUSTOM = pool(PoolType.CUSTOM, "website", "location", "path")
SEARCH = pool(PoolType.SEARCH)


def test_a_custom_pool_takes_its_own_parameters() -> None:
    """Named parameters make the tuple, others are ignored."""
    given = {"website": "one", "location": "footer", "path": "home", "gclid": "x"}
    assert tuple_for(CUSTOM, NOWHERE, given) == "website=one&location=footer&path=home"


def test_given_beats_the_url_and_that_beats_what_is_derived() -> None:
    """A value is the first of: given, in the page's URL, known of the visit; else it is missing."""
    source = visit(PAGE + "?website=url&path=url-path")
    assert tuple_for(CUSTOM, source, {"website": "given"}) == "website=given&path=url-path"
    assert tuple_for(CUSTOM, visit(PAGE), {}) == "path=/subscribe"
    assert tuple_for(CUSTOM, NOWHERE, {}) == ""


def test_empty_is_a_value() -> None:
    """An empty parameter, given or in the URL, is kept and hides what would be derived."""
    assert tuple_for(CUSTOM, visit(PAGE), {"path": ""}) == "path="
    assert tuple_for(CUSTOM, visit(PAGE + "?location"), {}) == "location=&path=/subscribe"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", "newspress.example"),
        ("referrer", "https://blog.example/post"),
        ("referrer_host", "blog.example"),
        ("referrer_path", "/post"),
        ("utm_source", "spring"),
        ("gclid", "abc"),
        ("medium", "paid"),
    ],
)
def test_a_custom_pool_may_ask_for_what_is_derived(name: str, value: str) -> None:
    """Every fact of the visit can be a custom parameter."""
    source = visit(PAGE + "?utm_source=spring&gclid=abc", "https://blog.example/post")
    assert tuple_for(pool(PoolType.CUSTOM, name), source, {}) == f"{name}={value}"


def test_the_visitor_can_be_a_custom_parameter() -> None:
    """A custom pool that names the visitor gets the visitor's id."""
    mixed = pool(PoolType.CUSTOM, "website", "visitor")
    assert tuple_for(mixed, NOWHERE, {"website": "one"}, "v1") == "website=one&visitor=v1"


def test_positions_stand_for_names() -> None:
    """param1 is the first parameter of the pool, whatever its type."""
    given = {"param1": "one", "param3": "home"}
    assert tuple_for(CUSTOM, NOWHERE, given) == "website=one&path=home"
    assert tuple_for(CUSTOM, NOWHERE, given | {"website": "one"}) == "website=one&path=home"
    search = {"param1": "Red shoes", "param2": "Bing"}
    assert tuple_for(SEARCH, NOWHERE, search) == "search_keywords=red shoes&search_engine=bing"
    with pytest.raises(Fault, match="param1: stands for website"):
        tuple_for(CUSTOM, NOWHERE, given | {"website": "two"})


def test_ten_positions_are_the_most() -> None:
    """After ten parameters of a pool's own, its search is given by name only."""
    own = tuple(f"name{number}" for number in range(1, 11))
    most = pool(PoolType.CUSTOM_SEARCH, *own)
    given = {f"param{number}": str(number) for number in range(1, 13)}
    ten = "&".join(f"name{number}={number}" for number in range(1, 11))
    assert tuple_for(most, NOWHERE, given) == ten
    assert (
        tuple_for(most, NOWHERE, given | {"search_engine": "Bing"}) == f"{ten}&search_engine=bing"
    )
    assert fields_read(most) == {*own, *list(given)[:10], "search_keywords", "search_engine"}


def test_the_publisher_ends_the_tuple() -> None:
    """A number asked for on one publisher's behalf isn't another's, in a pool of any type."""
    one = tuple_for(CUSTOM, NOWHERE, {"website": "one"}, publisher="pub-1")
    assert one == "website=one&publisher=pub-1"
    assert one != tuple_for(CUSTOM, NOWHERE, {"website": "one"}, publisher="pub-2")
    assert tuple_for(CUSTOM, NOWHERE, {}, publisher="pub-1") == "publisher=pub-1"
    by_visitor = pool(PoolType.VISITOR)
    assert tuple_for(by_visitor, NOWHERE, {}, "v1", "pub-1") == "visitor=v1&publisher=pub-1"


def test_a_search_pool_takes_engine_and_keywords() -> None:
    """Same keywords on a second engine are another tuple; spelling them differently isn't."""
    bing = tuple_for(SEARCH, visit(PAGE, "https://www.bing.com/search?q=Red++SHOES"), {})
    assert bing == "search_keywords=red shoes&search_engine=bing"
    search = {"search_engine": "BING", "search_keywords": " red\u3000Shoes "}
    assert tuple_for(SEARCH, NOWHERE, search) == bing
    yahoo = visit(PAGE, "https://search.yahoo.com/search?p=red+shoes")
    assert tuple_for(SEARCH, yahoo, {}) != bing
    assert tuple_for(SEARCH, visit(PAGE), {}) == ""


def test_a_custom_search_pool_takes_both() -> None:
    """Its own parameters come first, in full case, then the search."""
    both = pool(PoolType.CUSTOM_SEARCH, "Website")
    source = visit(PAGE + "?website=One", "https://www.bing.com/search?q=Shoes")
    assert tuple_for(both, source, {}) == "website=One&search_keywords=shoes&search_engine=bing"


def test_a_keyword_id_stands_alone() -> None:
    """The id alone makes the tuple, from the URL or given, whether the engine is known or not."""
    by_id = pool(PoolType.SEARCH_KEYWORD_ID)
    source = visit(PAGE + "?search_keyword_id=kwd-1&gclid=x", "https://www.google.com/")
    assert tuple_for(by_id, source, {}) == "search_keyword_id=kwd-1"
    assert tuple_for(by_id, NOWHERE, {"search_keyword_id": "kwd-1"}) == "search_keyword_id=kwd-1"


@pytest.mark.parametrize("path", ["", "/", "/post/1?id=7"])
def test_a_referrer_counts_by_its_host(path: str) -> None:
    """However much of its address the browser sent, a site is one source."""
    by_referrer = pool(PoolType.REFERRER)
    source = visit(PAGE, f"https://www.blog.example{path}")
    assert tuple_for(by_referrer, source, {}) == "referrer_host=blog.example"
    by_host = {"referrer_host": "WWW.Blog.example"}
    assert tuple_for(by_referrer, NOWHERE, by_host) == "referrer_host=blog.example"


def test_a_referrer_search_pool_takes_one_or_the_other() -> None:
    """A visit from a search counts by the search, whichever of its hosts it came from."""
    either = pool(PoolType.REFERRER_SEARCH)
    com = visit(PAGE, "https://www.google.com/")
    assert tuple_for(either, com, {}) == "search_keywords=(not provided)&search_engine=google"
    assert tuple_for(either, visit(PAGE, "https://www.google.de/"), {}) == tuple_for(
        either, com, {}
    )
    blog = visit(PAGE, "https://blog.example/")
    assert tuple_for(either, blog, {}) == "referrer_host=blog.example"
    assert tuple_for(either, blog, {"search_engine": "Bing"}) == "search_engine=bing"


@pytest.mark.parametrize(
    ("type_", "given", "any_", "all_"),
    [
        (PoolType.CUSTOM, {}, "website, location, path", "website, location, path"),
        (PoolType.CUSTOM, {"location": ""}, "", "website, path"),
        (PoolType.CUSTOM, {"param1": "a", "param2": "", "path": "c"}, "", ""),
        (PoolType.SEARCH, {}, "search_keywords, search_engine", "search_keywords, search_engine"),
        (PoolType.SEARCH, {"search_engine": "Bing"}, "", "search_keywords"),
        (PoolType.REFERRER_SEARCH, {"referrer_host": "a.example"}, "", ""),
        (PoolType.REFERRER_SEARCH, {"search_engine": "Bing"}, "", "search_keywords"),
        (PoolType.REFERRER_SEARCH, {"search_keywords": "shoes"}, "", "referrer_host"),
    ],
)
def test_a_pool_may_require_parameters(
    type_: PoolType, given: dict[str, str], any_: str, all_: str
) -> None:
    """Missing names those that would do. An empty one is there; a publisher is no parameter."""
    for require, missing in ((Require.ANY, any_), (Require.ALL, all_)):
        needing = structs.replace(pool(type_, *CUSTOM.parameters), require=require)
        if not missing:
            assert not is_bare(tuple_for(needing, NOWHERE, given, publisher="p"))
            continue
        with pytest.raises(Missing) as caught:
            tuple_for(needing, NOWHERE, given, publisher="p")
        assert caught.value.field == missing


def test_a_tuple_is_bare_without_any_of_the_pools_parameters() -> None:
    """One with an empty parameter isn't; one of a publisher's direct traffic is."""
    assert is_bare(tuple_for(CUSTOM, NOWHERE, {}))
    assert is_bare(tuple_for(CUSTOM, NOWHERE, {}, publisher="p"))
    assert not is_bare(tuple_for(CUSTOM, NOWHERE, {"website": ""}))


def test_a_visitor_pool_needs_a_visitor() -> None:
    """Each visitor is a tuple; unknown visitors don't share one."""
    by_visitor = pool(PoolType.VISITOR)
    assert tuple_for(by_visitor, NOWHERE, {}, "v1") == "visitor=v1"
    assert tuple_for(by_visitor, NOWHERE, {"visitor": "v2"}) == "visitor=v2"
    with pytest.raises(Fault, match="visitor: is needed"):
        tuple_for(by_visitor, NOWHERE, {}, " ")


def test_a_bad_value_is_a_fault_only_when_it_was_given() -> None:
    """A caller gets an error; a visitor with a bad URL gets the number of the nearest tuple."""
    with pytest.raises(Fault, match="website: holds a control character"):
        tuple_for(CUSTOM, NOWHERE, {"website": "a\x00"})
    with pytest.raises(Fault, match="search_keywords: has 513 characters"):
        tuple_for(SEARCH, NOWHERE, {"search_keywords": "x" * 513})
    source = visit(f"{PAGE}?website=a%00&location={'x' * 600}&path=")
    assert tuple_for(CUSTOM, source, {}) == f"website=a&location={'x' * 512}&path="


@given(st.sampled_from(PoolType), st.text(max_size=150), st.text(max_size=150))
def test_no_value_of_a_page_raises(type_: PoolType, keywords: str, website: str) -> None:
    """What stands in a page's URL never keeps a visitor from a tuple."""
    source = TrafficSource(
        search_engine="Bing",
        search_keywords=keywords,
        url_parameters={"website": website},
    )
    tuple_for(pool(type_, "website"), source, {}, "v1")


def test_the_names_of_each_type() -> None:
    """The parameters of a tuple follow from the pool's type, its own ones in lower case."""
    assert parameter_names(CUSTOM) == ("website", "location", "path")
    mixed = pool(PoolType.CUSTOM_SEARCH, "Search_Keywords", "site")
    assert parameter_names(mixed) == ("search_keywords", "site", "search_engine")
    assert parameter_names(pool(PoolType.VISITOR, "ignored")) == ("visitor",)
