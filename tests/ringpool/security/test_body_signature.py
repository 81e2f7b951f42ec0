"""The signature that Ringpool writes and that carriers' own software writes to it."""

from __future__ import annotations

import pytest

from ringpool.security.body_signature import is_signed, sign
from tests.ringpool.carriers.deliveries import NOW, flips

SECRET, FORMER, OTHER = "secret-0123456789", "former-0123456789", "other-0123456789"
BODY = b'{"id": "call-1"}'
KNOWN = [SECRET, FORMER]


def test_either_secret_will_do_within_five_minutes() -> None:
    """Whichever the sender has, several at a time too; not a moment later."""
    for secrets in ([SECRET], [FORMER], [OTHER, SECRET]):
        header = sign(secrets, NOW, BODY)
        for now in (NOW - 300, NOW, NOW + 300):
            assert is_signed(header, BODY, KNOWN, now)
        for now in (NOW - 301, NOW + 301):
            assert not is_signed(header, BODY, KNOWN, now)
    assert not is_signed(sign([OTHER], NOW, BODY), BODY, KNOWN, NOW)
    assert not is_signed(sign([SECRET], NOW, BODY), BODY, [], NOW)


def test_every_bit_counts() -> None:
    """Of the header and of the body."""
    header = sign([SECRET], NOW, BODY)
    assert not any(is_signed(header, flipped, KNOWN, NOW) for flipped in flips(BODY))
    for flipped in flips(header.encode()):
        assert not is_signed(flipped.decode("latin-1"), BODY, KNOWN, NOW), flipped


@pytest.mark.parametrize(
    "header", ["", "t=1", "v1=a", "t=,v1=", "t=x,v1=a", f"t={NOW},t={NOW},v1=a", "," * 50]
)
def test_what_is_no_signature(header: str) -> None:
    """Refused, never a failure."""
    assert not is_signed(header, BODY, KNOWN, NOW)
