"""A click as every audience reports it: where it came from, and what each pool asks of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from allocator.answers import Ask
from ringpool.faults import Fault
from ringpool.model import Pool
from ringpool.pool_tuples import tuple_for
from ringpool.traffic import attributes, from_page, pack

_VISITOR = re.compile(r"[A-Za-z0-9._:~-]{1,128}")


def visitor_id(text: str) -> str:
    """Check the id that a page gives its visitor ("" when it gives none)."""
    if text and not _VISITOR.fullmatch(text):
        raise Fault("visitor", "1 to 128 letters, digits and . _ : ~ - are an id")
    return text


class Click:
    """The traffic source read once, for as many pools as want to know.

    ``given``: parameters said in so many words, names in lower case. ``extra``: further attributes
    to keep (``publisher``, ``device``).
    """

    __slots__ = ("attributes", "given", "source", "visitor")

    def __init__(
        self,
        url: str,
        referrer: str,
        given: Mapping[str, str],
        visitor: str,
        extra: Mapping[str, str],
    ) -> None:
        self.given = given
        self.visitor = visitor_id(visitor)
        self.source = from_page(url, referrer, given)
        self.attributes = pack(attributes(self.source, extra))

    def ask(self, pool: Pool, clicks: int = 1) -> Ask:
        """What this click asks of a pool; raises a Fault that names a parameter.

        ``clicks`` 0: a ping, which is activity and no click.
        """
        text = tuple_for(pool, self.source, self.given, self.visitor)
        return Ask(text, self.attributes, clicks)
