"""A click as pages, links and ad servers report it, and what it asks of a pool."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping

from allocator.answers import Ask
from ringpool.faults import Fault
from ringpool.model import Pool
from ringpool.visits.pool_tuples import tuple_for
from ringpool.visits.traffic import TrafficSource, attributes, from_location, locate, pack

_VISITOR = re.compile(r"[A-Za-z0-9._:~-]{1,128}")


def visitor_id(text: str) -> str:
    """Check the id that a page gives its visitor ("" when it gives none)."""
    if text and not _VISITOR.fullmatch(text):
        raise Fault("visitor", "1 to 128 letters, digits and . _ : ~ - are an id")
    return text


class Click:
    """What is known of a click, each part worked out when it is needed.

    Most clicks are by a source that has its number: then the tuple is all that is needed, and of
    the attributes those of the last click. ``given``: parameters given explicitly, names in lower
    case. ``extra``: further attributes to keep (``publisher``, ``device``); a publisher is part of
    the tuple too, so only that of an existing account may be here. ``publishers``: accounts that
    the page's URL may name as its publisher, as it does behind a tracking link.
    """

    __slots__ = ("_extra", "_page", "_referrer", "_source", "given", "visitor")

    def __init__(
        self,
        url: str,
        referrer: str,
        given: Mapping[str, str],
        visitor: str,
        extra: Mapping[str, str],
        publishers: Container[str] = (),
    ) -> None:
        self.given = given
        self.visitor = visitor_id(visitor)
        self._page = locate(url)
        self._referrer = referrer
        publisher = self._page.parameters.get("publisher")
        if publisher is not None and publisher in publishers:
            extra = {**extra, "publisher": publisher}
        self._extra = extra
        self._source: TrafficSource | None = None

    @property
    def source(self) -> TrafficSource:
        """The whole traffic source."""
        if self._source is None:
            self._source = from_location(self._page, self._referrer, self.given)
        return self._source

    @property
    def url_parameters(self) -> Mapping[str, str]:
        """What the page's URL carries."""
        return self._page.parameters

    def fact(self, name: str) -> str:
        """The value that is known under a name, or ""."""
        if name == "path":
            return self._page.path
        return self._page.host if name == "host" else self.source.fact(name)

    def attributes(self) -> bytes:
        """What is kept of this click with the assignment: JSON."""
        return pack(attributes(self.source, self._extra))

    def ask(self, pool: Pool, clicks: int = 1) -> Ask:
        """The tuple that wants its number of a pool; raises a Fault that names a parameter.

        ``clicks`` 0: a ping, which is activity and no click.
        """
        publisher = self._extra.get("publisher", "")
        return Ask(
            tuple_for(pool, self, self.given, self.visitor, publisher), self.attributes, clicks
        )
