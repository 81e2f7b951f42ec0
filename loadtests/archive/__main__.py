"""``python -m loadtests.archive``: kill the archive's writer under load; how fast it writes."""

from __future__ import annotations

import asyncio
import contextlib

import click
import msgspec

from allocator.redis.url import connect
from loadtests.archive.kills import Outcome, killed
from loadtests.archive.speed import Speed, speed
from tests.servers.postgres import postgres
from tests.servers.process import temporary_folder
from tests.servers.stores import valkey


@click.command
@click.option("--kills", default=50, show_default=True, help="How often the writer is killed.")
@click.option("--rows", default=100_000, show_default=True, help="Rows to time.")
@click.option("--on-postgres", is_flag=True, help="PostgreSQL in place of SQLite.")
@click.option("--seed", default=0, show_default=True)
def main(kills: int, rows: int, on_postgres: bool, seed: int) -> None:
    """Kill the archive's writer with SIGKILL under load, and time it; 1 where rows are missing."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        database = stack.enter_context(postgres(folder)) if on_postgres else ""
        server = stack.enter_context(valkey())

        async def run() -> tuple[Outcome, Speed]:
            store = await connect(server.url, timeout_ms=10_000)
            try:
                outcome = await killed(store, server.url, database, folder, kills, seed)
                return outcome, await speed(store, database, folder, rows)
            finally:
                await store.aclose()

        outcome, timed = asyncio.run(run())
    for name, value in msgspec.structs.asdict(outcome).items():
        click.echo(f"{name}: {value}")
    for name, value in msgspec.structs.asdict(timed).items():
        click.echo(f"{name}: {value:.0f}")
    if outcome.lost or outcome.doubled:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
