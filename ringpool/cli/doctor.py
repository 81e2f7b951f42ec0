"""``ringpool doctor``: what an operator should know before visitors notice it."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import click
from redis.asyncio.connection import DefaultParser

from allocator.answers import PoolStatus
from allocator.disk_space import DiskSpace
from allocator.embedded import DataDirectoryBusy
from allocator.gather import gather_limited
from allocator.port import StoreMisconfigured, StoreUnavailable
from allocator.replies import UnknownPool
from allocator.resting import Resting
from ringpool.catalog.areas import NOTHING, StoredConfiguration
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.snapshot import Snapshot
from ringpool.cli.archive_check import check_archive
from ringpool.cli.output import as_json, print_findings, print_json
from ringpool.cli.service_setup import setting_findings
from ringpool.cli.session import Session, open_session
from ringpool.cli.store_setup import store_findings
from ringpool.findings import Finding
from ringpool.settings import Settings, SettingsError, setting_at_fault, variable
from ringpool.times import format_rfc3339

_CLOCK_TOLERANCE_MS = 2_000
_POOL_CLOCK_TOLERANCE_MS = 5_000
_UNBUDGETED_TOLD_MS = 86_400_000
_CONCURRENCY = 50
_MAX_SHOWN = 10


@click.command()
@click.option("--strict", is_flag=True, help="Exit code 1 for a warning too.")
@as_json
def doctor(strict: bool, as_json: bool) -> None:
    """Check settings, store and pools; print a line for each check: ok, warn or fail.

    What a store doesn't let its user ask is said so, and is no warning. The exit code is 1 when a
    check fails.
    """
    findings = asyncio.run(_run_checks())
    if as_json:
        print_json(findings)
    else:
        print_findings(findings)
    bad = ("warn", "fail") if strict else ("fail",)
    if any(finding.level in bad for finding in findings):
        sys.exit(1)


async def _run_checks() -> list[Finding]:
    findings: list[Finding] = []
    try:
        settings = Settings.from_environment()
        findings += _check_settings(settings)
        async with open_session() as session:
            async for finding in _check_store(session):
                findings.append(finding)
            findings += await _check_pools(session)
    except SettingsError as error:
        findings.append(Finding("fail", "settings", str(error)))
    except StoreMisconfigured as error:
        findings.append(Finding("fail", "settings", str(setting_at_fault(error))))
    except (StoreUnavailable, DataDirectoryBusy, RuntimeError, OSError) as error:
        findings.append(Finding("fail", "store", str(error)))
    return findings


def _check_settings(settings: Settings) -> Iterator[Finding]:
    yield Finding("ok", "settings", "every RINGPOOL_ value is well-formed")
    yield from setting_findings(settings)
    fast = DefaultParser.__name__ == "_AsyncHiredisParser"
    parser = "hiredis" if fast else "redis-py's own, in Python: slower, otherwise the same"
    yield Finding("ok", "reply parser", parser)


async def _check_store(session: Session) -> AsyncIterator[Finding]:
    started = time.monotonic()
    doubts = await session.store.doubts()
    clock = await session.catalog.store_clock()
    took_ms = (time.monotonic() - started) * 1000
    embedded = session.settings.redis_url is None
    yield Finding("ok", "store", f"{'embedded, ' if embedded else ''}answers in {took_ms:.0f} ms")
    for finding in await store_findings(await session.store.servers(), session.settings.redis_url):
        yield finding
    if embedded:
        yield _check_disk(DiskSpace(session.settings.data_dir, session.settings.min_free_bytes))
    for doubt in doubts:
        yield Finding("fail" if doubt.stops else "warn", variable("wait_replicas"), doubt.text)
    ahead = clock - time.time() * 1000
    if abs(ahead) > _CLOCK_TOLERANCE_MS:
        direction = "ahead of" if ahead > 0 else "behind"
        message = f"the store's clock is {abs(ahead) / 1000:.0f} s {direction} this machine's"
        yield Finding("warn", "clocks", message)
    else:
        yield Finding("ok", "clocks", "the store's clock agrees with this machine's")
    yield await _check_catalog(session.catalog)


def _check_disk(space: DiskSpace) -> Finding:
    free = f"{space.free() >> 20} MB free"
    if space.look():
        return Finding("fail", "disk", f"{free}: {space.tell()}, and nothing is written")
    return Finding("ok", "disk", free)


async def _check_catalog(catalog: Catalog) -> Finding:
    pending = await catalog.pending()
    if pending:
        message = f"a change has {pending} steps left: a running service finishes it"
        return Finding("warn", "configuration", message)
    return Finding("ok", "configuration", f"revision {await catalog.revision()}, nothing pending")


async def _check_pools(session: Session) -> list[Finding]:
    _, known = await session.catalog.entities()
    names = [pool.id for pool in known.pools]
    statuses: dict[str, PoolStatus] = {}

    async def read(pool_id: str) -> None:
        with suppress(UnknownPool):
            statuses[pool_id] = await session.allocator.status(pool_id)

    await gather_limited(read, names, _CONCURRENCY)
    missing = [name for name in names if name not in statuses]
    exhausted = [name for name, status in statuses.items() if status.exhausted]
    findings = []
    if missing:
        message = f"configured, but not in the store: {_some(missing)} (apply again)"
        findings.append(Finding("fail", "pools", message))
    if exhausted:
        message = f"no number left to give, too small: {_some(exhausted)}"
        findings.append(Finding("warn", "pools", message))
    if session.settings.redis_url is None:
        findings += _check_rests(names, Resting(session.settings.data_dir))
    snapshot = await session.snapshot()
    findings += _check_restored(snapshot, names)
    findings = findings or [Finding("ok", "pools", f"{len(names)}, none exhausted")]
    findings += _check_mail(session.settings, snapshot)
    unbudgeted = [
        name
        for name, status in statuses.items()
        if status.last_unbudgeted > status.clock - _UNBUDGETED_TOLD_MS
    ]
    if unbudgeted:
        message = (
            "visitors come from private addresses, and are on no budget (name the proxy in front "
            f"in RINGPOOL_TRUSTED_PROXIES): {_some(unbudgeted)}"
        )
        findings.append(Finding("warn", "budgets", message))
    findings += _check_kinds(known)
    findings += await _check_archive(session, statuses, [stock.id for stock in known.stocks])
    clock = await session.catalog.store_clock()  # read last: no pool's clock is ahead by the delay
    return findings + list(_check_pool_clocks(statuses, clock))


async def _check_archive(
    session: Session, pools: dict[str, PoolStatus], stock_ids: list[str]
) -> list[Finding]:
    waiting = {
        f"pool {name}": (status.ledger_waiting, status.ledger_waiting_seconds)
        for name, status in pools.items()
    }

    async def read(stock_id: str) -> None:
        status = await session.stocks.status(stock_id)
        waiting[f"stock {stock_id}"] = status.ledger_waiting, status.ledger_waiting_ms / 1000

    await gather_limited(read, stock_ids, _CONCURRENCY)
    return await check_archive(session.settings, waiting)


def _check_kinds(known: StoredConfiguration) -> Iterator[Finding]:
    """Report pools that ask their stock for a kind that it has none of."""
    names = [
        f"{pool.id} (stock {pool.stock_id})"
        for pool in known.pools
        if pool.kind is not None and known.kinds.get(pool.id, NOTHING) == NOTHING
    ]
    if names:
        message = f"their stock has no number of the kind that they ask for: {_some(names)}"
        yield Finding("warn", "stocks", message)


def _check_mail(settings: Settings, snapshot: Snapshot) -> Iterator[Finding]:
    """Report who wants e-mail, where no server is named to send it by."""
    if settings.smtp_url is not None:
        return
    notified = {account.id: account.notify for account in snapshot.accounts.values()}
    notified |= {name: prepared.pool.notify for name, prepared in snapshot.pools.items()}
    named = [name for name, notify in notified.items() if any(each.email for each in notify)]
    if named:
        message = f"nobody sends any until {variable('smtp_url')} is set; wanted by {_some(named)}"
        yield Finding("warn", "e-mail", message)


def _check_restored(snapshot: Snapshot, names: list[str]) -> Iterator[Finding]:
    """Report pools that give nothing new, as their store was restored."""
    ends = {name: snapshot.rests_until(name) for name in names}
    if rests := [f"{name} until {format_rfc3339(end)}" for name, end in ends.items() if end]:
        message = f"they give nothing new, as the store was restored: {_some(rests)}"
        yield Finding("warn", "pools that rest", message)


def _check_rests(names: list[str], resting: Resting) -> Iterator[Finding]:
    """Report pools that give nothing new, as their store was repaired."""
    rests = [
        f"{name} until {format_rfc3339(resting.until(name))}"
        for name in names
        if resting.until(name)
    ]
    if rests:
        message = f"they give nothing new, as the store was repaired: {_some(rests)}"
        yield Finding("warn", "pools that rest", message)


def _check_pool_clocks(statuses: dict[str, PoolStatus], clock: int) -> Iterator[Finding]:
    """Report pools whose clock is ahead of the store's: a pool's clock never goes back."""
    ahead = [
        f"{name} until {format_rfc3339(status.clock)}"
        for name, status in statuses.items()
        if status.clock - clock > _POOL_CLOCK_TOLERANCE_MS
    ]
    if ahead:
        cause = "ahead of the store's, which was too far ahead once"
        effect = "they stand still, and guarantees last that much longer"
        yield Finding("warn", "pool clocks", f"{cause}; {effect}: {_some(ahead)}")


def _some(names: list[str]) -> str:
    more = len(names) - _MAX_SHOWN
    return ", ".join(sorted(names)[:_MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")
