"""The service that is attacked: `ringpool serve` with workers and a store of its own.

Two accounts: mallory, whose key and pools attackers use, and honest, of whom they may learn and
change nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from loadtests.tools import machine
from tests.servers.process import temporary_folder, until
from tests.servers.service import serving

ADMIN = "fuzz-admin-token-0123456789"
HONEST_API_KEY = "honest-account-key-0123456789"
HONEST_KEY = "honest-pool-key-0123456789abc"
MALLORY_API_KEY = "mallory-account-key-0123456789"
MALLORY_KEY = "mallory-pool-key-0123456789ab"
HONEST_VALUE = "honest-secret-website"
SECRETS = tuple(
    text.encode() for text in (HONEST_API_KEY, HONEST_KEY, HONEST_VALUE, "fuzz-admin-token")
)
"""Parts of what no answer may hold that isn't for honest or the administrator."""

ATTACKER = "9.9.9.9"
"""The attacker's address, as the proxy tells it."""

LANDING = "https://landing.example/offer"
MALLORY_POOLS = ("mallory-custom", "mallory-search", "mallory-visitor", "mallory-sticky")

_MANAGERS = {"authorization": f"Bearer {ADMIN}"}


def numbers(prefix: str, count: int) -> list[str]:
    """Numbers that begin with a prefix of seven digits."""
    return [f"+{prefix}{index:04d}" for index in range(count)]


@dataclass(frozen=True)
class Target:
    """A running service. ``pid``: of the process that everything else is a child of."""

    url: str
    pid: int
    folder: Path

    @cached_property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def workers(self) -> list[int]:
        """The worker processes; with one worker, that is the service's own."""
        return machine.workers(self.pid) or [self.pid]

    def memory(self) -> int:
        """Bytes in RAM of the workers together, without the store."""
        return sum(machine.resident_bytes(pid) for pid in self.workers())

    def open_files(self) -> int:
        """Of the workers."""
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.workers())

    @property
    def log(self) -> Path:
        """The service's log."""
        return self.folder / "log"

    def errors(self, since: int = 0) -> list[str]:
        """Lines of the log, from a byte on, that tell of a bug."""
        with self.log.open("rb") as file:
            file.seek(since)
            return [
                text for line in file if (text := line.decode("utf-8", "replace")) and _bad(text)
            ]

    def managers(self, method: str, path: str, document: Any = None) -> httpx.Response:
        """A call of the managers' API as the administrator."""
        headers = _MANAGERS | {"if-match": "*"} if method == "PUT" else _MANAGERS
        return httpx.request(
            method, f"{self.url}/admin/v1/{path}", json=document, headers=headers, timeout=60
        )

    def make(self, path: str, document: Any) -> None:
        """Make or replace an entity, as the administrator."""
        made = self.managers("PUT", path, document)
        if made.status_code == 412:  # there is none to replace
            url = f"{self.url}/admin/v1/{path}"
            made = httpx.put(url, json=document, headers=_MANAGERS, timeout=60)
        if made.status_code not in (200, 201):
            raise RuntimeError(f"{path}: {made.text}")

    def status(self, pool: str) -> dict[str, Any]:
        """How a pool stands."""
        found: dict[str, Any] = self.managers("GET", f"pools/{pool}/status").json()
        return found


def _bad(line: str) -> bool:
    if not line.startswith("{"):
        return bool(line.strip()) and not line.startswith(("Ringpool", "Admin token"))
    try:
        entry = json.loads(line)
    except ValueError:
        return True
    return "exception" in entry or entry.get("level") in ("error", "critical")


@contextmanager
def target(workers: int = 2) -> Iterator[Target]:
    """Start the service, with accounts and pools; what it had is removed in the end."""
    settings = {
        "RINGPOOL_ADMIN_TOKEN": ADMIN,
        "RINGPOOL_TRUSTED_PROXIES": "127.0.0.0/8",
        "RINGPOOL_COUNTRY_HEADER": "X-Country",
        "RINGPOOL_AREA_HEADER": "X-Area",
    }
    with (
        temporary_folder() as folder,
        serving(folder, "--workers", str(workers), settings=settings) as started,
    ):
        found = Target(started.url, started.process.pid, folder)
        until(lambda: httpx.get(f"{found.url}/readyz", timeout=10).status_code == 200)
        if workers > 1:
            until(lambda: len(found.workers()) == workers)
        _fill(found)
        yield found


def _fill(found: Target) -> None:
    found.make("accounts/honest", {"name": "Honest", "api_keys": [HONEST_API_KEY]})
    found.make("accounts/mallory", {"name": "Mallory", "api_keys": [MALLORY_API_KEY]})
    found.make(
        "pools/honest",
        {
            "account": "honest",
            "key": HONEST_KEY,
            "parameters": ["website"],
            "numbers": numbers("1212777", 200),
            "swap_targets": ["+12127779000"],
            "overflow_number": "+12127779999",
            "landing_url": LANDING,
            "budget": {"share": 0, "rate": 0},
            "min_duration": "1h",
        },
    )
    common = {"account": "mallory", "key": MALLORY_KEY, "landing_url": LANDING}
    kinds: dict[str, dict[str, Any]] = {
        "custom": {
            "parameters": ["website", "location", "path"],
            "min_duration": "1s",
            "when": {"host": "a.example"},
        },
        "search": {"type": "custom_search", "parameters": ["website"], "min_duration": "1s"},
        "visitor": {"type": "visitor", "hold_on_activity": "5s", "min_duration": "5s"},
        "sticky": {"parameters": ["website"], "sticky": True, "min_duration": "2s"},
    }
    for place, (name, more) in enumerate(kinds.items()):
        found.make(
            f"pools/mallory-{name}",
            {
                **common,
                **more,
                "numbers": numbers(f"1646{200 + place}", 50),
                "swap_targets": [f"+1646{200 + place}9000"],
                "overflow_number": f"+1646{200 + place}9999",
                "mobile_click_to_call": place % 2 == 0,
            },
        )
    found.make("stocks/mallory-stock", {"account": "mallory", "numbers": numbers("1646300", 20)})
