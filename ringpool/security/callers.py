"""Callers' numbers as they are kept: keyed hashes, by which a caller is known again and no more.

HMAC-SHA256 over the account and the number (E.164), 16 bytes of it in hexadecimal. The key follows
from the service's signing key: whoever has a copy of the archive alone can't try all the numbers
there are. Accounts' hashes of one caller differ, so that no two can find out whom both know. With a
new signing key a caller's later calls have another hash than the ones before.
"""

from __future__ import annotations

import hmac

from ringpool.security.signing import SigningKeys

_PURPOSE = "callers"
_BYTES = 16


def caller_hash(keys: SigningKeys, account: str, caller: str) -> str:
    """Return what is kept of a caller (E.164) of an account: 32 characters; "" for none."""
    return _hash(keys.current.derived_key(_PURPOSE), account, caller) if caller else ""


def caller_hashes(keys: SigningKeys, account: str, caller: str) -> list[str]:
    """Return what was kept of a caller with each key that is still known, the present one first."""
    return [_hash(key, account, caller) for key in keys.derived_keys(_PURPOSE)]


def _hash(key: bytes, account: str, caller: str) -> str:
    return hmac.digest(key, f"{account}\n{caller}".encode(), "sha256")[:_BYTES].hex()
