"""``python -m loadtests.sip``: telephone calls by the recipe of ``k8s/sip``, and what came of each.

As many numbers as calls, each held by a tuple of its own. Prints one ``name: value`` line a figure:
calls that reached the call centre with their own tuple, and calls that are known to have started,
to have been answered and ended, and to have come from their own tuple.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.servers.process import NotInstalled
from tests.servers.service import serving
from tests.servers.sip import calls

_ADMIN, _KEY = "sip-admin-token-0123456789", "the-carriers-key-0123456789abcdef"
_DESTINATION = "+18885551234"
_ROWS = 1_000
_PATIENCE_SECONDS = 60.0


def run(folder: Path, count: int, rate: int) -> Counter[str]:
    """Make calls and return what is known of them, by figure. Raises NotInstalled."""
    settings = {"RINGPOOL_ADMIN_TOKEN": _ADMIN}
    auth = {"authorization": f"Bearer {_ADMIN}"}
    centre = calls.free_udp_port()
    with (
        serving(folder, settings=settings) as service,
        httpx.Client(base_url=service.url, headers=auth, timeout=60) as client,
        calls.call_centre(folder, centre) as noted,
        calls.proxy(folder, service.url, _KEY, centre) as proxy,
    ):
        sites = _give(client, count)
        callers = [(f"+1201{place:07d}", number) for place, number in enumerate(sites)]
        began = time.monotonic()
        calls.call(folder, proxy, callers, rate=rate, talk_ms=1000, seconds=600)
        _tell(f"{count} calls in {time.monotonic() - began:.1f} s")
        arrived = Counter(noted.read_text().splitlines())
        expected = Counter(
            f"sip:{_DESTINATION}  called  website={site}  From%20{site}" for site in sites.values()
        )
        figures = Counter(routed=(arrived & expected).total(), at_call_centre=arrived.total())
        figures.update(_until_known(client, sites, count))
        _tell(f"all known after {time.monotonic() - began:.1f} s")
    return figures


def _give(client: httpx.Client, count: int) -> dict[str, str]:
    """Make a pool, and give each of its numbers to a website; returns them by number."""
    numbers = [f"+1212{place:07d}" for place in range(count)]
    pool = {
        "account": "newspress",
        "parameters": ["website"],
        "numbers": numbers,
        "allow_overflow": False,
        "destination": _DESTINATION,
        "whisper": "From {website}",
    }
    for path, document in (("accounts/newspress", {"api_keys": [_KEY]}), ("pools/called", pool)):
        client.put(f"/admin/v1/{path}", json=document).raise_for_status()
    key = client.get("/admin/v1/pools/called").json()["key"]
    allowed = {"authorization": f"Bearer {key}"}
    path = "called/allocate_number.json?website="
    sites: dict[str, str] = {}
    for start in range(0, count, _ROWS):
        names = [f"site-{place}" for place in range(start, min(start + _ROWS, count))]
        rows = [{"api_suffix": f"{path}{name}"} for name in names]
        answer = client.post("/api/v1/bulk.json", json={"requests": rows}, headers=allowed).json()
        for name, given in zip(names, answer["responses"], strict=True):
            sites[given["number"]] = name
    return sites


def _until_known(client: httpx.Client, sites: dict[str, str], count: int) -> Counter[str]:
    """What is known of the calls, as soon as all have ended and are attributed."""
    limit = time.monotonic() + _PATIENCE_SECONDS
    while True:
        known = Counter[str]()
        for call in _known(client):
            known["started"] += 1
            known["answered"] += "answered_at" in call
            known["ended"] += call["state"] == "ended"
            known["attributed"] += call.get("tuple") == {"website": sites[call["number"]]}
        if min(known["ended"], known["attributed"]) >= count or time.monotonic() > limit:
            return known
        time.sleep(0.2)


def _known(client: httpx.Client) -> Iterator[dict[str, Any]]:
    after: dict[str, str] = {}
    while True:
        page = client.get("/v1/calls", params={"limit": "1000", **after}).json()
        yield from page["calls"]
        if "next" not in page:
            return
        after = {"after": page["next"]}


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Make telephone calls; 1 when anything is known of more or fewer than were made."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=200, help="calls a second")
    given = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="ringpool-sip-") as folder:
            figures = run(Path(folder), given.calls, given.rate)
    except NotInstalled as missing:
        _tell(str(missing))
        return 1
    names = ("at_call_centre", "routed", "started", "answered", "ended", "attributed")
    for name in names:
        print(f"{name}: {figures[name]}")
    return int(any(figures[name] != given.calls for name in names))


if __name__ == "__main__":
    sys.exit(main())
