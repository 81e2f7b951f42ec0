"""What a visitor brings back: the tuple by which they have a number, sealed.

A page keeps this text and sends it with pings, and with later visits where the pool is sticky. It
can't be made or changed by anyone else, so nobody gets or holds a number by it that wasn't theirs.
It hides nothing: the tuple can be read.
"""

from __future__ import annotations

import base64
import hmac
from typing import NamedTuple

from ringpool.security.signing import Signer

MAX_TEXT = 4096
"""Characters of one text: a tuple of the greatest length fits."""

_MAC_BYTES = 12


class Kept(NamedTuple):
    """A tuple of a pool."""

    pool: str
    tuple: str


class Seal:
    """Seals and opens with one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, kept: Kept) -> str:
        """Return the text to bring back: base64url, without padding."""
        body = f"{kept.pool}\n{kept.tuple}".encode()
        return base64.urlsafe_b64encode(self._mac(body) + body).rstrip(b"=").decode()

    def open(self, text: str) -> Kept | None:
        """Return what was sealed; None for anything that wasn't sealed with this key."""
        if len(text) > MAX_TEXT:
            return None
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(body)):
            return None
        pool, _, tuple_ = body.decode().partition("\n")
        return Kept(pool, tuple_)

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:_MAC_BYTES]


def seal_for(signer: Signer) -> Seal:
    """The seal of a service with this signing key."""
    return Seal(signer.derived_key("sticky"))
