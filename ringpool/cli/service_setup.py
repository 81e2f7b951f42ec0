"""What is weak in a service's settings, and in who can read its files, for ``ringpool doctor``."""

from __future__ import annotations

import ipaddress
import stat
from collections.abc import Iterator
from pathlib import Path

from allocator.redis.url import key_file
from ringpool.cli.session import DEFAULT_PUBLIC_URL
from ringpool.findings import Finding
from ringpool.security.keyring import ADMIN_TOKEN_FILE, SIGNING_KEY_FILE
from ringpool.settings import Settings, misspelt

ENVIRONMENT_FILE = Path("/etc/ringpool/environment")
"""Where the hardening guide keeps settings."""

_FRONT = "docs/security/hardening.md#in-front"
_NARROW = {(4, True): 24, (4, False): 12, (6, True): 64, (6, False): 24}
"""Shortest prefix of a network of proxies, by version and whether it is private. Those of CDNs are
public, and wide."""


def setting_findings(settings: Settings) -> Iterator[Finding]:
    """Yield what is weak."""
    for line in misspelt():
        yield Finding("warn", "settings", line)
    if settings.public_url is None:
        message = f"not set: tags and links printed here begin with {DEFAULT_PUBLIC_URL}"
        yield Finding("warn", "RINGPOOL_PUBLIC_URL", f"{message}; set what browsers reach")
    elif not settings.public_url.startswith("https://"):
        message = "isn't https: browsers block it on https pages, and keys are sent readable"
        yield Finding("warn", "RINGPOOL_PUBLIC_URL", f"{message}; put TLS in front, {_FRONT}")
    yield from _proxies(settings)
    yield from _metrics(settings)
    yield from _files(settings)


def _proxies(settings: Settings) -> Iterator[Finding]:
    for name in settings.trusted_proxies:
        if name != "*":
            network = ipaddress.ip_network(name)
            if network.prefixlen >= _NARROW[network.version, network.is_private]:
                continue
            whom = f"any of {network.num_addresses:,} addresses"
        else:
            whom = "any address"
        message = f"{name} lets {whom} say whose visit it is, and in which country: no budget holds"
        yield Finding(
            "warn", "RINGPOOL_TRUSTED_PROXIES", f"{message} them; name the proxies alone, {_FRONT}"
        )


def _metrics(settings: Settings) -> Iterator[Finding]:
    if settings.metrics_token is not None:
        return
    guide = "docs/reference/metrics.md"
    if settings.metrics_port is None:
        message = "not set: who reads /metrics needs the administrator's token, which may do"
        yield Finding("warn", "RINGPOOL_METRICS_TOKEN", f"{message} everything; {guide}")
    elif not ipaddress.ip_address(settings.metrics_host).is_loopback:
        message = f"not set: whoever reaches port {settings.metrics_port} sees every account's"
        yield Finding(
            "warn",
            "RINGPOOL_METRICS_TOKEN",
            f"{message} pools; set it, or let few reach it, {guide}",
        )


def _files(settings: Settings) -> Iterator[Finding]:
    files = [settings.data_dir / name for name in (ADMIN_TOKEN_FILE, SIGNING_KEY_FILE)]
    key = key_file(settings.redis_url) if settings.redis_url is not None else None
    for path in (*files, ENVIRONMENT_FILE, *([Path(key)] if key else [])):
        if _others_may(path):
            yield Finding("warn", str(path), "other users can read it: chmod 600")
    if _others_may(settings.data_dir):
        message = "other users can look into it, where secrets and the store are: chmod 700"
        yield Finding("warn", str(settings.data_dir), message)


def _others_may(path: Path) -> bool:
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    except OSError:
        return False
