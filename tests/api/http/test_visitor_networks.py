"""Which network an address is of."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from allocator.answers import UNKNOWN_NETWORK
from api.http.visitor_networks import VisitorNetworks
from ringpool.visits.networks import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("8.8.4.4", "8.8.4.0/24"),
        ("::ffff:8.8.4.4", "8.8.4.0/24"),
        ("2606:4700:1:2:3:4:5:6", "2606:4700:1:2::/64"),
        *((address, UNKNOWN_NETWORK) for address in ("127.0.0.1", "::1", "10.1.2.3", "fd00::1")),
        *((address, UNKNOWN_NETWORK) for address in ("100.64.0.1", "fe80::1%eth0", "", "/a/path")),
    ],
)
def test_an_address_is_of_one_network(address: str, network: str) -> None:
    """A /24, a /64; none where a proxy is that nobody named."""
    assert network_of(address) == network


def test_a_trusted_proxy_is_no_visitor() -> None:
    """Its own address comes only where it tells none."""
    networks = VisitorNetworks(("8.8.0.0/16", "*"))
    assert networks.of("8.8.4.4") == networks.of("::ffff:8.8.4.4") == UNKNOWN_NETWORK
    assert networks.of("8.9.4.4") == "8.9.4.0/24"


def test_the_first_unknown_network_is_logged() -> None:
    """Once: every visitor behind that proxy has one."""
    networks = VisitorNetworks(())
    with capture_logs() as logged:
        for address in ("9.9.9.9", "10.0.0.1", "10.0.0.1", "127.0.0.1"):
            networks.of(address)
    assert [(entry["event"], entry["client"]) for entry in logged] == [
        ("visitors_without_budget", "10.0.0.1")
    ]
