"""``ringpool check``: whether the store's files are what was written, and all in it agrees."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress

import click

from allocator.embedded import DataDirectoryBusy, EmbeddedServer
from allocator.replies import UnknownPool
from allocator.resting import FOR_EVER, rest
from allocator.store_files import StoreDamaged
from ringpool.catalog import rests
from ringpool.cli.output import as_json, not_asked_is_2, print_findings, print_json, say
from ringpool.cli.session import command, open_session
from ringpool.findings import Finding
from ringpool.model import Configuration
from ringpool.settings import Settings
from ringpool.store_check.store_check import StoreCheck, StoreParts
from ringpool.times import format_rfc3339

_TELL_EVERY_SECONDS = 5.0


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
    help="Mend what can be mended without breaking a guarantee, and remove keys that belong to "
    "nothing.",
)
@click.option("--pool", "pools", multiple=True, help="Only this pool; may be given several times.")
@click.option("--stock", "stocks", multiple=True, help="Only this stock, likewise.")
@as_json
@not_asked_is_2
@command
async def check(
    repair_aof: bool, repair: bool, pools: Sequence[str], stocks: Sequence[str], as_json: bool
) -> None:
    """Check the store: each number is in one place, indexes and counters agree, no key is over.

    A store that RINGPOOL_REDIS_URL names may be in use. Of an embedded one the files are checked
    first, if no service runs. The exit code is 0 when nothing is wrong or all of it was
    repaired, 1 when something is wrong, 2 when the store couldn't be asked.
    """
    settings = Settings.from_environment()
    findings: list[Finding] = []
    holds_pools = True
    if settings.redis_url is None:
        holds_pools, findings = await _check_files(settings, repair_aof)
    elif repair_aof:
        raise click.UsageError("--repair-aof is for the embedded store's files")
    if holds_pools and not any(finding.level == "fail" for finding in findings):
        findings += await _audit(repair, pools, stocks)
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
    findings: list[Finding] = []
    with ExitStack() as stack:
        try:
            files = stack.enter_context(server.files())
        except DataDirectoryBusy:
            if repair_aof:
                raise
            return True, [Finding("ok", "files", "not looked at: a service works on them")]
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


class _Progress:
    """Tells now and then, on stderr, how far a long audit is."""

    def __init__(self) -> None:
        self._told = time.monotonic()
        self._seen = 0
        self._doing = ""

    def at(self, doing: str) -> None:
        """Say what is looked at from here on."""
        self._doing = doing
        self.seen(0)

    def seen(self, entries: int) -> None:
        """Count what was looked at."""
        self._seen += entries
        if time.monotonic() - self._told >= _TELL_EVERY_SECONDS:
            self._told = time.monotonic()
            say(f"{self._doing}; {self._seen:,} entries so far", error=True)


async def _audit(repair: bool, pools: Sequence[str], stocks: Sequence[str]) -> list[Finding]:
    """Audit what is in the store; of these pools and stocks alone where some are named."""
    progress = _Progress()
    async with open_session() as session:
        _, known = await session.catalog.entities()
        named = StoreParts(pools, stocks) if pools or stocks else None
        if named:
            _check_named(known, named)
        audit = StoreCheck(session.store, session.catalog, progress.at, progress.seen)
        findings = await audit.run(named, repair=repair)
    if not findings:
        audited = named or StoreParts.all_of(known)
        message = f"{len(audited.pools)} agree with themselves and the rest"
        findings.append(Finding("ok", "pools", message))
        if audited.stocks:
            message = f"{len(audited.stocks)} agree with themselves and the rest"
            findings.append(Finding("ok", "stocks", message))
    return findings


def _check_named(known: Configuration, named: StoreParts) -> None:
    """Raise UsageError for a pool or stock that there isn't."""
    there = StoreParts.all_of(known)
    for kind, names, ids in (
        ("pool", named.pools, there.pools),
        ("stock", named.stocks, there.stocks),
    ):
        for name in names:
            if name not in ids:
                raise click.UsageError(f"--{kind}: there is no {kind} {name}")


async def _rest() -> list[Finding]:
    """Have each pool rest for the longest guarantee of its own and of those of its stock.

    Who has a number whose guarantee was over isn't known: such assignments are ended.
    """
    now = time.time_ns() // 1_000_000
    async with open_session() as session:
        _, known = await session.catalog.entities()
        for pool in known.pools:
            with suppress(UnknownPool):
                while await session.allocator.end_overdue(pool.id):
                    pass
    until = rests.after(known.pools, now)
    rest(session.settings.data_dir, until, max(until.values(), default=0))
    return [
        Finding("warn", f"pool {name}", f"gives nothing new until {format_rfc3339(end)}")
        for name, end in sorted(until.items())
    ]
