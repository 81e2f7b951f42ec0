"""Prometheus metrics: the time that requests take, and every pool's numbers and answers.

With several workers counts live in files (``api.server.metric_files``), so any worker reports for
all. Pools are read from the store at the scrape, by the worker that is asked
(``api.scrape``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from allocator.answers import PoolStatus
from allocator.stocks import StockStatus
from ringpool.attribution.candidates import Candidate
from ringpool.attribution.verdict import SURE

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

MAX_IDS = 10_000
"""Ids that one counter of a worker has a sample for: whoever makes pools and removes them again
would fill its memory. What comes after these is counted under the empty id."""

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

STORE_FAILURES = ("unavailable", "unconfirmed", "refused")
"""How a call to the store fails: no answer in time, too few confirmations, not permitted."""

CONFIDENCES = ("sure", "unsure", "nobody")
"""How sure it is who made a call: somebody at 0.9 or more, at less, or nobody's click."""


class PoolReading(NamedTuple):
    """A pool as it was read for a scrape.

    ``max_size``: None for no limit. ``room``: how many more numbers it may have, and its stock can
    give now. ``seconds_to_…``: infinite while nothing says that it will be exhausted.
    """

    pool: str
    status: PoolStatus
    max_size: int | None
    room: int
    seconds_to_exhaustion: float
    seconds_to_possible_exhaustion: float


class StockReading(NamedTuple):
    """A stock as it was read for a scrape."""

    stock: str
    status: StockStatus


_POOL_GAUGES: dict[str, tuple[str, Callable[[PoolReading], float]]] = {
    "size": ("Numbers in the pool", lambda read: read.status.size),
    "max_size": (
        "Most numbers that the pool may have, its stock permitting; +Inf: no limit",
        lambda read: float("inf") if read.max_size is None else read.max_size,
    ),
    "room": (
        "Numbers that the pool could still get from its stock, as that is now",
        lambda read: read.room,
    ),
    "unassigned": ("Numbers that no tuple holds", lambda read: read.status.unassigned),
    "held": ("Numbers inside a guarantee", lambda read: read.status.held),
    "recyclable": (
        "Assigned numbers whose guarantee is over",
        lambda read: read.status.recyclable,
    ),
    "draining": (
        "Removed numbers that wait for their guarantee to end",
        lambda read: read.status.draining,
    ),
    "oldest_held_seconds": (
        "How long the assignment that falls due first has stood",
        lambda read: read.status.oldest_held_seconds,
    ),
    "exhausted": (
        "1 when every number is inside its guarantee and the pool can't grow",
        lambda read: read.status.exhausted,
    ),
    "seconds_to_exhaustion": (
        "In how long every number will be inside a guarantee, as tuples come now; +Inf: not "
        "within an hour",
        lambda read: read.seconds_to_exhaustion,
    ),
    "seconds_to_possible_exhaustion": (
        "The same as may be, where it may as well be chance that so many tuples came; never later",
        lambda read: read.seconds_to_possible_exhaustion,
    ),
}
_POOL_COUNTERS: dict[str, tuple[str, dict[str, Callable[[PoolStatus], int]]]] = {
    "allocations_total": (
        "Answers with a number of the tuple's own",
        {
            'state="new"': lambda status: status.new_total,
            'state="held"': lambda status: status.held_total,
            'state="recycled"': lambda status: status.recycled_total,
        },
    ),
    "refusals_total": (
        "Answers without a number of the tuple's own",
        {
            'reason="exhausted"': lambda status: status.overflow_total,
            'reason="budget"': lambda status: status.budget_refused_total,
        },
    ),
    "recycled_early_total": (
        "Numbers recycled less than twice the minimum duration after their last activity, "
        "without a call",
        {"": lambda status: status.recycled_early_total},
    ),
    "calls_total": ("Inbound calls to its numbers", {"": lambda status: status.calls_total}),
    "unbudgeted_total": (
        "Guarantees begun for visitors whose network isn't known",
        {"": lambda status: status.unbudgeted_total},
    ),
}
_STOCK_STATES: dict[str, Callable[[StockStatus], int]] = {
    "available": lambda status: status.available,
    "lent": lambda status: status.lent,
    "resting": lambda status: status.quarantined,
    "moving": lambda status: status.moving,
}


class Metrics:
    """A worker's own counts and the exposition of everything."""

    def __init__(self) -> None:
        self._own = CollectorRegistry()
        self._seconds = Histogram(
            "ringpool_request_seconds",
            "Time from request to answer",
            ("endpoint", "status"),
            buckets=_BUCKETS,
            registry=self._own,
        )
        self._children: dict[tuple[str, int], Histogram] = {}
        self._ignored = _CountsById(
            "ringpool_ignored_parameters",
            "Parameters of number requests that nobody reads",
            "pool",
            self._own,
        )
        self._cut_off = Counter(
            "ringpool_clients_cut_off",
            "Connections and requests that were ended before an answer",
            ("reason",),
            registry=self._own,
        )
        self._unconfirmed = Counter(
            "ringpool_unconfirmed_changes",
            "Changes that too few replicas confirmed, or were there to confirm",
            registry=self._own,
        )
        self._unfilled = _CountsById(
            "ringpool_unfilled_placeholders",
            "Parameters that came as an ad network's unfilled placeholder",
            "pool",
            self._own,
        )
        self._over_quota = _CountsById(
            "ringpool_requests_over_quota",
            "Requests that were refused: the account's quota of them is used up",
            "account",
            self._own,
        )
        self._notifications = Counter(
            "ringpool_notifications",
            "Messages to webhooks and e-mail addresses: sent, attempts that failed, and dropped",
            ("outcome",),
            registry=self._own,
        )
        self._archived = Counter(
            "ringpool_archive_rows",
            "Rows written into the archive: assignments that ended, overflows, calls' events",
            registry=self._own,
        )
        self._not_archived = Counter(
            "ringpool_archive_dropped",
            "Entries of ledgers that the archive will never have",
            registry=self._own,
        )
        self._archive_failures = Counter(
            "ringpool_archive_failures",
            "Rounds of the archive's writer that a fault ended; what was to be written waits",
            registry=self._own,
        )
        attributed = Counter(
            "ringpool_calls_attributed",
            "Calls that were attributed, by how probable the best of their candidates is",
            ("confidence",),
            registry=self._own,
        )
        self._attributed = {confidence: attributed.labels(confidence) for confidence in CONFIDENCES}
        self._store_seconds = Histogram(
            "ringpool_store_seconds",
            "Time from a script's call to the store's answer",
            buckets=_BUCKETS,
            registry=self._own,
        )
        store_errors = Counter(
            "ringpool_store_errors",
            "Calls to the store that failed",
            ("kind",),
            registry=self._own,
        )
        self._store_errors = {kind: store_errors.labels(kind) for kind in STORE_FAILURES}
        self._tag_loads = _CountsById(
            "ringpool_tag_loads",
            "Page scripts that were fetched for an account's tag, by no crawler",
            "account",
            self._own,
        )
        self._tag_swaps = _CountsById(
            "ringpool_tag_swaps",
            "Answers to an account's pages that had a number to show",
            "account",
            self._own,
        )
        worker_deaths(self._own)

    def observe(self, endpoint: str, status: int, seconds: float) -> None:
        """Count one request. ``endpoint`` is a route's name, never a path from outside."""
        child = self._children.get((endpoint, status))
        if child is None:
            child = self._seconds.labels(endpoint, str(status))
            self._children[endpoint, status] = child
        child.observe(seconds)

    def count_cut_off(self, reason: str) -> None:
        """Count a client that was cut off. ``reason``: as the log's ``clients_cut_off`` says it."""
        self._cut_off.labels(reason).inc()

    def count_ignored(self, pool_id: str, parameters: int) -> None:
        """Count the parameters of one number request, to a pool that exists, that nobody reads."""
        self._ignored.add(pool_id, parameters)

    def count_unconfirmed(self) -> None:
        """Count a change that RINGPOOL_WAIT_REPLICAS, or RINGPOOL_WAIT_AOF, left unanswered."""
        self._unconfirmed.inc()

    def count_unfilled(self, pool: str, count: int) -> None:
        """Count parameters of a pool's tuple that held a placeholder. ``pool``: an existing one."""
        if count:
            self._unfilled.add(pool, count)

    def count_notification(self, outcome: str) -> None:
        """Count how sending a message went. ``outcome``: ``sent``, ``failed`` or ``dropped``."""
        self._notifications.labels(outcome).inc()

    def count_archived(self, rows: int, dropped: int) -> None:
        """Count what one page of a ledger came to in the archive."""
        self._archived.inc(rows)
        self._not_archived.inc(dropped)

    def count_archive_failure(self) -> None:
        """Count a round of the archive's writer that a fault ended."""
        self._archive_failures.inc()

    def count_attributed(self, best: Candidate) -> None:
        """Count a call that was attributed for the first time, by its best candidate."""
        confidence = "sure" if best.probability >= SURE else "unsure"
        self._attributed["nobody" if best.suspect is None else confidence].inc()

    def count_over_quota(self, account: str) -> None:
        """Count a request that was refused for the account's quota."""
        self._over_quota.add(account)

    def observe_store(self, seconds: float, failure: str | None = None) -> None:
        """Count one call to the store. ``failure``: one of STORE_FAILURES, if it failed."""
        self._store_seconds.observe(seconds)
        if failure is not None:
            self._store_errors[failure].inc()

    def count_tag_load(self, account: str) -> None:
        """Count a page script that was fetched with an account's settings."""
        self._tag_loads.add(account)

    def count_tag_swap(self, account: str) -> None:
        """Count an answer to a page of an account that has a number to show."""
        self._tag_swaps.add(account)

    def exposition(
        self,
        pools: Sequence[PoolReading],
        stocks: Sequence[StockReading] = (),
        *,
        store_up: bool,
        disk_free: int | None = None,
        archive_up: bool | None = None,
        calls_waiting: int | None = None,
    ) -> bytes:
        """All metrics in the text format. ``pools`` and ``stocks``: those read in time.

        May run on another thread. Takes a while when there are many pools.
        ``disk_free``: bytes on the embedded store's disk; None with another store.
        ``archive_up``: whether the archive answered; None: it wasn't asked.
        ``calls_waiting``: to be attributed; None: the archive didn't say.
        """
        requests = self._own
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            requests = CollectorRegistry()
            MultiProcessCollector(requests)  # type: ignore[no-untyped-call]
        state = "".join(_state(pools, stocks, store_up=store_up, disk_free=disk_free))
        state += "".join(_archive(pools, stocks, store_up=store_up, archive_up=archive_up))
        state += "".join(_waiting(calls_waiting))
        return generate_latest(requests) + state.encode()


def worker_deaths(registry: CollectorRegistry) -> Counter:
    """What the parent of several workers counts, by a signal's name or an exit status."""
    meaning = "Worker processes that ended without being asked to"
    return Counter("ringpool_worker_deaths", meaning, ("cause",), registry=registry)


class _CountsById:
    """A counter with a sample an id, for so many ids as MAX_IDS."""

    def __init__(self, name: str, meaning: str, label: str, registry: CollectorRegistry) -> None:
        self._counter = Counter(name, meaning, (label,), registry=registry)
        self._ids: dict[str, Counter] = {}

    def add(self, name: str, count: int = 1) -> None:
        child = self._ids.get(name)
        if child is None:
            if len(self._ids) >= MAX_IDS:
                name = ""
            child = self._ids[name] = self._counter.labels(name)
        child.inc(count)


def _state(
    pools: Sequence[PoolReading],
    stocks: Sequence[StockReading],
    *,
    store_up: bool,
    disk_free: int | None,
) -> Iterator[str]:
    """The text of what is read at the scrape: a family of samples after the other.

    Written here, not by prometheus_client, which takes ten times as long. Ids need no escapes.
    """
    yield _head("ringpool_store_up", "gauge", "1 when the store answered this scrape")
    yield f"ringpool_store_up {float(store_up)}\n"
    yield _head("ringpool_disk_free_bytes", "gauge", "Bytes free on the disk of the embedded store")
    if disk_free is not None:
        yield f"ringpool_disk_free_bytes {disk_free}\n"
    for field, (meaning, value) in _POOL_GAUGES.items():
        name = f"ringpool_pool_{field}"
        yield _head(name, "gauge", meaning)
        for read in pools:
            yield f'{name}{{pool="{read.pool}"}} {_number(value(read))}\n'
    for field, (meaning, counts) in _POOL_COUNTERS.items():
        name = f"ringpool_pool_{field}"
        yield _head(name, "counter", meaning)
        for label, count in counts.items():
            more = f",{label}" if label else ""
            for read in pools:
                yield f'{name}{{pool="{read.pool}"{more}}} {count(read.status)}\n'
    name = "ringpool_pool_recycled_age_seconds"
    yield _head(name, "summary", "How long the former assignments of recycled numbers stood")
    for read in pools:
        age = read.status.recycled_age_total / 1000
        yield f'{name}_sum{{pool="{read.pool}"}} {age}\n'
        yield f'{name}_count{{pool="{read.pool}"}} {read.status.recycled_total}\n'
    name = "ringpool_stock_numbers"
    yield _head(name, "gauge", "Numbers of the stock by where they are")
    for stock, status in stocks:
        for state, of in _STOCK_STATES.items():
            yield f'{name}{{stock="{stock}",state="{state}"}} {of(status)}\n'


def _archive(
    pools: Sequence[PoolReading],
    stocks: Sequence[StockReading],
    *,
    store_up: bool,
    archive_up: bool | None,
) -> Iterator[str]:
    """How far the archive is behind: over all pools and stocks that were read, in a line each."""
    yield _head("ringpool_archive_up", "gauge", "1 when the archive answered this scrape")
    if archive_up is not None:
        yield f"ringpool_archive_up {float(archive_up)}\n"
    waits = [(each.status.ledger_waiting, each.status.ledger_waiting_seconds) for each in pools]
    waits += [(each.status.ledger_waiting, each.status.ledger_waiting_ms / 1000) for each in stocks]
    name = "ringpool_archive_waiting_messages"
    yield _head(name, "gauge", "Messages of ledgers that the archive hasn't read yet")
    if store_up:
        yield f"{name} {float(sum(messages for messages, _ in waits))}\n"
    name = "ringpool_archive_waiting_seconds"
    yield _head(name, "gauge", "How long the oldest of these has waited")
    if store_up:
        yield f"{name} {max((seconds for _, seconds in waits), default=0.0)}\n"


def _waiting(calls: int | None) -> Iterator[str]:
    name = "ringpool_calls_waiting"
    yield _head(name, "gauge", "Calls in the archive that wait to be attributed")
    if calls is not None:
        yield f"{name} {calls}\n"


def _number(value: float) -> str:
    return "+Inf" if value == float("inf") else str(float(value))


def _head(name: str, kind: str, meaning: str) -> str:
    return f"# HELP {name} {meaning}\n# TYPE {name} {kind}\n"
