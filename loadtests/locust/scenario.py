"""What the simulated users ask for: pools, keywords as frequent as in searches, page URLs.

Placements are a fixed list in which some are far more frequent than others, and visitors return. In
ten minutes all of them have been asked for and the service's caches are full: memory that grows
after that is a leak. Click ids and callbacks are new every time.
"""

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


def _draw(chance: random.Random) -> tuple[str, str, str]:
    website = min(29, int(chance.paretovariate(1)) - 1)
    location = chance.choice(("header", "hero", "footer", "sidebar", "popup"))
    return f"site-{website}", location, chance.choices(_KEYWORDS, cum_weights=_WEIGHTS)[0]


_CHANCE = random.Random(1)
_PLACEMENTS = [_draw(_CHANCE) for _ in range(2000)]
_VISITORS = [f"{_CHANCE.getrandbits(128):032x}" for _ in range(1000)]
# Fewer numbers than placements and visitors: the last placements get the overflow number, and
# visitors take over numbers of those who have gone. Placements keep theirs for the run: a
# tracking link is signed anew, and that remembered, when its number's guarantee is another.
_SIZES = {PLACEMENTS: (len({*_PLACEMENTS}) * 99 // 100, "208"), VISITORS: (900, "209")}


def placement() -> dict[str, str]:
    """A place of an advertisement, with what was searched for; the popular ones often."""
    website, location, term = random.choice(_PLACEMENTS)
    return {"website": website, "location": location, "term": term}


def visitor() -> str:
    """The id of a returning visitor."""
    return random.choice(_VISITORS)


def click_id() -> str:
    """A new gclid."""
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
            "min_duration": "1h",
            "overflow_number": "+18005550199",
            "landing_url": LANDING_URL,
            "swap_targets": [TARGETS[pool]],
            "numbers": [f"+1{area}{555_0000 + index:07d}" for index in range(size)],
        }
    documents[PLACEMENTS]["parameters"] = ["website", "location", "term"]
    documents[VISITORS] |= {
        "type": "visitor",
        "min_duration": "15s",
        "hold_on_activity": "15s",
    }
    return documents
