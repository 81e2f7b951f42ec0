"""``ringpool backup`` and ``ringpool restore``: a whole installation to one file and back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import click
from msgspec import Struct

from ringpool import backup_file
from ringpool.catalog import backup as copies
from ringpool.cli.output import as_json, print_json, say
from ringpool.cli.session import command, open_session
from ringpool.times import format_rfc3339

_TOLD_SECONDS = 1.0


class BackedUp(Struct):
    """What a backup has. ``bytes``: of its frames, as they are compressed."""

    file: str
    bytes: int
    revision: int
    pools: int
    stocks: int


class Restored(Struct):
    """What was restored. ``rests_until``: of each pool, when it gives new numbers again."""

    revision: int
    pools: int
    stocks: int
    rests_until: dict[str, str]


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@as_json
@command
async def backup(file: Path, as_json: bool) -> None:
    """Write the whole installation to FILE, also while services run.

    The file has the pools' keys and the audit log: only its owner may read it. The data
    directory's signing key and admin token aren't in it.
    """
    async with open_session() as session:
        with backup_file.writing(file) as writer:
            header = await copies.back_up(session.store, session.catalog, writer, _progress())
            size = writer.place()
    made = BackedUp(str(file), size, header.revision, len(header.pools), len(header.stocks))
    if as_json:
        print_json(made)
    else:
        say(
            f"{file}: revision {made.revision}, {made.pools} pools, {made.stocks} stocks, "
            f"{made.bytes} bytes"
        )


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@command
async def restore(file: Path, as_json: bool) -> None:
    """Write the backup FILE into an empty store, of any kind.

    Stop the services of the store it was made from first. Held numbers stay with whom they were
    given to; pools give nothing new until all that was answered after the backup is over.
    """
    header = backup_file.check(file)
    async with open_session() as session:
        now = time.time_ns() // 1_000_000
        ends = await copies.restore(session.store, session.catalog, file, header, now, _progress())
    times = {name: format_rfc3339(end) for name, end in sorted(ends.items())}
    if as_json:
        print_json(Restored(header.revision, len(header.pools), len(header.stocks), times))
        return
    say(f"revision {header.revision}, {len(header.pools)} pools, {len(header.stocks)} stocks")
    for name, end in times.items():
        say(f"pool {name} gives nothing new until {end}")


def _progress() -> Callable[[int, int], None]:
    """Say how far it is, on stderr, where it takes longer than a second."""
    told = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told >= _TOLD_SECONDS:
            told = time.monotonic()
            say(f"{done} of {total} pools", error=True)

    return tell
