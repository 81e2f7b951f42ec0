"""``ringpool check``: whether the embedded store's files are what was written."""

from __future__ import annotations

import sys
import time

import click

from allocator.embedded import EmbeddedServer
from allocator.resting import FOR_EVER, rest
from allocator.store_files import StoreDamaged
from ringpool.catalog import rests
from ringpool.cli.output import as_json, print_findings, print_json
from ringpool.cli.session import command, open_session
from ringpool.findings import Finding
from ringpool.settings import Settings, SettingsError
from ringpool.times import format_rfc3339


@click.command("check")
@click.option(
    "--repair-aof",
    is_flag=True,
    help="Cut off what can't be read and accept the rest. Pools then give nothing new until all "
    "that they may have answered before is over.",
)
@as_json
@command
async def check(repair_aof: bool, as_json: bool) -> None:
    """Check the embedded store's files, while no service runs.

    The exit code is 1 when something is wrong, and isn't repaired.
    """
    settings = Settings.from_environment()
    if settings.redis_url is not None:
        raise SettingsError("RINGPOOL_REDIS_URL: only the embedded store's files are checked")
    server = EmbeddedServer(settings.data_dir)
    repaired = False
    with server.files() as files:
        findings: list[Finding] = []
        try:
            files.check()
        except StoreDamaged as error:
            findings.append(Finding("fail", "store", str(error)))
        for examined in files.examine():
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
    if as_json:
        print_json(findings)
    else:
        print_findings(findings)
    if not repaired and any(finding.level == "fail" for finding in findings):
        sys.exit(1)


async def _rest() -> list[Finding]:
    """Have each pool rest for the longest guarantee of its own and of those of its stock."""
    now = time.time_ns() // 1_000_000
    async with open_session() as session:
        _, known = await session.catalog.entities()
    until = rests.after(known.pools, now)
    rest(session.settings.data_dir, until, max(until.values(), default=0))
    return [
        Finding("warn", f"pool {name}", f"gives nothing new until {format_rfc3339(end)}")
        for name, end in sorted(until.items())
    ]
