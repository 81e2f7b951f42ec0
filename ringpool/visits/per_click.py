"""What in a query is one click's own: the visitor, click ids, the name of the page's function.

Clicks from one source differ in nothing else. With these values cut out, their queries are the
same text, by which an answer worked out once is found again (``api.repeats``). Only plain values
are cut out, those that mean the same in every encoding; a query with others is as good, but rare.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ringpool.model import Pool
from ringpool.visits.pool_tuples import fields_read
from ringpool.visits.queries import read_query
from ringpool.visits.traffic import CLICK_IDS

MAX_ASKED_BYTES = 4096
"""Bytes of a query that are worth remembering. Far below what is cut anywhere, so that the length
of a value that was cut out makes no difference."""

MAX_OWN = 16
"""Values cut out of such a query, for the same reason."""

_NAMES = "|".join(sorted(CLICK_IDS)).encode()
_VALUE = rb"([A-Za-z0-9_.-]{1,128})"
_IN_LINK = re.compile(rb"(&(?:visitor|%b)=)%b(?=&|$)" % (_NAMES, _VALUE))
# Of a page's URL inside the query: %3F is its question mark, %26 its &, %3D its =, %23 its #.
_IN_PAGE_QUERY = re.compile(
    rb"(&(?:visitor|callback)=|%%(?:3F|26)(?:%b)%%3D)%b(?=&|$|%%26|%%23)" % (_NAMES, _VALUE)
)
_WHOLE_URLS = frozenset(("landing_page", "referrer"))


class SplitQuery(NamedTuple):
    """A query in two.

    ``asked``: all but the own values, as text, name, text, name, …, text; ``own``: those, one
    after each name.
    """

    asked: tuple[bytes, ...]
    own: list[bytes]

    def value(self, name: bytes) -> bytes:
        """The own value of a field (``b"callback"``), b"" without one."""
        try:
            return self.own[self.asked.index(b"&%b=" % name) // 2]
        except ValueError:
            return b""

    def fits(self, pools: Iterable[Pool]) -> bool:
        """Whether any other own values would get the same answer of these pools.

        Not if one may become part of a tuple, or if its field comes twice, which is refused when
        the two differ.
        """
        asked = b"".join(self.asked)
        if len(asked) > MAX_ASKED_BYTES or len(self.own) > MAX_OWN:
            return False
        told = CLICK_IDS.keys() | _WHOLE_URLS
        names = [name for field in asked.split(b"&") for name in read_query(field, lenient=True)]
        for name, before in self._told():
            # Behind a second question mark or before the first, a click id is no parameter of its
            # URL but the end of another's value, or of the path.
            if names.count(name) > 1 or (before and before.count("?") != 1):
                return False
            told = told | {name}
        return all(told.isdisjoint(fields_read(pool)) for pool in pools)

    def _told(self) -> Iterator[tuple[str, str]]:
        """For each own value the query's field that it is or stands in, and what is before it."""
        for end in range(2, len(self.asked) + 1, 2):
            field = b"".join(self.asked[:end]).rpartition(b"&")[2]
            yield from read_query(field, lenient=True).items()


def of_link(query: bytes) -> SplitQuery:
    """Part the query of a tracking link."""
    return _parted(_IN_LINK, query)


def of_page(query: bytes) -> SplitQuery:
    """Part the query of a page's question, in which ``url``, ``ref`` and others are URLs."""
    return _parted(_IN_PAGE_QUERY, query)


def _parted(pattern: re.Pattern[bytes], query: bytes) -> SplitQuery:
    parts = pattern.split(b"&" + query)  # text, name, value, text, name, value, …, text
    own = parts[2::3]
    del parts[2::3]
    return SplitQuery(tuple(parts), own)
