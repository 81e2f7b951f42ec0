"""``ringpool stock list`` and ``show``."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import click

from allocator.answers import StockRow, StockState
from allocator.gather import gather_limited
from allocator.stocks import Stocks
from ringpool.catalog.selection import find
from ringpool.cli.output import as_json, print_json, print_pairs, print_table, say
from ringpool.cli.session import command, open_session
from ringpool.numbers import kinds
from ringpool.times import format_rfc3339

_CONCURRENCY = 50
_A_PAGE = 500


@click.group()
def stock() -> None:
    """Look at stocks, from which pools grow."""


@stock.command("list")
@click.option("--account", help="Only stocks of this account.")
@as_json
@command
async def list_stocks(account: str | None, as_json: bool) -> None:
    """List stocks and how many of their numbers are where."""
    async with open_session() as session:
        _, known = await session.catalog.entities()
        stocks = [each for each in known.stocks if account in (None, each.account)]
        statuses = await gather_limited(
            lambda each: session.stocks.status(each.id), stocks, _CONCURRENCY
        )
    rows = [
        {
            "id": each.id,
            "account": each.account,
            "quarantine": str(each.quarantine),
            "size": status.size,
            "available": status.available,
            "resting": status.quarantined,
            "lent": status.lent,
            "moving": status.moving,
        }
        for each, status in zip(stocks, statuses, strict=True)
    ]
    if as_json:
        print_json(rows)
        return
    columns = ("stock", "account", "quarantine", "size", *StockState)
    print_table(columns, [list(row.values()) for row in rows])


@stock.command()
@click.argument("stock_id", metavar="ID")
@click.option(
    "--state",
    type=click.Choice([each.value for each in StockState]),
    help="Only numbers in this state.",
)
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=100,
    show_default=True,
    help="Most numbers that are listed; all are counted.",
)
@as_json
@command
async def show(stock_id: str, state: str | None, limit: int, as_json: bool) -> None:
    """Count a stock's numbers by their kind, and list where they are."""
    async with open_session() as session:
        _, known = await session.catalog.entities()
        found = find(known.stocks, stock_id, "stock")
        counts: dict[str, Counter[str]] = {}
        listed: list[StockRow] = []
        more = 0
        async for row in _rows(session.stocks, stock_id):
            counts.setdefault(str(kinds.kind(row.number)), Counter())[row.state] += 1
            if state in (None, row.state):
                if len(listed) < limit:
                    listed.append(row)
                else:
                    more += 1
    listed.sort(key=lambda row: (list(StockState).index(row.state), row.number))
    summary = {
        "id": found.id,
        "account": found.account,
        "quarantine": str(found.quarantine),
        "quiet": str(found.quiet),
    }
    by_kind = [
        {"kind": kind, "size": sum(of_kind.values())} | {each: of_kind[each] for each in StockState}
        for kind, of_kind in sorted(counts.items())
    ]
    if as_json:
        print_json(summary | {"kinds": by_kind, "numbers": list(map(_plain, listed)), "more": more})
        return
    print_pairs(summary.items())
    say()
    print_table(("kind", "size", *StockState), [list(row.values()) for row in by_kind])
    say()
    print_table(
        ("number", "kind", "state", "pool", "resting until", "calls", "last call", ""),
        [
            (
                row.number,
                kinds.kind(row.number),
                row.state,
                row.pool,
                _resting_until(row),
                row.calls or "",
                format_rfc3339(row.last_call) if row.last_call else "",
                "draining" if row.leaving else " ",
            )
            for row in listed
        ],
    )
    if more:
        say(f"… and {more} more: --limit")


async def _rows(stocks: Stocks, stock_id: str) -> AsyncIterator[StockRow]:
    """Each number once."""
    seen: set[str] = set()
    cursor = ""
    while cursor != "0":
        cursor, rows = await stocks.numbers(stock_id, cursor or "0", _A_PAGE)
        for row in rows:
            if row.number not in seen:
                seen.add(row.number)
                yield row


def _plain(row: StockRow) -> dict[str, Any]:
    return {
        "number": row.number,
        "kind": str(kinds.kind(row.number)),
        "state": row.state,
        "pool": row.pool or None,
        "resting_until": _resting_until(row) or None,
        "draining": row.leaving,
        "calls": row.calls,
        "last_call": format_rfc3339(row.last_call) if row.last_call else None,
    }


def _resting_until(row: StockRow) -> str:
    return format_rfc3339(row.available_from) if row.state is StockState.RESTING else ""
