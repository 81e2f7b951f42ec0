"""``ringpool person`` and ``ringpool forget``."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import click
from sqlalchemy.exc import DBAPIError

from allocator.embedded import rewrite_log
from ringpool.archive.database import Archive, ArchiveAway, archive_url
from ringpool.cli.output import as_json, failure, not_asked_is_2, print_json, print_table, say, warn
from ringpool.cli.session import Session, command, open_session
from ringpool.privacy import person as persons
from ringpool.privacy.person import Person
from ringpool.privacy.search import AsPerson, Search
from ringpool.privacy.traces import Count, Trace, counted

_C = TypeVar("_C", bound=Callable[..., Any])

_MOST_TOLD = 50
_STORE_FILES = "append-only file"
_ARCHIVE_FILES = "write-ahead log"


def _options(command: _C) -> _C:
    command = click.option(
        "--visitor",
        metavar="ID",
        help="A visitor's id, a click id (gclid) or a cookie.",
    )(command)
    return click.option("--caller", metavar="NUMBER", help="The number of a caller, in E.164.")(
        command
    )


@click.command("person")
@_options
@as_json
@command
async def person(caller: str | None, visitor: str | None, as_json: bool) -> None:
    """Show all that is known of a caller or a visitor, in store and archive.

    Nothing known: an empty list. With --json all of it, else how much of it is where.
    """
    _check(caller, visitor)
    async with _search(caller, visitor) as (search, as_person, _, _):
        traces = await search.known(as_person)
    if as_json:
        print_json({**_named(caller, visitor), "traces": traces})
    else:
        _print(counted(traces), "nothing is known")


@click.command("forget")
@_options
@as_json
@not_asked_is_2
@command
async def forget(caller: str | None, visitor: str | None, as_json: bool) -> None:
    """Remove a caller or a visitor from store and archive, then look for them again.

    A visitor's number stays as it is until its guarantee is over, as nobody's. Calls and clicks are
    counted still, without whose they were. The exit code is 0 when nothing is left, or nothing was
    known; 1 when they are named somewhere still, 2 when it couldn't be looked.
    """
    _check(caller, visitor)
    async with _search(caller, visitor) as (search, as_person, archive, session):
        forgotten = await search.forget(as_person)
        left = list(forgotten.left)
        if not await archive.empty_log():
            left.append(Trace("archive", _ARCHIVE_FILES, {}))
        embedded = session.settings.redis_url is None
        if embedded:
            try:
                rewrite_log(session.url)
            except RuntimeError as error:
                warn(str(error))
                left.append(Trace("store", _STORE_FILES, {}))
    removed = counted(forgotten.removed)
    if as_json:
        print_json(
            {
                **_named(caller, visitor),
                "removed": removed,
                "left": left,
                "looked_at_every_key": forgotten.whole,
                "store_files_rewritten": embedded,
            }
        )
    else:
        _print(removed, "nothing was known")
        _tell_left(left, whole=forgotten.whole, embedded=embedded)
    if left:
        sys.exit(1)


def _print(counts: list[Count], nothing: str) -> None:
    if counts:
        rows = [(each.place, each.where, each.count) for each in counts]
        print_table(("in", "where", "how many"), rows)
    else:
        say(nothing)


def _tell_left(left: list[Trace], *, whole: bool, embedded: bool) -> None:
    if left:
        say()
        say("left, where they are named:")
        print_table(("in", "where", "what"), map(_row, left[:_MOST_TOLD]))
        if len(left) > _MOST_TOLD:
            say(f"… and {len(left) - _MOST_TOLD} more: --json")
    else:
        say("looked for again: nothing is left")
    if not whole:
        warn("the store's user may not SCAN: keys of pools that are gone weren't looked at")
    if not embedded:
        say("the store's files have it until they are rewritten (BGREWRITEAOF, SAVE)")


def _row(trace: Trace) -> tuple[str, str, str]:
    what = " ".join(f"{name}={value}" for name, value in trace.what.items())
    return trace.place, trace.where, what


def _check(caller: str | None, visitor: str | None) -> None:
    if (caller is None) is (visitor is None):
        raise click.UsageError("give --caller or --visitor, one of the two")


def _named(caller: str | None, visitor: str | None) -> dict[str, str]:
    return {"visitor": visitor} if visitor is not None else {"caller": caller or ""}


@asynccontextmanager
async def _search(
    caller: str | None, visitor: str | None
) -> AsyncIterator[tuple[Search, AsPerson, Archive, Session]]:
    async with open_session() as session:
        settings = session.settings
        keys = settings.open_keyring().signer

        def as_person(accounts: set[str]) -> Person:
            if visitor is not None:
                return persons.visitor(visitor)
            return persons.caller(caller or "", keys, accounts)

        as_person(set())  # what is wrong with it is told before anything is opened
        archive = Archive(archive_url(settings.database_url or "", settings.data_dir))
        try:
            search = Search(session.store, archive, session.catalog)
            yield search, as_person, archive, session
        except (ArchiveAway, DBAPIError) as error:
            raise failure(f"the archive: {error}") from None
        finally:
            await archive.close()
