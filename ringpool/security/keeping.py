"""What a visitor brings back: the tuple by which they have a number, sealed.

A page keeps this text and sends it with pings, and with later visits where the pool is sticky. It
can't be made or changed by anyone else, so nobody gets or holds a number by it that wasn't theirs.
It hides nothing: the tuple can be read.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from typing import NamedTuple

from ringpool.security.signing import SigningKeys

MAX_TEXT = 4096
"""Characters of one text: a tuple of the greatest length fits."""

_MAC_BYTES = 12


class Kept(NamedTuple):
    """A tuple of a pool. ``asked``: the pool that had nothing and fell back on it; "": itself."""

    pool: str
    tuple: str
    asked: str = ""


class Seal:
    """Seals with the first key, and opens with each."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def seal(self, kept: Kept) -> str:
        """Return the text to bring back: base64url, without padding."""
        pools = f"{kept.pool} {kept.asked}" if kept.asked else kept.pool
        body = f"{pools}\n{kept.tuple}".encode()
        mac = _mac(self._keys[0], body)
        return base64.urlsafe_b64encode(mac + body).rstrip(b"=").decode()

    def open(self, text: str) -> Kept | None:
        """Return what was sealed; None for anything that wasn't sealed with one of the keys."""
        if len(text) > MAX_TEXT:
            return None
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not any(hmac.compare_digest(mac, _mac(key, body)) for key in self._keys):
            return None
        pools, _, tuple_ = body.decode().partition("\n")
        pool, _, asked = pools.partition(" ")
        return Kept(pool, tuple_, asked)


def seal_for(signer: SigningKeys) -> Seal:
    """The seal of a service with these signing keys."""
    return Seal(signer.derived_keys("sticky"))


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:_MAC_BYTES]
