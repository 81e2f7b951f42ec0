"""Prometheus metrics: the time that requests take, and every pool's numbers and answers.

With several workers the request histogram lives in files under ``PROMETHEUS_MULTIPROC_DIR``
(``api.server.serving`` sets it before the workers start), so any worker reports for all. Pools are
read from the store at the scrape, by the worker that is asked.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from allocator.answers import PoolStatus

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

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
    "overflow_total": "Answers with the overflow number",
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
        self._ignored = Counter(
            "ringpool_ignored_parameters",
            "Parameters of number requests that nobody reads",
            ("pool",),
            registry=self._own,
        )
        self._unconfirmed = Counter(
            "ringpool_unconfirmed_changes",
            "Changes that too few replicas confirmed, or were there to confirm",
            registry=self._own,
        )
        self._children: dict[tuple[str, int], Histogram] = {}
        self._unfilled = Counter(
            "ringpool_unfilled_placeholders",
            "Parameters that came as an ad network's unfilled placeholder",
            ("pool",),
            registry=self._own,
        )

    def observe(self, endpoint: str, status: int, seconds: float) -> None:
        """Count one request. ``endpoint`` is a route's name, never a path from outside."""
        child = self._children.get((endpoint, status))
        if child is None:
            child = self._seconds.labels(endpoint, str(status))
            self._children[endpoint, status] = child
        child.observe(seconds)

    def count_ignored(self, pool_id: str, parameters: int) -> None:
        """Count the parameters of one number request, to a pool that exists, that nobody reads."""
        self._ignored.labels(pool_id).inc(parameters)

    def count_unconfirmed(self) -> None:
        """Count a change that RINGPOOL_WAIT_REPLICAS, or RINGPOOL_WAIT_AOF, left unanswered."""
        self._unconfirmed.inc()

    def count_unfilled(self, pool: str, count: int) -> None:
        """Count parameters of a pool's tuple that held a placeholder. ``pool``: an existing one."""
        if count:
            self._unfilled.labels(pool).inc(count)

    def exposition(self, pools: Sequence[tuple[str, PoolStatus]], *, store_up: bool) -> bytes:
        """All metrics in the text format. ``pools``: id and status of those read in time."""
        requests = self._own
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            requests = CollectorRegistry()
            MultiProcessCollector(requests)  # type: ignore[no-untyped-call]
        state = CollectorRegistry()
        state.register(_Pools(pools, store_up=store_up))
        return generate_latest(requests) + generate_latest(state)


class _Pools:
    """Pool states as metric families, one sample a pool."""

    def __init__(self, pools: Sequence[tuple[str, PoolStatus]], *, store_up: bool) -> None:
        self._pools = pools
        self._store_up = store_up

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "ringpool_store_up", "1 when the store answered this scrape", value=self._store_up
        )
        for field, help_text in _GAUGES.items():
            gauge = GaugeMetricFamily(f"ringpool_pool_{field}", help_text, labels=["pool"])
            for pool, status in self._pools:
                gauge.add_metric([pool], float(getattr(status, field)))
            yield gauge
        for field, help_text in _COUNTERS.items():
            counter = CounterMetricFamily(f"ringpool_pool_{field}", help_text, labels=["pool"])
            for pool, status in self._pools:
                counter.add_metric([pool], float(getattr(status, field)))
            yield counter
