"""Which network each visitor is of, as far as the connection or a trusted proxy tells it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from ipaddress import ip_network

import structlog

from allocator.answers import UNKNOWN_NETWORK
from ringpool.visits.networks import network_of

log = structlog.get_logger()

_REMEMBERED = 4096
_LONGEST = 100  # of an address, its zone included; what is longer is none, and isn't remembered


class VisitorNetworks:
    """``trusted``: the proxies that are named; the address of one itself tells of no visitor."""

    def __init__(self, trusted: Sequence[str]) -> None:
        proxies = [ip_network(name) for name in trusted if name != "*"]
        self._warned = False
        self._find = lru_cache(_REMEMBERED)(partial(network_of, proxies=proxies))

    def of(self, address: str) -> str:
        """The network (``networks.network_of``); the first one that isn't known is logged."""
        network = self._find(address) if len(address) <= _LONGEST else UNKNOWN_NETWORK
        if network == UNKNOWN_NETWORK and not self._warned:
            self._warned = True
            log.warning(
                "visitors_without_budget",
                client=address,
                advice="name the proxy in front in RINGPOOL_TRUSTED_PROXIES: pools can't hold "
                "visitors to their budgets whose addresses aren't known",
            )
        return network
