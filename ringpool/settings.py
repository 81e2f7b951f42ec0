"""The environment: every ``RINGPOOL_*`` setting, read in one place and checked at start."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from allocator.port import StoreMisconfigured
from allocator.redis.replicas import Confirmations
from allocator.redis.url import check
from ringpool.mail_server import MailServer
from ringpool.model import MAIL_ADDRESS_PATTERN
from ringpool.security.keyring import Keyring, KeyringError
from ringpool.security.signing import SigningKeys
from ringpool.times import Duration

PREFIX = "RINGPOOL_"
_DATA_DIR = Path(".ringpool")
_LONGEST_MS = 365 * 86_400_000
_FORBIDDEN = re.compile(r'[^\x21-\x7e]|["<>@\\^`{|}]')
"""Characters that an address mustn't have, as it goes into tags and headers; @ would be a login."""


_OF_KUBERNETES = re.compile(rf"{PREFIX}(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_\w+)?)")


class SettingsError(ValueError):
    """A setting has a wrong value. The message is one line that names it and shows no secret."""


def _setting(default: Any, read: Callable[[str], Any], shown: str, meaning: str) -> Any:
    """Declare a setting: ``shown`` is its default in words, ``meaning`` what it does."""
    return field(default=default, metadata={"read": read, "default": shown, "meaning": meaning})


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else -1
        if not least <= value <= most:
            raise ValueError(f"{text!r} is not a whole number from {least} to {most}")
        return value

    return read


def _yes_or_no(text: str) -> bool:
    if text.lower() not in ("yes", "no"):
        raise ValueError(f"{text!r} is neither yes nor no")
    return text.lower() == "yes"


def _span(text: str) -> Duration:
    span = Duration.parse(text)
    if not 60_000 <= span <= _LONGEST_MS:
        raise ValueError(f"{text!r} is not a span from 1m to 1y")
    return span


def _database_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and parts.port != 0 and len(parts.path) > 1
    except ValueError:
        named = False
    if not named or parts.scheme not in ("postgresql", "postgres"):
        raise ValueError("expected postgresql://user:password@host/name")
    return text


def _store_url(text: str) -> str:
    check(text)
    return text


def _public_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and parts.port != 0 and not _FORBIDDEN.search(text)
    except ValueError:
        named = False
    if not named or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise ValueError("expected an http or https address, without login, query and fragment")
    return text.rstrip("/")


def _token(text: str) -> str:
    if len(text) < 16 or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("expected 16 or more printable ASCII characters without spaces")
    return text


def _signing_key(text: str) -> str:
    SigningKeys.from_text(text)
    return text


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f"{text!r} is not an IPv4 or IPv6 address") from None


def _header(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", text):
        raise ValueError(f"{text!r} is not the name of a header")
    return text.lower()


def _mail_server(text: str) -> str:
    MailServer.parse(text)
    return text


def _mail_address(text: str) -> str:
    if not re.search(MAIL_ADDRESS_PATTERN, text) or len(text) > 254:
        raise ValueError(f"{text!r} is not one e-mail address")
    return text


def _networks(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name != "*":
            try:
                ipaddress.ip_network(name)
            except ValueError:
                raise ValueError(f"{name!r} is not an address or network") from None
    return names


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one service. Spans are in the unit that the name ends with."""

    redis_url: str | None = _setting(
        None,
        _store_url,
        "an embedded Valkey in the data directory",
        "the store: `redis://`, `rediss://`, `unix://`, `redis+sentinel://h1,h2/name` or "
        "`redis+cluster://h1,h2`",
    )
    data_dir: Path = _setting(  # noqa: RUF009 - it is a field()
        _DATA_DIR,
        Path,
        "`.ringpool`",
        "the embedded store, and the keys made at first start",
    )
    min_free_mb: int = _setting(
        64,
        _whole(0, 1_000_000),
        "`64`",
        "megabytes that stay free on the disk of the embedded store, or a tenth of it if that is "
        "less: with less, no new numbers are given and nothing is written, and tuples keep theirs; "
        "`0`: as long as the disk takes it",
    )
    public_url: str | None = _setting(
        None,
        _public_url,
        "the address it listens on",
        "where browsers reach the service: the base of tags and tracking links",
    )
    admin_token: str | None = _setting(
        None,
        _token,
        "made at first start, kept in the data directory, printed once",
        "what managers send as `Authorization: Bearer`",
    )
    signing_key: str | None = _setting(
        None,
        _signing_key,
        "made at first start, kept in the data directory",
        "P-256 key that signs the numbers of tracking links: PEM, or base64url of its 32 bytes. A "
        "second one after it is the former key: what it signed holds",
    )
    workers: int = _setting(1, _whole(1, 256), "`1`", "worker processes")
    max_connections: int = _setting(
        2_000,
        _whole(16, 1_000_000),
        "`2000`",
        "connections that one worker keeps open; one more takes the place of that whose client has "
        "kept the worker waiting longest",
    )
    wait_replicas: Confirmations = _setting(  # noqa: RUF009 - it is a field()
        Confirmations(),
        Confirmations.parse,
        "`0`",
        "replicas that confirm a change before it is answered: a number, `all`, or `all-1`, which "
        "lets one be away. Fewer than there are lose changes in a "
        "[failover](../operators.md#failovers)",
    )
    wait_aof: bool = _setting(
        False,
        _yes_or_no,
        "`no`",
        "`yes`: a change is answered once it is in the append-only files, on disk, of the primary "
        "and of the replicas that confirm (Redis 7.2 or newer, or Valkey)",
    )
    trusted_proxies: tuple[str, ...] = _setting(
        (),
        _networks,
        "none",
        "addresses or networks, separated by commas, whose `X-Forwarded-*` headers are trusted",
    )
    country_header: str | None = _setting(
        None,
        _header,
        "none",
        "header in which a trusted proxy tells the visitor's country in two letters: "
        "`CF-IPCountry`",
    )
    area_header: str | None = _setting(
        None,
        _header,
        "none",
        "header in which a trusted proxy tells the codes of the visitor's telephone area, the best "
        "first: `212,646` or `+1212`",
    )
    metrics_port: int | None = _setting(
        None,
        _whole(1, 65535),
        "none",
        "port on which `/metrics` is, alone and open to whoever reaches it; elsewhere, and without "
        "a port, it wants the administrator's token or `RINGPOOL_METRICS_TOKEN`",
    )
    metrics_host: str = _setting(
        "127.0.0.1",
        _address,
        "`127.0.0.1`",
        "address on which that port listens: `0.0.0.0` where another host reads the metrics",
    )
    metrics_token: str | None = _setting(
        None,
        _token,
        "none",
        "what may read `/metrics` and nothing else, as `Authorization: Bearer`; `/metrics` on a "
        "port of its own wants it too",
    )
    webhook_networks: tuple[str, ...] = _setting(
        (),
        _networks,
        "none: public addresses alone",
        "addresses or networks, separated by commas, that webhooks may be posted to although they "
        "aren't public: whoever may manage a pool can have them posted to; `*`: all",
    )
    smtp_url: str | None = _setting(
        None,
        _mail_server,
        "none: no e-mail",
        "the server that e-mail is sent by: `smtps://user:password@host` (TLS), `smtp://…` "
        "(STARTTLS, never without) or `smtp+plain://host` (no encryption, no login)",
    )
    smtp_from: str | None = _setting(
        None, _mail_address, "none", "the address that e-mail comes from; needed with the server"
    )
    call_timeout: Duration = _setting(  # noqa: RUF009 - it is a field()
        Duration(4 * 3_600_000),
        _span,
        "`4h`",
        "how long after its beginning a call is closed that nobody told the end of: a whole number "
        "and one of s m h d w y, 1m at least",
    )
    database_url: str | None = _setting(
        None,
        _database_url,
        "a SQLite file in the data directory",
        "the [archive](../operating/archive.md): `postgresql://user:password@host/name`; several "
        "hosts need one",
    )
    redis_timeout_ms: int = _setting(
        250, _whole(1, 60_000), "`250`", "how long one call to the store may take"
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read and check every setting; raises SettingsError. An empty value counts as unset."""
        values: dict[str, Any] = {}
        for spec in fields(cls):
            name = variable(spec.name)
            text = environment.get(name, "").strip()
            if not text:
                continue
            try:
                values[spec.name] = spec.metadata["read"](text)
            except ValueError as error:
                raise SettingsError(f"{name}: {error}") from None
        for name in ("country_header", "area_header"):
            if name in values and not values.get("trusted_proxies"):
                needed = variable("trusted_proxies")
                raise SettingsError(f"{variable(name)}: nobody is trusted without {needed}")
        if ("smtp_url" in values) is not ("smtp_from" in values):
            one, other = (
                ("smtp_url", "smtp_from") if "smtp_url" in values else ("smtp_from", "smtp_url")
            )
            raise SettingsError(f"{variable(other)}: needed with {variable(one)}")
        settings = cls(**values)
        if settings.redis_url is None:
            for name, wanted in (
                ("wait_replicas", settings.wait_replicas.count),
                ("wait_aof", settings.wait_aof),
            ):
                if wanted:
                    reason = f"the embedded store has none: set {variable('redis_url')}"
                    raise SettingsError(f"{variable(name)}: {reason}")
        return settings

    @property
    def min_free_bytes(self) -> int:
        """``min_free_mb`` in bytes."""
        return self.min_free_mb << 20

    def open_keyring(self) -> Keyring:
        """Open the secrets of this service, which may make them; raises SettingsError."""
        try:
            return Keyring.open(self.data_dir, self.admin_token, self.signing_key)
        except KeyringError as error:
            raise SettingsError(f"{variable('data_dir')}: {error}") from None


def variable(name: str) -> str:
    """Return the environment variable of a field: ``data_dir`` is ``RINGPOOL_DATA_DIR``."""
    return PREFIX + name.upper()


def setting_at_fault(error: StoreMisconfigured) -> SettingsError:
    """The same, with the name of the setting."""
    name = "redis_url" if error.setting == "url" else error.setting
    return SettingsError(f"{variable(name)}: {error}")


def misspelt(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Say of each RINGPOOL_ variable that is none of the settings so, and which may be meant."""
    known = [variable(spec.name) for spec in fields(Settings)]
    lines = []
    for name in sorted(environment):
        # Kubernetes makes RINGPOOL_SERVICE_HOST and the like of a service called ringpool.
        if not name.startswith(PREFIX) or name in known or _OF_KUBERNETES.fullmatch(name):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        meant = f"; {near[0]} is one" if near else ""
        lines.append(f"{name}: there is no such setting{meant}")
    return lines


def documented() -> list[tuple[str, str, str]]:
    """Return (variable, default in words, meaning) of every setting, for docs/ and --help."""
    return [
        (variable(spec.name), spec.metadata["default"], spec.metadata["meaning"])
        for spec in fields(Settings)
    ]
