"""A visit that somebody describes instead of making it."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from ringpool.faults import Fault
from ringpool.visits import crawlers
from ringpool.visits.click import Click, Surroundings, page_click


@dataclass(frozen=True, slots=True)
class DescribedVisit:
    """``given``: what a page would send. ``agent``: the visitor's User-Agent; "": a computer's."""

    given: Mapping[str, str]
    agent: str = ""
    country: str = ""

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> DescribedVisit:
        """Read a page's parameters, ``agent`` and ``country``; raises a Fault."""
        country = parameters.get("country", "").upper()
        if country and not (len(country) == 2 and country.isascii() and country.isalpha()):
            raise Fault("country", "expected two letters")
        given = {
            name: value for name, value in parameters.items() if name not in ("agent", "country")
        }
        return cls(given, parameters.get("agent", ""), country)

    @property
    def is_visitor(self) -> bool:
        """False for a crawler."""
        return not crawlers.is_crawler(self._agent)

    def click(self, publishers: Container[str] = ()) -> Click:
        """The click; raises a Fault for a visitor id that is none."""
        phone = crawlers.is_phone([(b"user-agent", self._agent)])
        surroundings = Surroundings("phone" if phone else "other", self.country)
        return page_click(self.given, surroundings, publishers)

    @property
    def _agent(self) -> bytes:
        return self.agent.encode("latin-1", "replace")
