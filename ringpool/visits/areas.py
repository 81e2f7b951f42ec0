"""Where a visitor is, as telephone areas: told by a proxy, and found among a pool's.

A proxy tells codes as they are dialled inside the country and without a trunk 0 (``212,646``), or
with the country calling code (``+1212``). A code alone is of the visitor's country where that is
told too: 212 is New York, and Solingen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import phonenumbers
from msgspec import Struct

MAX_CODES = 10
"""Most codes that are read of what is told of one visitor."""

_MOST_TEXT = 200  # longer ones are none, and aren't remembered
_CODES = re.compile(r"\+?[0-9]{1,11}(?: *, *\+?[0-9]{1,11})*")


def read_codes(text: str, country: str = "") -> tuple[str, ...]:
    """The codes in what a proxy tells (``212,646``), the best first; none for anything else.

    ``country``: two letters, "" where it isn't known. With it each code has its country's.
    """
    return _codes(text, country) if len(text) <= _MOST_TEXT else ()


@lru_cache(maxsize=4096)
def _codes(text: str, country: str) -> tuple[str, ...]:
    text = text.strip(" ")
    if not _CODES.fullmatch(text):
        return ()
    calling_code = phonenumbers.country_code_for_region(country) if country else 0
    codes = (code.strip(" ") for code in text.split(","))
    if calling_code:
        codes = (code if code[0] == "+" else f"+{calling_code}{code}" for code in codes)
    return tuple(dict.fromkeys(codes))[:MAX_CODES]


class PoolAreas(Struct, frozen=True):
    """The areas that a pool has numbers of. ``by_code``: each by the codes that mean it."""

    by_code: dict[str, str] = {}

    def wanted(self, codes: Iterable[str]) -> tuple[str, ...]:
        """Those of a visitor's areas that the pool has numbers of: ``+1212``, ``+1646``."""
        known = self.by_code
        return tuple(dict.fromkeys(known[code] for code in codes if code in known))


NO_AREAS = PoolAreas()


def pool_areas(areas: Iterable[str]) -> PoolAreas:
    """Prepare a pool's areas (``+1212``). A code that two of its countries have means neither."""
    by_code: dict[str, str] = {}
    ambiguous: set[str] = set()
    for area in areas:
        by_code[area] = area
        code = area.removeprefix(f"+{_calling_code(area)}")
        if code in by_code:
            ambiguous.add(code)
        by_code[code] = area
    return PoolAreas({code: area for code, area in by_code.items() if code not in ambiguous})


def _calling_code(area: str) -> int:
    """The country calling code that an area begins with: no code begins another."""
    codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    return next(code for length in (2, 3, 4) if (code := int(area[1:length])) in codes)
