"""A visit that somebody describes instead of making it."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from allocator.answers import NOBODY
from ringpool.faults import Fault
from ringpool.visits import crawlers
from ringpool.visits.areas import read_codes
from ringpool.visits.click import Click, Surroundings, device, page_click
from ringpool.visits.networks import network_of

_NOT_OF_PAGES = ("address", "agent", "country", "area")


@dataclass(frozen=True, slots=True)
class DescribedVisit:
    """``given``: what a page would send. ``agent``: the visitor's User-Agent; "": a computer's.

    ``area``: codes of telephone areas (``areas.read_codes``). ``network``: whose budget the visitor
    is on; NOBODY: the visitor's address isn't told.
    """

    given: Mapping[str, str]
    agent: str = ""
    country: str = ""
    area: tuple[str, ...] = ()
    network: str = NOBODY

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> DescribedVisit:
        """Read a page's parameters and what else describes a visit; raises a Fault."""
        country = parameters.get("country", "").upper()
        if country and not (len(country) == 2 and country.isascii() and country.isalpha()):
            raise Fault("country", "expected two letters")
        area = read_codes(parameters.get("area", ""), country)
        if parameters.get("area") and not area:
            raise Fault("area", "expected telephone area codes, with commas: 212,646 or +1212")
        given = {name: value for name, value in parameters.items() if name not in _NOT_OF_PAGES}
        network = _network(parameters.get("address", ""))
        return cls(given, parameters.get("agent", ""), country, area, network)

    @property
    def is_visitor(self) -> bool:
        """False for a crawler."""
        return not crawlers.is_crawler(self._agent)

    def click(self, publishers: Container[str] = ()) -> Click:
        """The click; raises a Fault for a visitor id that is none."""
        is_phone = crawlers.is_phone([(b"user-agent", self._agent)])
        surroundings = Surroundings(
            device(is_phone=is_phone), self.country, self.area, self.network
        )
        return page_click(self.given, surroundings, publishers)

    @property
    def _agent(self) -> bytes:
        return self.agent.encode("latin-1", "replace")


def _network(address: str) -> str:
    try:
        return network_of(str(ip_address(address))) if address else NOBODY
    except ValueError:
        raise Fault("address", "expected an IPv4 or IPv6 address") from None
