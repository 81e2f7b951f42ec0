"""Addresses over the wire."""

from __future__ import annotations

import pytest

from api.http.addresses import in_ascii


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("https://landing.example/offer?a=1&b=%20#top", "https://landing.example/offer?a=1&b=%20#top"),
        ("HTTPS://WWW.Shop.example", "https://www.shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://shop.example:443", "http://shop.example:443"),
        ("http://[::1]:8000/a", "http://[::1]:8000/a"),
        ("https://bücher.example:8443/ü?ä=ö#ß",
         "https://xn--bcher-kva.example:8443/%C3%BC?%C3%A4=%C3%B6#%C3%9F"),
        (f"https://{'ü' * 64}.example", f"https://{'%C3%BC' * 64}.example"),
    ],
)  # fmt: skip
def test_an_address_as_browsers_write_it(written: str, sent: str) -> None:
    """ASCII, lower-case host, no port that goes without saying; what is escaped stays so."""
    assert in_ascii(written) == sent
