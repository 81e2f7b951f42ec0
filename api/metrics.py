"""Prometheus metrics: the time that requests take, and every pool's numbers and answers.

With several workers counts live in files (``api.server.metric_files``), so any worker reports for
all. Pools are read from the store at the scrape, by the worker that is asked
(``api.scrape``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from allocator.answers import PoolStatus

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

MAX_IDS = 10_000
"""Ids that one counter of a worker has a sample for: whoever makes pools and removes them again
would fill its memory. What comes after these is counted under the empty id."""

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

_GAUGES = {
    "size": "Numbers in the pool",
    "unassigned": "Numbers that no tuple holds",
    "held": "Numbers inside a guarantee",
    "recyclable": "Assigned numbers whose guarantee is over",
    "draining": "Removed numbers that wait for their guarantee to end",
    "utilization": "Share of the numbers inside a guarantee, 0 to 1",
    "oldest_held_seconds": "How long the assignment that falls due first has stood",
    "exhausted": "1 when every number is inside its guarantee and the pool can't grow",
}
_COUNTERS = {
    "new_total": "Answers with an unassigned number",
    "held_total": "Answers with the number the tuple already had",
    "recycled_total": "Answers with a recycled number",
    "overflow_total": "Asks that it had nothing for: overflow, a fallback's number, or none",
    "calls_total": "Inbound calls to its numbers",
    "budget_refused_total": "Answers without a number: the visitor's network is over its budget",
    "unbudgeted_total": "Guarantees begun for visitors whose network isn't known",
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

    def count_over_quota(self, account: str) -> None:
        """Count a request that was refused for the account's quota."""
        self._over_quota.add(account)

    def exposition(
        self,
        pools: Sequence[tuple[str, PoolStatus]],
        *,
        store_up: bool,
        disk_free: int | None = None,
    ) -> bytes:
        """All metrics in the text format. ``pools``: id and status of those read in time.

        May run on another thread. Takes a while when there are many pools.
        ``disk_free``: bytes on the embedded store's disk; None with another store.
        """
        requests = self._own
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            requests = CollectorRegistry()
            MultiProcessCollector(requests)  # type: ignore[no-untyped-call]
        state = "".join(_state(pools, store_up=store_up, disk_free=disk_free))
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
    pools: Sequence[tuple[str, PoolStatus]], *, store_up: bool, disk_free: int | None
) -> Iterator[str]:
    """The text of what is read at the scrape: a family of samples after the other.

    Written here, not by prometheus_client, which takes ten times as long. Ids need no escapes.
    """
    yield _head("ringpool_store_up", "gauge", "1 when the store answered this scrape")
    yield f"ringpool_store_up {float(store_up)}\n"
    yield _head("ringpool_disk_free_bytes", "gauge", "Bytes free on the disk of the embedded store")
    if disk_free is not None:
        yield f"ringpool_disk_free_bytes {disk_free}\n"
    for kind, families in (("gauge", _GAUGES), ("counter", _COUNTERS)):
        for field, meaning in families.items():
            name = f"ringpool_pool_{field}"
            yield _head(name, kind, meaning)
            for pool, status in pools:
                yield f'{name}{{pool="{pool}"}} {float(getattr(status, field))}\n'


def _head(name: str, kind: str, meaning: str) -> str:
    return f"# HELP {name} {meaning}\n# TYPE {name} {kind}\n"
