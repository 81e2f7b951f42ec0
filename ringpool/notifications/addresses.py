"""Which network addresses webhooks may be posted to: those of the public internet, and named ones.

What is asked is the address that is connected to, after the name was resolved, so that no name and
no way of writing an address gets around it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All of IPv6 that IANA has given to the internet."""

_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""An IPv4 address that a NAT64 gateway connects to (RFC 6052)."""

_NOT_PUBLIC = tuple(
    ipaddress.ip_network(name)
    for name in (
        # IANA's special-purpose registries, those that are_global differs on by Python's version.
        *("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15"),
        *("224.0.0.0/4", "240.0.0.0/4"),
        # Teredo and other protocols; documentation; documentation again; ORCHIDs are in the first.
        *("2001::/23", "2001:db8::/32", "3fff::/20"),
    )
)


def read_networks(names: Sequence[str]) -> tuple[Network, ...]:
    """Read networks and single addresses; ``*`` is every address."""
    found: list[Network] = []
    for name in names:
        if name == "*":
            found += [ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")]
        else:
            found.append(ipaddress.ip_network(name))
    return tuple(found)


def may_connect(text: str, allowed: Sequence[Network] = ()) -> bool:
    """Whether an address, as ``getaddrinfo`` writes it, is public or in an allowed network.

    One with a zone (``fe80::1%eth0``) is of a link, and never public.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return False
        address = address.ipv4_mapped or address
    return any(address in network for network in allowed) or _is_public(address)


def _is_public(address: Address) -> bool:
    if any(address in network for network in _NOT_PUBLIC) or address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global
    if address in _TRANSLATED:
        return _is_public(ipaddress.IPv4Address(address.packed[-4:]))
    if address.sixtofour is not None and not _is_public(address.sixtofour):
        return False
    return address in _UNICAST and (address.is_global or address.sixtofour is not None)
