"""``ringpool backup``, ``restore`` and ``reopen``: a whole installation to one file and back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import click
from msgspec import Struct

from allocator.resting import Resting
from ringpool import backup_file
from ringpool.catalog import backup as copies
from ringpool.catalog import restore as restoring
from ringpool.cli.output import as_json, print_json, say, warn
from ringpool.cli.session import command, open_session
from ringpool.times import format_rfc3339

_TOLD_SECONDS = 1.0


class BackedUp(Struct):
    """What a backup has. ``last``: its store was closed before, and gives nothing any more."""

    file: str
    bytes: int
    revision: int
    pools: int
    stocks: int
    last: bool


class Restored(Struct):
    """What was restored. ``rests_until``: of each pool that rests, when it gives new numbers."""

    revision: int
    pools: int
    stocks: int
    rests_until: dict[str, str]


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--last",
    is_flag=True,
    help="Close the store first, for a move: nothing is given from it any more.",
)
@as_json
@command
async def backup(file: Path, last: bool, as_json: bool) -> None:
    """Write the whole installation to FILE, also while services run.

    FILE has the keys of pools, hashes of API keys, clicks and the audit log: only its owner may
    read it. The signing key and the administrator's token, which the data directory or settings
    have, aren't in it. A file of that name is replaced when the new one is whole.

    With --last the store is closed before it is read: services answer as if it were away, for good
    (or until `ringpool reopen`). Only such a FILE can be restored with --no-rest.
    """
    async with open_session() as session:
        rests = {} if session.settings.redis_url else Resting(session.settings.data_dir).all
        try:
            with backup_file.writing(file) as writer:
                header = await copies.back_up(
                    *(session.store, session.catalog, writer, _progress("read")),
                    last=last,
                    rests=rests,
                )
                size = writer.place()
        except BaseException:
            if last:
                warn("the store may be closed by now: repeat the command, or ringpool reopen")
            raise
    made = BackedUp(
        str(file), size, header.revision, len(header.pools), len(header.stocks), header.last
    )
    if as_json:
        print_json(made)
        return
    say(
        f"{file}: revision {made.revision}, {made.pools} pools, {made.stocks} stocks, "
        f"{made.bytes} bytes"
    )
    if last:
        say("the store is closed: it gives nothing any more")


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--no-rest",
    is_flag=True,
    help="Pools go on at once. For a FILE of `backup --last` that was never in use before.",
)
@as_json
@command
async def restore(file: Path, no_rest: bool, as_json: bool) -> None:
    """Write the backup FILE into an empty store, of any kind.

    Stop the services of the store that it was made from first. Whoever's guarantee isn't over keeps
    the number; pools give nothing new until all is over that may have been promised since the
    backup. One that was interrupted leaves a store that nothing works on: repeat it.
    """
    header = backup_file.check(file)
    async with open_session() as session:
        now = time.time_ns() // 1_000_000
        ends = await restoring.restore(
            *(session.store, session.catalog, file, header, now, _progress("written")),
            rest=not no_rest,
        )
    times = {name: format_rfc3339(end) for name, end in sorted(ends.items())}
    if as_json:
        print_json(Restored(header.revision, len(header.pools), len(header.stocks), times))
        return
    say(f"revision {header.revision}, {len(header.pools)} pools, {len(header.stocks)} stocks")
    for name, end in times.items():
        say(f"pool {name} gives nothing new until {end}")


class Reopened(Struct):
    """``opened``: the store was closed."""

    opened: bool


@click.command("reopen")
@as_json
@command
async def reopen(as_json: bool) -> None:
    """Open a store again that `ringpool backup --last` has closed.

    Only while no service has run on a store that this backup was restored into: both would give
    the same numbers.
    """
    async with open_session() as session:
        opened = await copies.reopen(session.store, session.catalog)
    if as_json:
        print_json(Reopened(opened))
    else:
        say("the store is open" if opened else "the store wasn't closed")


def _progress(verb: str) -> Callable[[int], None]:
    """Say how far it is, on stderr, where it takes longer than a second."""
    told = time.monotonic()

    def tell(done: int) -> None:
        nonlocal told
        if time.monotonic() - told >= _TOLD_SECONDS:
            told = time.monotonic()
            say(f"{done} numbers {verb}", error=True)

    return tell
