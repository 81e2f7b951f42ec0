"""``python -m loadtests.reports``: how long reports on a million calls take.

Fills an archive of its own with calls, two candidates and *nobody* for each, as many assignments,
and a tenth as many overflows, of sources that are used unevenly (Zipf): ``--sources 1000000`` is as
many as visitor pools have. Prints the seconds of each report, the median of some runs: by the
clock, and on SQLite, which is in this process, of the processor, as others may use the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ringpool.archive.database import Archive, archive_url
from ringpool.archive.tables import ASSIGNMENTS, CALLS, CANDIDATES, OVERFLOWS, SOURCES
from ringpool.reports.groups import grouped
from ringpool.reports.question import PARAMETER, REPORTS, TRANSACTIONS, read
from ringpool.reports.transactions import transactions

ACCOUNT, POOL = "newspress", "ad-placement"
_BEGUN = 1_767_225_600_000  # 2026-01-01
_YEAR_MS = 365 * 86_400_000
_AT_ONCE = 20_000
_NOBODY = 0.03
_CLICK = (
    '{"medium":"paid","gclid":"EAIaIQobChMIq7","landing_page":"https://www.newspress.example/"}'
)
_ENGINES = ("Google", "Bing", "")

Rows = Iterator[dict[str, Any]]


class Made:
    """The rows of an archive. ``sources``: how many; the k-th is as busy as 1 / k."""

    def __init__(self, calls: int, sources: int, candidates: int, seed: int) -> None:
        self._calls, self._candidates = calls, candidates
        self._chance = random.Random(seed)
        self._sources = [self._chance.getrandbits(62) + 1 for _ in range(sources)]
        self._busy = list(itertools.accumulate(1 / (place + 1) for place in range(sources)))

    def tables(self) -> Iterator[tuple[Table, Rows]]:
        """Each table with its rows."""
        yield SOURCES, self._of_sources()
        yield ASSIGNMENTS, self._of_assignments()
        yield OVERFLOWS, self._of_overflows()
        yield CALLS, self._of_calls(CALLS)
        yield CANDIDATES, self._of_calls(CANDIDATES)

    def _of_sources(self) -> Rows:
        for place, source in enumerate(self._sources):
            yield {
                "id": source,
                "account": ACCOUNT,
                "pool": POOL,
                "tuple": f"keyword=k{place}&location={place % 7}",
                "search_engine": _ENGINES[place % 3],
                "search_keywords": f"keyword {place}",
                "publisher": f"partner-{place % 20}",
                "landing_page": f"https://www.newspress.example/{place % 50}",
                "utm_source": "google",
                "utm_medium": "cpc",
                "utm_campaign": f"campaign {place % 100}",
            }

    def _drawn(self, count: int) -> list[int]:
        return self._chance.choices(self._sources, cum_weights=self._busy, k=count)

    def _of_assignments(self) -> Rows:
        for place, source in enumerate(self._drawn(self._calls)):
            since = _BEGUN + place * _YEAR_MS // self._calls
            yield {
                "pool": POOL,
                "serial": place % 500,
                "since": since,
                "number": f"+1888555{place % 500:04}",
                "account": ACCOUNT,
                "tuple": "keyword=k&location=1",
                "source": source,
                "until": since + 900_000,
                "guaranteed_until": since + 600_000,
                "clicks": 1 + place % 40,
                "calls": 1,
                "last_click_at": since + 300_000,
                "first_click": _CLICK,
                "last_click": _CLICK,
            }

    def _of_overflows(self) -> Rows:
        for place, source in enumerate(self._drawn(self._calls // 10)):
            yield {
                "pool": POOL,
                "at": _BEGUN + place * _YEAR_MS // (self._calls // 10),
                "entry": place,
                "account": ACCOUNT,
                "number": "+18005550193",
                "tuple": "keyword=k&location=1",
                "source": source,
                "click": _CLICK,
            }

    def _of_calls(self, table: Table) -> Rows:
        """Calls, or their candidates: both are drawn alike, whichever is asked for."""
        chance = random.Random(self._calls)
        drawn = iter(chance.choices(self._sources, cum_weights=self._busy, k=self._calls * 2))
        for place in range(self._calls):
            at = _BEGUN + place * _YEAR_MS // self._calls
            sure = 0.5 + place % 47 / 100
            call = f"{place * 2_654_435_761 % 2**32:08x}-{place}"  # ids come in no order
            sources = list(itertools.islice(drawn, 2))
            if table is CALLS:
                yield _call(call, at, sure, sources[0])
                continue
            shares = [
                sure,
                *[(0.97 - sure) / (self._candidates - 1)] * (self._candidates - 1),
                0.03,
            ]
            for rank, share in enumerate(shares, 1):
                nobody = rank == len(shares)
                yield _candidate(call, at, rank, share, 0 if nobody else sources[(rank - 1) % 2])


def _call(call: str, at: int, sure: float, source: int) -> dict[str, Any]:
    return {
        "account": ACCOUNT,
        "id": call,
        "pool": POOL,
        "number": "+18885550101",
        "overflow": False,
        "state": "ended",
        "started_at": at,
        "answered_at": at + 9_000 if at % 5 else 0,
        "ended_at": at + 120_000,
        "duration_seconds": 111,
        "caller_hash": f"{at:032x}",
        "attributed_at": at + 600_000,
        "probability": sure,
        "nobody": _NOBODY,
        "tuple": "keyword=k&location=1",
        "source": source,
    }


def _candidate(call: str, at: int, rank: int, share: float, source: int) -> dict[str, Any]:
    return {
        "account": ACCOUNT,
        "call": call,
        "rank": rank,
        "why": "click" if source else "nobody",
        "probability": share,
        "started_at": at,
        "pool": POOL,
        "tuple": "keyword=k&location=1" if source else "",
        "source": source,
        "since": at - 900_000,
        "first_click_at": at - 600_000,
        "last_click_at": at - 300_000,
        "clicks": 2,
        "first_click": _CLICK if source else "",
        "last_click": _CLICK if source else "",
    }


async def _fill(archive: Archive, made: Made) -> None:
    for table, rows in made.tables():
        started, count = time.perf_counter(), 0
        while batch := list(itertools.islice(rows, _AT_ONCE)):
            async with archive.engine.begin() as connection:
                await connection.execute(insert(table), batch)
            count += len(batch)
        seconds = time.perf_counter() - started
        print(f"{table.name}: {count:,} rows in {seconds:.1f} s", flush=True)


class Took(NamedTuple):
    """Seconds. ``busy``: of the processor; on PostgreSQL as many as on the clock."""

    clock: float
    busy: float


async def _ask(connection: AsyncConnection, by: str, given: dict[str, str]) -> Took:
    question = read(by, given | ({"name": "keyword"} if by == PARAMETER else {}))
    started, before = time.perf_counter(), time.process_time()
    if by == TRANSACTIONS:
        await transactions(connection, question)
    else:
        await grouped(connection, question)
    clock, busy = time.perf_counter() - started, time.process_time() - before
    return Took(clock, busy if connection.dialect.name == "sqlite" else clock)


async def _measure(archive: Archive, rounds: int) -> float:
    """Print the seconds of each report, and return those of the slowest median, when busy."""
    asked = {
        "account": {"account": ACCOUNT},
        "everything": {},
        "half a year": {"account": ACCOUNT, "from": "2026-04-01", "to": "2026-09-30"},
        "pool": {"account": ACCOUNT, "pool": POOL},
    }
    print(f"| report | {' | '.join(f'{name}, s (busy)' for name in asked)} |")
    print(f"|---|{'---|' * len(asked)}")
    slowest = 0.0
    for by in REPORTS:
        cells = []
        for given in asked.values():
            async with archive.engine.connect() as connection:
                took = [await _ask(connection, by, given) for _ in range(rounds)]
            middle, busy = (statistics.median(each) for each in zip(*took, strict=True))
            slowest = max(slowest, busy)
            cells.append(f"{middle:.2f} ({busy:.2f})")
        print(f"| {by} | {' | '.join(cells)} |", flush=True)
    return slowest


async def _run(url: str, folder: Path, made: Made, rounds: int) -> float:
    archive = Archive(archive_url(url, folder))
    try:
        await archive.prepare()
        await _fill(archive, made)
        return await _measure(archive, rounds)
    finally:
        await archive.close()


def main() -> int:
    """Fill an archive, print the seconds of each report; 1 when one takes longer than --most."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--sources", type=int, default=2_000)
    parser.add_argument("--candidates", type=int, default=2, help="of a call, beside nobody")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--most", type=float, default=1.0, help="busy seconds of the slowest")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", default="", help="postgresql://…, empty; else SQLite")
    given = parser.parse_args()
    made = Made(given.calls, given.sources, max(2, given.candidates), given.seed)
    with tempfile.TemporaryDirectory() as folder:
        slowest = asyncio.run(_run(given.database, Path(folder), made, given.rounds))
    print(f"the slowest: {slowest:.2f} s for {given.calls:,} calls")
    return 0 if slowest <= given.most else 1


if __name__ == "__main__":
    sys.exit(main())
