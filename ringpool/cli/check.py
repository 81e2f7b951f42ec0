"""``ringpool check``: whether the store's files are what was written, and its pools agree."""

from __future__ import annotations

import sys
import time

import click

from allocator.embedded import EmbeddedServer
from allocator.pool_audit import Flaw, audit_pool, audit_stock
from allocator.replies import UnknownPool
from allocator.resting import FOR_EVER, rest
from allocator.store_files import StoreDamaged
from ringpool.cli.output import as_json, print_findings, print_json
from ringpool.cli.session import command, open_session
from ringpool.findings import Finding
from ringpool.model import Pool
from ringpool.settings import Settings
from ringpool.times import format_rfc3339


@click.command("check")
@click.option(
    "--repair-aof",
    is_flag=True,
    help="Cut off what can't be read and accept the rest. Pools then give nothing new until all "
    "that they may have answered before is over.",
)
@click.option(
    "--repair",
    is_flag=True,
    help="Make every pool's and stock's orders, tuples and counters what its numbers' records say.",
)
@as_json
@command
async def check(repair_aof: bool, repair: bool, as_json: bool) -> None:
    """Check the store: that numbers, orders, tuples and counters agree in every pool and stock.

    A store that RINGPOOL_REDIS_URL names may be in use. Of an embedded one the files are checked
    first, while no service runs. The exit code is 1 when something is wrong, and isn't repaired.
    """
    settings = Settings.from_environment()
    findings: list[Finding] = []
    holds_pools = True
    if settings.redis_url is None:
        holds_pools, findings = await _check_files(settings, repair_aof)
    elif repair_aof:
        raise click.UsageError("--repair-aof is for the embedded store's files")
    if holds_pools and not any(finding.level == "fail" for finding in findings):
        findings += await _audit(repair)
    if as_json:
        print_json(findings)
    else:
        print_findings(findings)
    if any(finding.level == "fail" for finding in findings):
        sys.exit(1)


async def _check_files(settings: Settings, repair_aof: bool) -> tuple[bool, list[Finding]]:
    """Return whether there are files with commands, and what was found and repaired."""
    server = EmbeddedServer(settings.data_dir)
    examined_any = repaired = False
    with server.files() as files:
        findings: list[Finding] = []
        try:
            files.check()
        except StoreDamaged as error:
            findings.append(Finding("fail", "store", str(error)))
        for examined in files.examine():
            examined_any = True
            if not examined.damage:
                message = f"{examined.commands} commands in {examined.whole} bytes"
                findings.append(Finding("ok", examined.path.name, message))
            elif not repair_aof:
                findings.append(Finding("fail", "commands", examined.damage))
            else:
                if not repaired:
                    rest(settings.data_dir, {}, FOR_EVER)  # until it is known how long
                repaired = True
                kept = files.cut(examined)
                message = examined.damage + (f": cut off, and kept in {kept.name}" if kept else "")
                findings.append(Finding("warn", "commands", message))
        if repaired:
            findings = [finding for finding in findings if finding.level != "fail"]
    if repaired:
        findings += await _rest()
    return examined_any, findings


async def _audit(repair: bool) -> list[Finding]:
    """Audit every pool and stock. What is wrong fails; what was repaired is a warning."""
    findings: list[Finding] = []
    async with open_session() as session:
        _, entities = await session.catalog.entities()
        for pool in entities.pools:
            try:
                flaws = await audit_pool(session.store, pool.id, repair=repair)
            except UnknownPool:
                message = "the configuration names it, but the store has no such pool"
                findings.append(Finding("fail", f"pool {pool.id}", message))
                continue
            findings += [_finding(f"pool {pool.id}", flaw, repair) for flaw in flaws]
        for stock in entities.stocks:
            flaws = await audit_stock(session.store, stock.id, repair=repair)
            findings += [_finding(f"stock {stock.id}", flaw, repair) for flaw in flaws]
        if not findings:
            findings.append(Finding("ok", "pools", f"{len(entities.pools)} agree with themselves"))
            if entities.stocks:
                message = f"{len(entities.stocks)} agree with themselves"
                findings.append(Finding("ok", "stocks", message))
    return findings


def _finding(subject: str, flaw: Flaw, repaired: bool) -> Finding:
    message = f"{flaw.number}: {flaw.message}" if flaw.number else flaw.message
    if repaired:
        return Finding("warn", subject, f"{message} (repaired)")
    return Finding("fail", subject, message)


async def _rest() -> list[Finding]:
    """Have each pool rest for the longest guarantee of its own and of those of its stock."""
    now = time.time_ns() // 1_000_000
    async with open_session() as session:
        _, known = await session.catalog.entities()
    longest: dict[str, int] = {}
    for pool in known.pools:
        shared = pool.stock or pool.id
        longest[shared] = max(longest.get(shared, 0), _guarantee(pool))
    until = {pool.id: now + longest[pool.stock or pool.id] for pool in known.pools}
    rest(session.settings.data_dir, until, max(until.values(), default=0))
    return [
        Finding("warn", f"pool {name}", f"gives nothing new until {format_rfc3339(end)}")
        for name, end in sorted(until.items())
    ]


def _guarantee(pool: Pool) -> int:
    return max(pool.min_duration, pool.hold_on_activity)
