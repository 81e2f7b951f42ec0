"""What becomes of an account, or of a pool, when a key is made, replaced or revoked.

Nothing here is in the store yet: ``Catalog.change`` puts it there, and may ask for it twice.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from msgspec import UNSET
from msgspec.structs import replace

from ringpool.faults import Fault, Faults
from ringpool.model import MAX_API_KEYS, Account, ApiKey, FormerApiKey, FormerKey, Pool
from ringpool.security.api_keys import hash_of
from ringpool.times import Duration, to_unix_ms

MAX_OVERLAP = Duration.parse("1y")
MAX_LIFE = Duration.parse("10y")


class KeyExists(Exception):
    """There is a key of that name already. One line."""


class StillWorks(Exception):
    """The key before the present one works still, and no third may. One line."""


class UnknownKey(LookupError):
    """The account has no key of that name. One line."""

    def __init__(self, account: str, name: str) -> None:
        super().__init__(f"account {account} has no key {name[:63]!r}")


def find_key(account: Account, name: str) -> ApiKey:
    """Return the key of that name; raises UnknownKey."""
    for key in account.keys:
        if key.name == name:
            return key
    raise UnknownKey(account.id, name)


def with_key(account: Account, key: ApiKey) -> Account:
    """Return the account with one key more; raises KeyExists, or Faults when it has too many."""
    if any(other.name == key.name for other in account.keys):
        raise KeyExists(f"account {account.id} has a key {key.name} already")
    if len(account.keys) >= MAX_API_KEYS:
        raise Faults([Fault("name", f"the account has {MAX_API_KEYS} keys: revoke one first")])
    return replace(account, api_keys=(*account.keys, key))


def without_key(account: Account, name: str) -> Account:
    """Return the account without a key, and without the one that it took the place of.

    Raises UnknownKey.
    """
    gone = find_key(account, name)
    return replace(account, api_keys=tuple(key for key in account.keys if key is not gone))


def with_key_rotated(
    account: Account, name: str, text: str, overlap: Duration, now: datetime
) -> Account:
    """Return the account with ``text`` as the key of that name.

    The one that it had works until the overlap is over. Raises UnknownKey, and StillWorks while
    another one still works, unless both are to stop (``overlap`` 0).
    """
    key = find_key(account, name)
    if overlap and key.former and key.former.until > now:
        raise StillWorks(_two_work(f"key {name}"))
    former = FormerApiKey(hash=key.hash, until=now + _span(overlap)) if overlap else None
    rotated = replace(key, hash=hash_of(text), created=now, former=former)
    return replace(
        account, api_keys=tuple(rotated if each is key else each for each in account.keys)
    )


def with_pool_key_rotated(pool: Pool, text: str, overlap: Duration, now: datetime) -> Pool:
    """Return the pool with ``text`` as its key; else as ``with_key_rotated``."""
    former = pool.former_key
    if overlap and former is not UNSET and former.until > now:
        raise StillWorks(_two_work(f"the key of pool {pool.id}"))
    had = FormerKey(key=pool.key, until=now + _span(overlap)) if pool.key is not UNSET else UNSET
    return replace(pool, key=text, former_key=had)


def new_pool_key() -> str:
    """Return a text for a pool's key."""
    return secrets.token_urlsafe(24)


def expiry(expires: datetime | None, expires_in: Duration | None, now: datetime) -> datetime | None:
    """Return when a key expires that is made now; raises Faults."""
    if expires is not None and expires_in is not None:
        raise Faults([Fault("expires_in", "give it or expires, not both")])
    if expires_in is not None:
        if not 0 < expires_in <= MAX_LIFE:
            raise Faults([Fault("expires_in", f"{expires_in} is outside 1s to {MAX_LIFE}")])
        return now + _span(expires_in)
    if expires is not None:
        try:
            to_unix_ms(expires)
        except ValueError as error:
            raise Faults([Fault("expires", str(error))]) from None
        if expires <= now:
            raise Faults([Fault("expires", "is past")])
    return expires


def check_overlap(overlap: Duration) -> Duration:
    """Return it; raises Faults when it is too long."""
    if overlap > MAX_OVERLAP:
        raise Faults([Fault("overlap", f"{overlap} is outside 0s to {MAX_OVERLAP}")])
    return overlap


def _span(duration: Duration) -> timedelta:
    return timedelta(milliseconds=duration)


def _two_work(name: str) -> str:
    return f"the one before {name} still works; an overlap of 0s ends both at once"
