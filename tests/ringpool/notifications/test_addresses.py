"""Which addresses may be posted to."""

from __future__ import annotations

import pytest

from ringpool.notifications.addresses import may_connect, read_networks


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",  # shared by a provider's customers
        "169.254.169.254",  # a cloud's metadata
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",  # IPv4-compatible
        "::ffff:127.0.0.1",  # IPv4-mapped
        "::ffff:10.0.0.1",
        "::ffff:0:127.0.0.1",  # translated by SIIT
        "64:ff9b::7f00:1",  # NAT64
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::808:808",  # NAT64 of a network's own
        "2002:7f00:1::1",  # 6to4
        "2002:a00:1::",
        "2001:0:53aa:64c:0:0:80ff:fffe",  # Teredo
        "2001:10::1",
        "2001:db8::1",
        "3fff::1",
        "100::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1111%1",  # a zone, whatever it is
        "fec0::1",
        "ff02::1",
        "",
        "localhost",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
    ],
)
def test_hostile_addresses(address: str) -> None:
    """What isn't on the public internet, however it is written, and what is no address."""
    assert not may_connect(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "192.0.1.1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ],
)
def test_public_addresses(address: str) -> None:
    """Also those of IPv4 that are written within one of IPv6."""
    assert may_connect(address)


def test_named_networks() -> None:
    """What is named may be posted to, in whichever way it is written, and no more."""
    allowed = read_networks(["10.0.0.5", "fd00:12::/64", "127.0.0.0/8"])
    for address in ("10.0.0.5", "::ffff:10.0.0.5", "fd00:12::7", "127.0.0.1", "8.8.8.8"):
        assert may_connect(address, allowed)
    for address in ("10.0.0.6", "fd00:13::7", "::1", "fe80::1%eth0", "64:ff9b::7f00:1"):
        assert not may_connect(address, allowed)
    assert may_connect("::1", read_networks(["*"]))
    assert may_connect("192.168.0.1", read_networks(["*"]))
