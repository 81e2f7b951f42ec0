"""What in a query differs from click to click."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from ringpool.model import Pool, PoolType
from ringpool.visits import per_click

PAGE = quote("https://shop.example/?website=one&gclid=Cj0K-x_1&utm_source=a", safe="")


def pool(kind: PoolType = PoolType.CUSTOM, *parameters: str) -> Pool:
    return Pool(id="pool", account="a", key="k" * 20, type=kind, parameters=parameters)


@pytest.mark.parametrize(
    ("query", "values"),
    [
        (b"url=%b&visitor=v1&callback=rp1" % PAGE.encode(), [b"Cj0K-x_1", b"v1", b"rp1"]),
        (b"visitor=v%201&callback=", []),
        (b"url=x%3Fmsclkid%3Dab%23part&first_url=y%26gclid%3Dc", [b"ab", b"c"]),
        (b"gclid=top&url=gclid%3Dx", []),
        (b"myvisitor=1&Visitor=2", []),
        (b"visitor=" + b"v" * 129, []),
    ],
)
def test_per_click_values_of_a_page(query: bytes, values: list[bytes]) -> None:
    """Plain values of the visitor, the callback and click ids inside URLs; nothing else."""
    split = per_click.split_page_query(query)
    assert split.per_click == values
    pairs = zip(split.cache_key[1::2], split.per_click, strict=True)
    whole = [part for pair in pairs for part in pair]
    assert b"".join([split.cache_key[0], *whole[:2]]) in b"&" + query
    assert len(split.cache_key) == 2 * len(values) + 1


def test_per_click_values_of_a_link() -> None:
    """The link's click id and visitor; a URL in it is only text."""
    split = per_click.split_link_query(b"website=one&gclid=abc&visitor=v&u=%3Fgclid%3Dx")
    assert split.per_click == [b"abc", b"v"]
    assert split.value(b"gclid") == b"abc"
    assert split.value(b"callback") == b""


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        (b"visitor=v", ("visitor",)),
        (b"url=" + PAGE.encode(), ("website", "gclid")),
        (b"url=" + PAGE.encode(), ("landing_page",)),
        (b"url=" + PAGE.encode(), ("url",)),
        (b"ref=" + PAGE.encode(), ("referrer",)),
        (b"first_url=" + PAGE.encode(), ("first_url",)),
        (b"First%5FURL=" + PAGE.encode(), ("first_url",)),
        (b"param1=" + PAGE.encode(), ("website",)),
        (b"visitor=v&visitor=w", ("website",)),
        (b"Visitor=v&visitor=w", ("website",)),
        (b"visitor=w&%76isitor=v", ("website",)),
        (b"url=%b&url=%b" % (PAGE.encode(), PAGE.encode()), ("location",)),
        (b"url=https%3A%2F%2Fshop.example%2Fa%26gclid%3Dx", ("path",)),
        (b"url=https%3A%2F%2Fshop.example%2F%3Flocation%3Da%3Fgclid%3Dx", ("location",)),
        (b"url=https://shop.example/?location=a%3Fgclid%3Dx", ("location",)),
        (b"x=" + b"y" * 5000, ("website",)),
        (b"url=a%3Fgclid%3D" + b"%26gclid%3D".join([b"x" * 128] * 17), ("website",)),
    ],
)
def test_queries_whose_values_may_matter(query: bytes, parameters: tuple[str, ...]) -> None:
    """Nothing is kept when a tuple may hold the value, or another value may be refused."""
    assert not per_click.split_page_query(query).shareable([pool(PoolType.CUSTOM, *parameters)])


def test_visitor_pools_remember_nobody() -> None:
    """A visitor's number is no other visitor's."""
    split = per_click.split_page_query(b"url=%b&visitor=v" % PAGE.encode())
    assert split.shareable([pool(PoolType.CUSTOM, "website"), pool(PoolType.SEARCH)])
    assert not split.shareable([pool(PoolType.CUSTOM, "website"), pool(PoolType.VISITOR)])
