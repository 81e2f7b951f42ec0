"""What a pool saw, on the command line."""

from __future__ import annotations

import asyncio
import json
import time

from allocator.allocator import Allocator
from allocator.answers import Ask
from allocator.redis.url import connect
from tests.conftest import PATIENT_MS
from tests.ringpool.cli.conftest import Run
from tests.servers import stores

POOL = """
accounts: [{id: acme}]
pools:
  - id: fine
    account: acme
    parameters: [w]
    min_duration: 10m
    numbers: ["+12126660101", "+12126660102", "+12126660103"]
    allow_overflow: false
"""
HOUR_MS = 3_600_000


async def live(url: str, hours: int) -> None:
    """The pool is asked for some hours to come, by 60 new tuples an hour that ask twice."""
    store = await connect(url, timeout_ms=PATIENT_MS)
    begun = int(time.time() * 1000) // HOUR_MS * HOUR_MS + HOUR_MS
    for minute in range(hours * 60 + 1):
        asks = [Ask(f"w={minute}"), Ask(f"w={minute}")]
        await Allocator(store).allocate("fine", asks, now_ms=begun + minute * 60_000 + 1)
    await store.aclose()


def test_what_a_pool_saw_tells_its_size(run: Run, emptied_server: stores.Server) -> None:
    """Its hours as a table, JSON and bars; the size it needs; whether it has that."""
    assert run("apply", "-", stdin=POOL).exit_code == 0
    assert "given no number yet" in run("size", "--from-pool", "fine").stderr
    fresh = run("pool", "status", "fine").stdout
    assert "Nobody has asked it yet: nothing can be said of its size." in fresh
    asyncio.run(live(emptied_server.url, 7))

    rows = json.loads(run("pool", "series", "fine", "--hours", "8", "--json").stdout)
    assert [row["asks"] for row in rows] == [120] * 7 + [2]
    assert all(row["overflow"] > 20 for row in rows[1:7])
    assert len(run("pool", "series", "fine").stdout.splitlines()) == 61
    assert "120" in run("pool", "series", "fine", "--hours", "8").stdout
    assert "█" in run("pool", "series", "fine", "--hours", "8", "--plot").stdout

    asked = run("size", "--from-pool", "fine", "--overflow", "5%", "--json")
    question = json.loads(asked.stdout)["question"]
    assert (question["clicks"], question["min_duration"]) == ("120/h", "10m")
    assert question["overflow"] == "5%"
    shown = run("size", "--from-pool", "fine", "--plot").stdout
    assert "asked as fine saw it" in shown
    assert "█" in shown
    told = run("pool", "status", "fine").stdout
    assert "Too small: " in told
    assert (
        json.loads(run("pool", "status", "fine", "--json").stdout)["sizing"]["fit"] == "too_small"
    )


def test_what_can_not_be_is_one_line(run: Run) -> None:
    """A pool that isn't there, two units at a time, a plot that is no PNG."""
    for words in (("pool", "series"), ("size", "--from-pool")):
        gone = run(*words, "nowhere")
        assert (gone.exit_code, gone.stdout) == (1, "")
        assert "there is no pool" in gone.stderr
    both = run("pool", "series", "fine", "--minutes", "3", "--hours", "3")
    assert "not both" in both.stderr
    size = ("size", "--clicks", "1/s", "--min-duration", "1m")
    assert "doesn't end with .png" in run(*size, "--plot", "x.gif").stderr
    assert run(*size, "--plot", "/nowhere/x.png").exit_code == 1
