"""Accounts' API keys: how one is made, and what is kept of it.

Only a hash is kept. It is plain SHA-256: a key made here is 256 random bits, which nobody guesses,
so a slow hash would add nothing but time to every request. (A key that somebody chose is only as
good as what he chose: so let the service make them.) Who brings a key is found by its hash: no two
secrets are compared with each other, and how long it takes tells nothing of the keys there are.
"""

from __future__ import annotations

import secrets
from hashlib import sha256

PREFIX = "rp_"
"""What a key made here begins with, for scanners that look for secrets in code and logs."""

_ALGORITHM = "sha256:"


def new_key() -> str:
    """Make a key: ``rp_`` and 43 characters, base64url of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_of(key: str) -> str:
    """Return what is kept of a key: ``sha256:`` and 64 hexadecimal digits."""
    return _ALGORITHM + sha256(key.encode()).hexdigest()


def fingerprint(hash_text: str) -> str:
    """Return the first 8 digits of a hash: enough to tell an account's keys apart."""
    return hash_text.removeprefix(_ALGORITHM)[:8]
