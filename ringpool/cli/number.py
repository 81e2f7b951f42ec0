"""``ringpool number show``."""

from __future__ import annotations

import click

from allocator.answers import Holding
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.snapshot import Snapshot
from ringpool.cli.archive_reading import open_archive
from ringpool.cli.options import UNIX_TIME
from ringpool.cli.output import as_json, print_json, print_pairs
from ringpool.cli.session import command, open_session
from ringpool.faults import Fault
from ringpool.history.number_lookup import number_lookup
from ringpool.history.number_report import NumberReport, number_report
from ringpool.numbers import phone
from ringpool.times import format_rfc3339
from ringpool.visits import tuples


@click.group()
def number() -> None:
    """Look at numbers."""


@number.command()
@click.argument("number_text", metavar="NUMBER")
@click.option("--at", type=UNIX_TIME, help="A time, ISO 8601 (UTC unless it has an offset).")
@as_json
@command
async def show(number_text: str, at: int | None, as_json: bool) -> None:
    """Show where NUMBER (+18888695345) is and who holds it, or held it at a time (--at).

    Without its country calling code (888 869-5345) it is looked for among all numbers in use.
    """
    async with open_session() as session:
        snapshot = await session.snapshot()
        parsed = await _number(number_text, session.catalog, snapshot)
        async with open_archive(session.settings) as archive:
            report = await number_report(
                session.catalog, session.allocator, snapshot, parsed, at, archive
            )
    if as_json:
        print_json(number_lookup(report))
    else:
        print_pairs(_report_rows(report))


async def _number(text: str, catalog: Catalog, snapshot: Snapshot) -> str:
    """The number in E.164; raises Fault."""
    try:
        return phone.parse(text)
    except ValueError as error:
        candidates = phone.in_every_country(text)
        if not candidates:
            raise Fault("NUMBER", str(error)) from None
    used = {number for number in candidates if snapshot.overflow_pools(number)}
    used.update(await catalog.owned(candidates))
    if len(used) == 1:
        return used.pop()
    found = f"it may be any of {', '.join(sorted(used))}" if used else "no number in use ends so"
    raise Fault("NUMBER", f"{text[:60]!r} lacks its country calling code (+1…), and {found}")


def _report_rows(report: NumberReport) -> list[tuple[str, object]]:
    owner = f"{report.owner_kind} {report.owner}" if report.owner else "nobody"
    pairs: list[tuple[str, object]] = [("number", report.number), ("belongs to", owner)]
    if report.owner_kind == "stock" and report.pool:
        pairs.append(("lent to", f"pool {report.pool}"))
    if report.draining:
        pairs.append(("draining", "yes: it leaves when its guarantee is over"))
    if report.available_from:
        pairs.append(("available from", format_rfc3339(report.available_from)))
    for use in report.overflow_of:
        answers = (
            ""
            if use.answers is None
            else f", nothing else to give {use.answers} times in that hour"
        )
        pairs.append(("overflow number", f"of pool {use.pool}{answers}"))
    when = "held now by" if report.at is None else f"held at {format_rfc3339(report.at)} by"
    holder = report.holder
    if holder is None and report.at is None and report.last is not None:
        when, holder = "held last by", report.last
    if holder is None:
        return [*pairs, (when, "nobody")]
    pairs.append((when, holder.tuple or "(direct traffic)"))
    if publisher := tuples.parse(holder.tuple).get("publisher"):
        pairs.append(("on behalf of", f"account {publisher}"))
    return [*pairs, *_holding_rows(holder)]


def _holding_rows(holder: Holding) -> list[tuple[str, object]]:
    pairs: list[tuple[str, object]] = [
        ("in pool", holder.pool),
        *([("of account", holder.owner)] if holder.owner else []),
        ("since", format_rfc3339(holder.since)),
    ]
    if holder.until is not None:
        pairs.append(("until", format_rfc3339(holder.until)))
    pairs.append(("guaranteed until", format_rfc3339(holder.guaranteed_until)))
    return [*pairs, ("calls", holder.calls), ("clicks", holder.clicks)]
