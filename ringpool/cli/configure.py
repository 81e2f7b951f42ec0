"""``ringpool apply`` and ``ringpool export``."""

from __future__ import annotations

import time
from typing import BinaryIO

import click

from ringpool.cli.output import as_json, print_document, print_json, say
from ringpool.cli.session import command, open_session
from ringpool.config import config_file
from ringpool.faults import Fault, Faults

_PROGRESS_SECONDS = 1.0


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Print the difference and change nothing.")
@click.option(
    "--revision",
    type=click.IntRange(min=0),
    help="Only if the configuration is still at this revision, which --dry-run tells.",
)
@as_json
@command
async def apply(file: BinaryIO, dry_run: bool, revision: int | None, as_json: bool) -> None:
    """Make or update the accounts, pools and stocks in FILE (YAML; - is stdin).

    Repeating it changes nothing. What FILE doesn't name stays; of what it names, keys that it
    leaves out go back to their defaults, but for a pool's key and for numbers. A list of numbers is
    the whole list: the other numbers of that pool or stock drain, each when its guarantee is over.
    A FILE with an error in it is refused as a whole: all errors that can be known, each on a line
    with its path, what it is, and where it stands.
    """
    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Faults([Fault(f"byte {error.start + 1}", "the file isn't UTF-8")]) from None
    name = getattr(file, "name", "<stdin>")  # which what stands for it in a test hasn't
    try:
        async with open_session() as session:
            at, known = await session.catalog.entities()
            draft = config_file.read_draft(text, known)
            if draft.faults:
                raise Faults(await session.catalog.faults(draft, revision))
            changes = await session.catalog.apply(
                draft.configuration(),
                dry_run=dry_run,
                canonical=True,
                revision=revision,
                progress=_Progress(),
            )
    except Faults as faults:
        raise config_file.located(faults, text, name) from None
    if dry_run:
        # Not among the differences, so that programs can read both.
        say(f"revision {at}: apply with --revision {at} does just this, or nothing", error=True)
    if as_json:
        print_json(changes)
        return
    for change in changes:
        for line in change.lines():
            say(line)
    if not changes:
        say("nothing to change")
    elif dry_run:
        say("dry run: nothing was changed")


class _Progress:
    """Says once a second, on stderr, how much of a change is carried out, if it takes that long."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _PROGRESS_SECONDS

    def __call__(self, done: int, planned: int) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _PROGRESS_SECONDS
            say(f"{done} of {planned} steps are carried out", error=True)


@click.command()
@as_json
@command
async def export(as_json: bool) -> None:
    """Print the whole configuration, as `apply` reads it. It contains the pools' keys."""
    async with open_session() as session:
        configured = await session.catalog.read()
    if as_json:
        print_json(configured)
    else:
        print_document(config_file.write(configured))
