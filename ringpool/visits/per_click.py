"""What in a query differs from click to click: the visitor, click ids, the callback's name.

Clicks from one source differ in nothing else. Without these values their queries are one text, the
cache key under which an answer that was computed once is found again (``ResponseCache``). Only
plain values are cut out, those that mean the same in every encoding. A query with others works as
well: it is a cache key of its own, but such queries are rare.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set
from typing import NamedTuple

from ringpool.model import Pool
from ringpool.visits.pool_tuples import fields_read
from ringpool.visits.queries import read_query
from ringpool.visits.traffic import CLICK_IDS

MAX_KEY_BYTES = 4096
"""Bytes of a query that are worth remembering. Far below the length at which anything is cut off,
so that the length of a value that was cut out makes no difference."""

MAX_PER_CLICK = 16
"""Values cut out of such a query, for the same reason."""

_NAMES = "|".join(sorted(CLICK_IDS)).encode()
_VALUE = rb"((?!__)[A-Za-z0-9_.-]{1,128})"  # __CLICKID__ is a placeholder, and no click id
_IN_LINK = re.compile(rb"(&(?:visitor|%b)=)%b(?=&|$)" % (_NAMES, _VALUE))
# Of a page's URL inside the query: %3F is its question mark, %26 its &, %3D its =, %23 its #.
_IN_PAGE_QUERY = re.compile(
    rb"(&(?:visitor|callback)=|%%(?:3F|26)(?:%b)%%3D)%b(?=&|$|%%26|%%23)" % (_NAMES, _VALUE)
)
_WHOLE_URLS = frozenset(("landing_page", "referrer"))


class SplitQuery(NamedTuple):
    """A query in two.

    ``cache_key``: all but the per-click values, as text, name, text, name, …, text. ``per_click``:
    those values, one after each name.
    """

    cache_key: tuple[bytes, ...]
    per_click: list[bytes]

    def value(self, name: bytes) -> bytes:
        """The per-click value of a field (``b"callback"``), b"" without one."""
        try:
            return self.per_click[self.cache_key.index(b"&%b=" % name) // 2]
        except ValueError:
            return b""

    def shareable(self, pools: Iterable[Pool], compared: Set[str] = frozenset()) -> bool:
        """Whether these pools answer every click with this cache key alike.

        ``compared``: names of values by which rules chose the pools. Not if a per-click value is
        one of them or may become part of a tuple, or if its field comes twice, which is refused
        when the two differ.
        """
        key = b"".join(self.cache_key)
        if len(key) > MAX_KEY_BYTES or len(self.per_click) > MAX_PER_CLICK:
            return False
        varying = CLICK_IDS.keys() | _WHOLE_URLS
        names = [name for field in key.split(b"&") for name in read_query(field, lenient=True)]
        for name, before in self._varying_fields():
            # Behind a second question mark or before the first, a click id is no parameter of its
            # URL but the end of another's value, or of the path.
            if names.count(name) > 1 or (before and before.count("?") != 1):
                return False
            varying = varying | {name}
        if not varying.isdisjoint(compared):
            return False
        return all(varying.isdisjoint(fields_read(pool)) for pool in pools)

    def _varying_fields(self) -> Iterator[tuple[str, str]]:
        """The query's field in which each per-click value stands, and what stands before it."""
        for end in range(2, len(self.cache_key) + 1, 2):
            field = b"".join(self.cache_key[:end]).rpartition(b"&")[2]
            yield from read_query(field, lenient=True).items()


def split_link_query(query: bytes) -> SplitQuery:
    """Split the query of a tracking link."""
    return _split(_IN_LINK, query)


def split_page_query(query: bytes) -> SplitQuery:
    """Split the query of a page's request, in which ``url``, ``ref`` and others are URLs."""
    return _split(_IN_PAGE_QUERY, query)


def _split(pattern: re.Pattern[bytes], query: bytes) -> SplitQuery:
    parts = pattern.split(b"&" + query)  # text, name, value, text, name, value, …, text
    per_click = parts[2::3]
    del parts[2::3]
    return SplitQuery(tuple(parts), per_click)
