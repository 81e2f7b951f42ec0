"""The alerts, by ``promtool test rules``: on what the real scripts bring about, and one by one."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from allocator.allocator import Allocator
from allocator.answers import Ask, Rules, State
from allocator.port import Store
from allocator.stocks import Stocks
from api.forecasts import Forecasts, PoolState
from api.metrics import Metrics, PoolReading, StockReading
from ringpool.sizing.forecast import MINUTES_READ
from tests.monitoring import rules
from tests.monitoring.rules import Series, case, check
from tests.ringpool.sizing import loads
from tests.ringpool.sizing.loads import Load

START_MS = 1_600_000_020_000
_SAMPLE = re.compile(r"^(ringpool_(?:pool|stock|store_up)\S*) (\S+)$", re.MULTILINE)


class Scraped:
    """A pool and its stock in a store, and what each minute's scrape shows of them."""

    def __init__(self, store: Store, pool: str, numbers: int, hold: int) -> None:
        self.allocator = Allocator(store)
        self.stocks = Stocks(store)
        self.pool, self.stock = pool, f"{pool}-stock"
        self.numbers = [f"+1{place:010d}" for place in range(numbers)]
        self.rules = Rules(min_duration=hold * 60_000, max_size=numbers, stock=self.stock)
        self.metrics, self.forecasts = Metrics(), Forecasts()
        self.series: Series = {}
        self.minutes = 0
        self.overflowed: int | None = None

    async def run(self, load: Load, times: Iterable[list[float]], minutes: int) -> None:
        """Begin with an empty pool and a full stock, and scrape at each minute's end."""
        await self.allocator.edit(self.pool, self.rules, 1, now_ms=START_MS)
        # as many again in the stock, so that the pool's end isn't the stock's
        spare = [f"+2{place:010d}" for place in range(len(self.numbers))]
        await self.stocks.edit(self.stock, 0, [*self.numbers, *spare], now_ms=START_MS)
        await self.scrape()
        for came in times:
            now = START_MS + self.minutes * 60_000 + 30_000
            asks = [Ask(f"visitor={self.minutes}-{place}") for place, _ in enumerate(came)]
            answers = await self.allocator.allocate(self.pool, asks, now_ms=now) if asks else []
            self.minutes += 1
            if self.overflowed is None and any(a.state is State.OVERFLOW for a in answers):
                self.overflowed = self.minutes
            await self.scrape()
            if self.minutes == minutes:
                return

    async def scrape(self) -> None:
        """As ``api.scrape`` reads and writes, at the virtual time."""
        now = START_MS + self.minutes * 60_000
        status = await self.allocator.status(self.pool, now_ms=now)
        stock = await self.stocks.status(self.stock, now_ms=now)
        room = min(stock.available, self.rules.max_size - status.size)
        state = PoolState(self.pool, status, self.rules, room)
        for due in self.forecasts.due([state], self.minutes * 60.0):
            series = await self.allocator.series(self.pool, MINUTES_READ, now_ms=now)
            self.forecasts.add(due, series, self.minutes * 60.0)
        left = self.forecasts.seconds(self.pool, self.minutes * 60.0)
        pool = PoolReading(self.pool, status, self.rules.max_size, room, left.likely, left.possible)
        text = self.metrics.exposition([pool], [StockReading(self.stock, stock)], store_up=True)
        for name, value in _SAMPLE.findall(text.decode()):
            self.series.setdefault(name, []).append(float(value))


async def test_a_pool_that_fills_pages_before_it_is_exhausted(
    valkey_store: Store, unique: str, tmp_path: Path
) -> None:
    """First that it will be, then that it is, then that tuples got nothing; and all on one pool."""
    load = loads.fill(45, 60)
    scraped = Scraped(valkey_store, unique, 60, load.hold)
    await scraped.run(
        load, load.arrivals(random.Random(1), evenly=True), loads.WARM_UP_MINUTES + 60
    )
    overflowed = scraped.overflowed
    assert overflowed is not None
    named = f'pool="{unique}"'
    may, will, has, overflow = (
        f'{{alertname="RingPool{name}", {named}}}'
        for name in ("MayBeExhausted", "WillBeExhausted", "Exhausted", "Overflow")
    )
    firing = {
        10: [],
        loads.WARM_UP_MINUTES - 1: [],
        overflowed - 15: [may, will],
        overflowed + 4: [may, will, has, overflow],
    }
    check(tmp_path, [case("fills", scraped.series, firing)])


async def test_a_pool_that_grows_as_it_should_raises_nothing(
    valkey_store: Store, unique: str, tmp_path: Path
) -> None:
    """New and empty, then growing on demand to two thirds of what it may have, and no more."""
    load = Load("growing", 10, 60, 200, lambda at: 6.5 * min(1.0, max(0.0, (at - 60) / 90)))
    scraped = Scraped(valkey_store, unique, 100, load.hold)
    await scraped.run(load, load.arrivals(random.Random(1), evenly=True), 200)
    assert max(scraped.series[f'ringpool_pool_held{{pool="{unique}"}}'] or [0]) > 60  # type: ignore[type-var, operator]
    firing: dict[int, list[str]] = {minute: [] for minute in range(1, 200, 3)}
    check(tmp_path, [case("grows", scraped.series, firing)])


def test_each_alert_fires_for_what_it_is_for(tmp_path: Path) -> None:
    """And not beside that. Those of pools are above, but for a pool that has what it needs."""
    hour, long = 60, 200
    up = {"ringpool_store_up": [1.0] * 40 + [0.0] * 20}
    counted = [0.0] * 30 + [float(10 * minute) for minute in range(30)]
    slow = {
        'ringpool_request_seconds_bucket{endpoint="swap",status="200",le="0.1"}': [
            90.0 * minute for minute in range(60)
        ],
        'ringpool_request_seconds_bucket{endpoint="swap",status="200",le="0.25"}': [
            100.0 * minute for minute in range(60)
        ],
        'ringpool_request_seconds_bucket{endpoint="swap",status="200",le="+Inf"}': [
            100.0 * minute for minute in range(60)
        ],
    }
    requests = {
        'ringpool_request_seconds_count{endpoint="swap",status="200"}': [
            100.0 * minute for minute in range(60)
        ],
        'ringpool_request_seconds_count{endpoint="swap",status="503"}': [
            3.0 * minute for minute in range(60)
        ],
    }
    tag = {
        'ringpool_tag_loads_total{account="acme"}': [float(minute) for minute in range(long)],
        'ringpool_tag_swaps_total{account="acme"}': [
            float(min(minute, hour)) for minute in range(long)
        ],
        # no traffic, and one that never swapped: neither fell silent
        'ringpool_tag_loads_total{account="asleep"}': [
            float(min(minute, hour)) for minute in range(long)
        ],
        'ringpool_tag_swaps_total{account="asleep"}': [
            float(min(minute, hour)) for minute in range(long)
        ],
        'ringpool_tag_loads_total{account="new"}': [float(minute) for minute in range(long)],
    }
    stock = {
        f'ringpool_stock_numbers{{stock="s",state="{state}"}}': values
        for state, values in {
            "available": [50.0] * 30 + [9.0] * 30,
            "lent": [40.0] * 30 + [81.0] * 30,
            "resting": [10.0] * 60,
            "moving": [0.0] * 60,
        }.items()
    }
    full = {
        'ringpool_pool_exhausted{pool="keywords"}': [1.0] * hour,
        'ringpool_pool_seconds_to_exhaustion{pool="keywords"}': [math.inf] * hour,
        'ringpool_pool_seconds_to_possible_exhaustion{pool="keywords"}': [math.inf] * hour,
        'ringpool_pool_allocations_total{pool="keywords",state="held"}': [
            float(minute) for minute in range(hour)
        ],
        'ringpool_pool_allocations_total{pool="keywords",state="new"}': [10.0] * hour,
        'ringpool_pool_allocations_total{pool="keywords",state="recycled"}': [0.0] * hour,
        'ringpool_pool_refusals_total{pool="keywords",reason="exhausted"}': [0.0] * hour,
    }
    disk = {
        f'kubelet_volume_stats_{kind}_bytes{{persistentvolumeclaim="data-valkey-0"}}': values
        for kind, values in {
            "available": [50.0] * 30 + [39.0] * 30,
            "capacity": [100.0] * 60,
        }.items()
    }
    deaths: Series = {'ringpool_worker_deaths_total{cause="SIGKILL"}': list(counted)}
    unconfirmed: Series = {"ringpool_unconfirmed_changes_total": list(counted)}

    away: Series = {"ringpool_archive_up": [1.0] * 30 + [0.0] * 30}
    # Some seconds are as it should be, whatever comes; and so is no traffic at all.
    behind: Series = {
        "ringpool_archive_up": [1.0] * 60,
        "ringpool_archive_waiting_seconds": [0.0] * 10
        + [9.0] * 20
        + [60.0 * minute for minute in range(30)],
        "ringpool_archive_dropped_total": [0.0] * 60,
    }
    dropped: Series = {"ringpool_archive_dropped_total": [0.0] * 30 + [3.0] * 30}

    def one(alert: str, labels: str = "") -> list[str]:
        return [f'{{alertname="RingPool{alert}"{labels}}}']

    check(
        tmp_path,
        [
            case("store down", dict(up), {39: [], 43: one("StoreDown")}),
            case("slow", dict(slow), {5: [], 20: one("Slow")}),
            case("errors", dict(requests), {3: [], 12: one("Errors")}),
            case(
                "tag",
                dict(tag),
                {
                    59: [],
                    119: [],
                    130: one("TagSilent", ', account="acme"'),
                    199: one("TagSilent", ', account="acme"'),
                },
            ),
            case("stock", dict(stock), {29: [], 37: one("StockLow", ', stock="s"')}),
            case("a pool with a number a tuple", dict(full), {5: [], 30: [], 59: []}),
            case(
                "disk",
                dict(disk),
                {29: [], 37: one("StoreDiskFills", ', persistentvolumeclaim="data-valkey-0"')},
            ),
            case("workers", deaths, {29: [], 33: one("WorkersDie")}),
            case("archive away", away, {29: [], 34: [], 37: one("ArchiveAway")}),
            case("archive behind", behind, {9: [], 29: [], 39: [], 43: one("ArchiveLags")}),
            case("dropped", dropped, {29: [], 32: one("LedgerDropped"), 59: []}),
            case("unconfirmed", unconfirmed, {29: [], 33: one("Unconfirmed")}),
        ],
    )


@pytest.mark.parametrize("prefix", ["", "https://git.example/runbooks"])
def test_an_alert_links_its_page(prefix: str, tmp_path: Path) -> None:
    """Below the address that Prometheus' external label gives, or in the repository."""
    alert = rules.alerts()["RingPoolStoreDown"]
    expected = {
        "exp_labels": {"severity": "critical"},
        "exp_annotations": {
            "summary": alert["annotations"]["summary"],
            "runbook_url": f"{prefix or 'k8s/runbooks'}/RingPoolStoreDown.md",
        },
    }
    check(
        tmp_path,
        [
            {
                "interval": "1m",
                "input_series": [{"series": "ringpool_store_up", "values": "0x10"}],
                "external_labels": {"runbooks": prefix} if prefix else {},
                "alert_rule_test": [
                    {
                        "eval_time": "5m",
                        "alertname": "RingPoolStoreDown",
                        "exp_alerts": [expected],
                    }
                ],
            }
        ],
    )
