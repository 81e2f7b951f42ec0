"""wrk, a load generator in C: run for some seconds with a Lua script that makes the requests."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path

import msgspec
from msgspec import Struct

from loadtests.figures import Skipped

CONNECTIONS = 32
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

# wrk adds Host only after the script has run, which prepares requests.
_HEAD = """
wrk.headers["User-Agent"] = "%s"
wrk.headers["Host"] = wrk.host .. ":" .. wrk.port
local RUN = "%d"
"""

# wrk's own report is rounded: the script writes the numbers themselves.
_TAIL = """
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\n@{"requests":%d,"seconds":%.6f,"failed":%d,"refused":%d,"p50_ms":%.3f,"p99_ms":%.3f}\\n',
    summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.timeout,
    e.status, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""

_runs = itertools.count(1)


class Load(Struct, frozen=True):
    """What wrk counted. ``refused``: answers with status 400 or more. ``failed``: no answer."""

    requests: int
    seconds: float
    failed: int
    refused: int
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


class LoadFailed(Exception):
    """wrk counted errors: a rate with errors in it is no rate."""


def binary() -> str:
    """Where wrk is; raises Skipped with the way to get it."""
    found = shutil.which("wrk")
    if found is None:
        raise Skipped("wrk isn't installed (Debian: apt install wrk)")
    return found


def run(
    folder: Path, url: str, script: str, seconds: float, connections: int = CONNECTIONS
) -> Load:
    """Load ``url`` from one thread and so many connections.

    ``script``: Lua that defines ``request``; ``RUN`` differs in every run, so that
    URLs with counters aren't repeated. Raises LoadFailed.
    """
    file = folder / "requests.lua"
    file.write_text(_HEAD % (USER_AGENT, next(_runs)) + script + _TAIL)
    # Whole seconds are all that wrk takes.
    command = [
        binary(),
        "-t1",
        f"-c{connections}",
        f"-d{max(1, round(seconds))}s",
        "--timeout",
        "10s",
        "-s",
        str(file),
    ]
    ended = subprocess.run(
        [*command, url], capture_output=True, text=True, timeout=seconds + 30, check=False
    )
    result = ended.stdout.partition("\n@")[2]
    if ended.returncode or not result:
        raise LoadFailed(f"wrk: {ended.stderr.strip() or ended.stdout.strip()}")
    load = msgspec.json.decode(result, type=Load)
    if load.failed or load.refused or not load.requests:
        raise LoadFailed(f"{url}: {load}")
    return load
