"""The network that a visitor's address is of: whom a pool's budget is for."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from allocator.answers import UNKNOWN_NETWORK

_PARTLY_SPECIAL = frozenset({*(0, 10, 100, 127, 169, 172, 192, 198, 203), *range(224, 256)})
"""First octets under which IANA has addresses that aren't public: those of all others are. Asking
``is_global`` walks through the whole registry."""


def network_of(address: str, proxies: Iterable[IPv4Network | IPv6Network] = ()) -> str:
    """The /24 of an IPv4 address, the /64 of an IPv6 one: ``192.0.2.0/24``.

    UNKNOWN_NETWORK for what isn't a public address: all visitors behind a proxy that nobody named
    come from one, and would share one budget. ``proxies``: the addresses of those that are named,
    which tell of no visitor either.
    """
    text = address.partition("%")[0]
    try:
        parsed = ip_address(text)
    except ValueError:  # a socket's path
        return UNKNOWN_NETWORK
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
        text = str(parsed)
    if not _is_public(parsed) or any(parsed in named for named in proxies):
        return UNKNOWN_NETWORK
    if isinstance(parsed, IPv4Address):
        return f"{text.rpartition('.')[0]}.0/24"
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address) and int(address) >> 24 not in _PARTLY_SPECIAL:
        return True
    return address.is_global
