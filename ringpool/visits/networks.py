"""The network that a visitor's address is of: whom a pool's budget is for."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from allocator.answers import UNKNOWN_NETWORK

_PREFIXES = {4: 24, 6: 64}


def network_of(address: str, proxies: Iterable[IPv4Network | IPv6Network] = ()) -> str:
    """The /24 of an IPv4 address, the /64 of an IPv6 one: ``192.0.2.0/24``.

    UNKNOWN_NETWORK for what isn't a public address: all visitors behind a proxy that nobody named
    come from one, and would share one budget. ``proxies``: the addresses of those that are named,
    which tell of no visitor either.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:  # a socket's path
        return UNKNOWN_NETWORK
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if not parsed.is_global or any(parsed in named for named in proxies):
        return UNKNOWN_NETWORK
    return str(ip_network((parsed, _PREFIXES[parsed.version]), strict=False))
