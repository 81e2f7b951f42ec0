"""Who takes nothing."""

from __future__ import annotations

import random
import tracemalloc
from time import process_time

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from ringpool.visits import crawlers

BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/430.0]",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Mobile Safari/537.36 Instagram 330.0",
)


@pytest.mark.parametrize("user_agent", [*BROWSERS, *crawlers._TOOLS, ""])
def test_browsers_and_tools_are_visitors(user_agent: str) -> None:
    """People's browsers, in-app browsers, and tools that anyone's program is written with."""
    assert not crawlers.is_crawler(user_agent.encode())


def test_the_maintained_list_is_followed() -> None:
    """Every example of a search engine, preview, monitor or AI crawler on the list is a crawler."""
    missed = [
        example
        for entry in CRAWLER_USER_AGENTS_DATA
        if not {"http-library", "browser-automation"} & set(entry.get("tags", ()))
        for example in entry["instances"]
        if not crawlers.is_crawler(example.encode()[:1024])
    ]
    assert missed == []


@pytest.mark.parametrize(
    ("headers", "phone"),
    [
        ([(b"user-agent", BROWSERS[0].encode())], False),
        ([(b"user-agent", BROWSERS[3].encode())], True),
        ([(b"user-agent", BROWSERS[4].encode())], True),
        ([(b"user-agent", BROWSERS[4].encode()), (b"sec-ch-ua-mobile", b"?0")], False),
        ([(b"sec-ch-ua-mobile", b"?1"), (b"user-agent", BROWSERS[0].encode())], True),
        ([], False),
    ],
)
def test_phones_are_known_by_hint_or_name(headers: list[tuple[bytes, bytes]], phone: bool) -> None:
    """The client hint counts before the User-Agent."""
    assert crawlers.is_phone(headers) is phone


def test_long_names_fill_no_memory() -> None:
    """Of User-Agents that are kept for the next time, no more is kept than is looked at."""
    tracemalloc.start()
    try:
        for name in range(40):
            user_agent = b"%05d" % name + b"a" * 60_000
            headers = [(b"user-agent", user_agent)]
            assert not crawlers.takes_nothing("GET", headers)
            assert not crawlers.is_phone(headers)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 40 * 60_000 / 2


def test_a_name_of_nonsense_costs_little() -> None:
    """A User-Agent of 1 KB that nobody has sent before: 4 ms each would keep a worker busy."""
    names = [random.Random(place).randbytes(1024) for place in range(300)]
    names += [b"Android" * 146 + b"%d" % place for place in range(300)]
    started = process_time()
    for name in names:
        headers = [(b"user-agent", name)]
        crawlers.takes_nothing("GET", headers)
        crawlers.is_phone(headers)
    assert process_time() - started < 0.5
