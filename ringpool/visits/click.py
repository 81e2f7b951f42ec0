"""A click as pages, links and ad servers report it, and what it asks of a pool."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from copy import copy
from typing import NamedTuple

from msgspec import structs

from allocator.answers import NOBODY, Ask
from ringpool.faults import Fault
from ringpool.model import Pool, Touch
from ringpool.visits.areas import NO_AREAS, PoolAreas
from ringpool.visits.page_fields import PAGE_FIELDS
from ringpool.visits.placeholders import unfilled, without
from ringpool.visits.pool_tuples import by_name, fields_read, tuple_for
from ringpool.visits.traffic import (
    NOWHERE,
    TrafficSource,
    from_location,
    locate,
    packed_attributes,
)

_VISITOR = re.compile(r"[A-Za-z0-9._:~-]{1,128}")


def visitor_id(text: str) -> str:
    """Check the id that a page gives its visitor ("" when it gives none)."""
    if text and not _VISITOR.fullmatch(text):
        raise Fault("visitor", "1 to 128 letters, digits and . _ : ~ - are an id")
    return text


class Surroundings(NamedTuple):
    """What a request tells of a visitor beside the visit. "": unknown, as the country often is.

    ``area``: codes of telephone areas, as ``areas.read_codes`` returns them. ``network``: whose
    budget the visitor is on (``Ask.network``).
    """

    device: str = ""
    country: str = ""
    area: tuple[str, ...] = ()
    network: str = NOBODY


_UNKNOWN = Surroundings()


def device(*, is_phone: bool) -> str:
    """The visitor's device, as rules and attributes name it."""
    return "phone" if is_phone else "other"


class Click:
    """What is known of a click, each part worked out when it is needed.

    Most clicks are by a source that has its number: then the tuple is all that is needed, and of
    the attributes those of the last click. ``given``: parameters given explicitly, names in lower
    case. ``extra``: further attributes to keep (``publisher``, ``landing_page``); a publisher is
    part of the tuple too, so only that of an existing account may be here. ``publishers``: accounts
    that the page's URL may name as its publisher, as it does behind a tracking link. ``first``: URL
    and referrer of the visitor's first visit, for pools whose tuples are made of it ("": unknown,
    then it is this one).

    ``unfilled``: parameters that hold a placeholder, and are missing therefore.
    """

    __slots__ = (
        "_extra",
        "_first",
        "_page",
        "_publishers",
        "_referrer",
        "_source",
        "area",
        "country",
        "device",
        "given",
        "network",
        "unfilled",
        "visitor",
    )

    def __init__(
        self,
        url: str,
        referrer: str,
        given: Mapping[str, str],
        visitor: str,
        extra: Mapping[str, str],
        publishers: Container[str] = (),
        surroundings: Surroundings = _UNKNOWN,
        first: tuple[str, str] = ("", ""),
    ) -> None:
        self.device, self.country, self.area, self.network = surroundings
        if self.device:
            extra = {**extra, "device": self.device}
        self._first: tuple[str, str] = first
        self._publishers = publishers
        self.visitor = visitor_id(visitor)
        self.unfilled = unfilled(given)
        self.given = without(given, self.unfilled)
        page = locate(url)
        if page is not NOWHERE:
            if unfilled_on_page := unfilled(page.parameters):
                parameters = without(page.parameters, unfilled_on_page)
                page = structs.replace(page, parameters=parameters)
                self.unfilled |= unfilled_on_page - self.given.keys()
            publisher = page.parameters.get("publisher")
            if publisher is not None and publisher in publishers:
                extra = {**extra, "publisher": publisher}
        self._page = page
        self._referrer = referrer
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
        return packed_attributes(self.source, self._extra)

    def parameter(self, name: str) -> str | None:
        """A parameter that is given, or that the page's URL carries; None without one.

        A page's own ``?ref=`` isn't the field ``ref`` of a page's request.
        """
        if name in self.given and name not in PAGE_FIELDS:
            return self.given[name]
        return self._page.parameters.get(name)

    def unfilled_of(self, pool: Pool) -> int:
        """How many parameters of the pool's tuples hold a placeholder on this click."""
        return len(self.unfilled & fields_read(pool)) if self.unfilled else 0

    def ask(self, pool: Pool, areas: PoolAreas = NO_AREAS) -> Ask:
        """The tuple that wants its number of a pool; raises a Fault that names a parameter.

        ``areas``: those that the pool has numbers of, where it goes by them.
        """
        source = self._first_touch() if pool.touch is Touch.FIRST and self._first[0] else self
        publisher = source._extra.get("publisher", "")
        wanted = areas.wanted(self.area) if self.area else ()
        area = wanted[0] if wanted else ""
        tuple_ = tuple_for(pool, source, self.given, self.visitor, publisher, area)
        return Ask(tuple_, self.attributes, areas=" ".join(wanted), network=self.network)

    def handed_on(self, pool: Pool) -> Click:
        """The same click for the pools that ``pool`` falls back on.

        What is given by position has the names of ``pool``: another pool has others there.
        """
        click = copy(self)
        click.given = by_name(pool, self.given)
        click._extra = {**self._extra, "fallback_from": pool.id}
        return click

    def _first_touch(self) -> Click:
        url, referrer = self._first
        extra = {name: value for name, value in self._extra.items() if name != "publisher"}
        return Click(url, referrer, self.given, self.visitor, extra, self._publishers)


def page_click(
    parameters: Mapping[str, str], surroundings: Surroundings, publishers: Container[str]
) -> Click:
    """The click that a page's request reports; raises a Fault for a visitor id that is none.

    ``publishers``: accounts that the page's URL may name as its publisher.
    """
    return Click(
        parameters.get("url", ""),
        parameters.get("ref", ""),
        parameters,
        parameters.get("visitor", ""),
        {},
        publishers,
        surroundings,
        (parameters.get("first_url", ""), parameters.get("first_ref", "")),
    )
