"""Visits to pages, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ringpool.visits.traffic import TrafficSource, from_location, locate

_NOTHING: Mapping[str, str] = MappingProxyType({})


def visit(url: str, referrer: str = "", given: Mapping[str, str] = _NOTHING) -> TrafficSource:
    """The source of a visit to the page at ``url`` that came from ``referrer``."""
    return from_location(locate(url), referrer, given)
