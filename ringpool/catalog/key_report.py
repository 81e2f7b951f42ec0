"""An account's API keys as people and programs see them: everything but their texts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import asdict

from ringpool.catalog.key_uses import KeyUses
from ringpool.model import Account, ApiKey, Scope
from ringpool.security.api_keys import fingerprint
from ringpool.times import format_rfc3339


class FormerKeyReport(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The key before, which works until then. ``last_used``: "" when nobody knows of a use."""

    until: str
    last_used: str = ""


class KeyReport(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One key. Times are RFC 3339, "" where there is none.

    ``last_used``: to the minute; of the present text. ``expired``: it doesn't work any more.
    """

    name: str
    fingerprint: str
    scopes: tuple[Scope, ...]
    created: str = ""
    expires: str = ""
    expired: bool = False
    last_used: str = ""
    former: FormerKeyReport | None = None


class MadeKey(KeyReport, frozen=True, omit_defaults=True, kw_only=True):
    """A key that was just made. ``key``: its text, which nobody can show again."""

    key: str


def made_key(account: Account, name: str, text: str, now: datetime) -> MadeKey:
    """Return the key of that name, which the account has, with its text."""
    (key,) = (key for key in account.keys if key.name == name)
    return MadeKey(**asdict(_report(key, {}, now)), key=text)


async def key_reports(account: Account, uses: KeyUses, now: datetime) -> list[KeyReport]:
    """Return an account's keys, in their order; raises StoreUnavailable."""
    hashes = [key.hash for key in account.keys]
    hashes += [key.former.hash for key in account.keys if key.former]
    used = dict(zip(hashes, await uses.last(hashes), strict=True))
    return [_report(key, used, now) for key in account.keys]


def _report(key: ApiKey, used: Mapping[str, int], now: datetime) -> KeyReport:
    former = None
    if key.former and key.former.until > now:
        former = FormerKeyReport(
            until=_text(key.former.until), last_used=_used(used.get(key.former.hash))
        )
    return KeyReport(
        name=key.name,
        fingerprint=fingerprint(key.hash),
        scopes=key.scopes,
        created=_text(key.created),
        expires=_text(key.expires),
        expired=key.expires is not None and key.expires <= now,
        last_used=_used(used.get(key.hash)),
        former=former,
    )


def _text(at: datetime | None) -> str:
    return "" if at is None else format_rfc3339(int(at.timestamp() * 1000))


def _used(unix_ms: int | None) -> str:
    return format_rfc3339(unix_ms) if unix_ms else ""
