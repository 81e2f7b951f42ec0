"""What people ask for: the pools of the load test, keywords as searches are spread, page URLs."""

from __future__ import annotations

import itertools
import random
from typing import Any
from urllib.parse import quote, urlencode

ACCOUNT = "load-test"
KEY = "load-test-key-0123456789"
PLACEMENTS = "load-test-placements"
VISITORS = "load-test-visitors"
TARGETS = {PLACEMENTS: "+18005550150", VISITORS: "+18005550151"}
LANDING_URL = "https://www.newspress.example/subscribe"

_KEYWORDS = [f"keyword {rank}" for rank in range(1, 501)]
# Zipf: the n-th most searched keyword is searched 1/n as often as the first.
_WEIGHTS = list(itertools.accumulate(1 / rank for rank in range(1, len(_KEYWORDS) + 1)))

_SIZES = {PLACEMENTS: (2000, "208"), VISITORS: (5000, "209")}


def keyword() -> str:
    """A search keyword, the popular ones often."""
    return random.choices(_KEYWORDS, cum_weights=_WEIGHTS)[0]


def placement() -> dict[str, str]:
    """One of 30 × 5 places of an advertisement, with what was searched for."""
    return {
        "website": f"site-{min(29, int(random.paretovariate(1)) - 1)}",
        "location": random.choice(("header", "hero", "footer", "sidebar", "popup")),
        "term": keyword(),
    }


def click_id() -> str:
    """A gclid of one's own."""
    return f"Cj0KCQiA{random.getrandbits(96):024x}EALw_wcB"


def page(place: dict[str, str]) -> str:
    """The landing page's URL as an advertisement leads to it."""
    campaign = {"utm_source": "google", "utm_medium": "cpc", "utm_term": place["term"]}
    return f"{LANDING_URL}?{urlencode({**place, **campaign, 'gclid': click_id()}, quote_via=quote)}"


def number_query(place: dict[str, str]) -> str:
    """What an ad server appends to the number API's path."""
    return urlencode({"ring_pool_key": KEY, **place}, quote_via=quote)


def pools() -> dict[str, dict[str, Any]]:
    """The pools by id, as the managers' API takes them."""
    documents: dict[str, dict[str, Any]] = {}
    for pool, (size, area) in _SIZES.items():
        documents[pool] = {
            "account": ACCOUNT,
            "key": KEY,
            "min_duration": "30s",
            "overflow_number": "+18005550199",
            "landing_url": LANDING_URL,
            "swap_targets": [TARGETS[pool]],
            "numbers": [f"+1{area}{555_0000 + index:07d}" for index in range(size)],
        }
    documents[PLACEMENTS]["parameters"] = ["website", "location", "term"]
    documents[VISITORS] |= {"type": "visitor", "hold_on_activity": "30s"}
    return documents
