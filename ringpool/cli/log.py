"""``ringpool log``, ``log show`` and ``undo``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import click
import msgspec

from ringpool.catalog.audit import Actor, CountedNumbers, EntityChange, Recorded, What
from ringpool.catalog.audit_log import Wanted, entity_named
from ringpool.catalog.undo import CannotUndo
from ringpool.cli.options import UNIX_TIME
from ringpool.cli.output import as_json, print_json, print_pairs, print_table, say
from ringpool.cli.session import Session, command, open_session
from ringpool.config.difference import Change
from ringpool.faults import Fault, Faults
from ringpool.model import Kind
from ringpool.times import format_rfc3339

_MAX_LISTED = 3
"""Entities that a line of the table names."""

_ACTIONS: Mapping[What, Literal["add", "change", "remove"]] = {
    "created": "add",
    "changed": "change",
    "deleted": "remove",
}
_SIGNS = {"created": "+", "changed": "~", "deleted": "-"}


class EntityName(click.ParamType[tuple[Kind, str]]):
    """``account/ID``, ``pool/ID`` or ``stock/ID``."""

    name = "kind/id"

    def convert(
        self,
        value: str | tuple[Kind, str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[Kind, str]:
        if isinstance(value, tuple):
            return value
        try:
            return entity_named(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


@click.group(invoke_without_command=True)
@click.option("--limit", type=click.IntRange(min=1), default=20, help="How many; 20 by default.")
@click.option(
    "--since", type=UNIX_TIME, help="Since a time, ISO 8601 (UTC unless it has an offset)."
)
@click.option("--entity", type=EntityName(), help="Of one: account/ID, pool/ID or stock/ID.")
@click.option("--account", help="Of what is, or was, this account's.")
@click.option(
    "--by", help="By: administrator, account, command, service, or an account, key, user."
)
@as_json
@click.pass_context
def log(
    context: click.Context,
    limit: int,
    since: int | None,
    entity: tuple[Kind, str] | None,
    account: str | None,
    by: str | None,
    as_json: bool,
) -> None:
    """List who changed what, the newest change first."""
    if context.invoked_subcommand is None:
        since = None if since is None else since // 1000 * 1000
        _list(Wanted(entity, account, by, since), limit, as_json)


@command
async def _list(wanted: Wanted, limit: int, as_json: bool) -> None:
    found: list[Recorded] = []
    newest: int | None = None
    async with open_session() as session:
        while len(found) < limit:
            page = await session.catalog.log.page(wanted, limit - len(found), newest)
            found += page.changes
            newest = page.following
            if not newest:
                break
    if as_json:
        print_json([_plain(recorded) for recorded in found])
        return
    print_table(
        ("revision", "at", "by", "from", "what"),
        [
            (
                recorded.revision,
                format_rfc3339(recorded.at),
                _who(recorded.entry.by),
                recorded.entry.by.address,
                _what(recorded),
            )
            for recorded in found
        ],
    )


@log.command()
@click.argument("revision", type=click.IntRange(min=1))
@as_json
@command
async def show(revision: int, as_json: bool) -> None:
    """Show one change, every field before and after."""
    async with open_session() as session:
        recorded = await session.catalog.log.one(revision)
        if recorded is None:
            raise Fault("revision", f"the log has no change {revision}")
        whole = await _whole(session, recorded)
    if as_json:
        print_json(_plain(recorded) | {"entities": whole or recorded.entry.entities})
        return
    by = recorded.entry.by
    pairs = [
        ("revision", recorded.revision),
        ("at", format_rfc3339(recorded.at)),
        ("by", _who(by)),
        ("from", by.address),
        ("via", by.via),
    ]
    if recorded.entry.undoes:
        pairs.append(("undoes", recorded.entry.undoes))
    print_pairs(pairs)
    for entity in whole or recorded.entry.entities:
        for line in _difference(entity):
            say(line)
    if whole is None:
        say("the rest was too long for the log")


@click.command()
@click.argument("revision", type=click.IntRange(min=1))
@click.option("--dry-run", is_flag=True, help="Print what it would change, and change nothing.")
@as_json
@command
async def undo(revision: int, dry_run: bool, as_json: bool) -> None:
    """Undo the change REVISION, as a new change, if what it altered wasn't altered since.

    `ringpool log` lists changes. An undo is checked as any other change, and can be undone. Keys
    and webhooks aren't brought back: the log keeps no secrets.
    """
    async with open_session() as session:
        try:
            undone = await session.catalog.undo(revision, dry_run=dry_run)
        except CannotUndo as error:
            raise Faults(error.faults) from None
    if as_json:
        print_json(
            {
                "undoes": revision,
                "revision": undone.revision,
                "changes": undone.changes,
                "left": undone.left,
            }
        )
        return
    for change in undone.changes:
        for line in change.lines():
            say(line)
    for field in undone.left:
        say(f"{field} stays as it is: the log doesn't keep secrets", error=True)
    say("dry run: nothing was changed" if dry_run else f"undone, by change {undone.revision}")


async def _whole(session: Session, recorded: Recorded) -> tuple[EntityChange, ...] | None:
    """All that a change altered; None where the log has only the beginning."""
    try:
        return await session.catalog.log.whole(recorded)
    except CannotUndo:
        return None


def _plain(recorded: Recorded) -> dict[str, object]:
    entry: dict[str, object] = msgspec.structs.asdict(recorded.entry)
    return {"revision": recorded.revision, "at": format_rfc3339(recorded.at), **entry}


def _who(by: Actor) -> str:
    if by.kind == "account":
        return f"account {by.account}" + (f", key {by.key}" if by.key else "")
    return by.user or by.kind


def _what(recorded: Recorded) -> str:
    entities = recorded.entry.entities
    texts = [_briefly(entity) for entity in entities[:_MAX_LISTED]]
    more = len(entities) - len(texts) + recorded.entry.more
    if more:
        texts.append(f"{more} more")
    undoes = f"undoes {recorded.entry.undoes}: " if recorded.entry.undoes else ""
    return undoes + "; ".join(texts)


def _briefly(entity: EntityChange) -> str:
    """``~ pool ads: max_size, +2 numbers``."""
    details = [field.field for field in entity.fields] if entity.what == "changed" else []
    for sign, numbers in (("+", entity.added), ("-", entity.removed)):
        if numbers.count:
            details.append(f"{sign}{numbers.count} number{'s' if numbers.count > 1 else ''}")
    told = f": {', '.join(details)}" if details else ""
    return f"{_SIGNS[entity.what]} {entity.kind} {entity.id}{told}"


def _difference(entity: EntityChange) -> list[str]:
    """As ``apply`` shows it. Numbers of which only the first are kept are counted."""
    change = Change(
        kind=entity.kind,
        id=entity.id,
        action=_ACTIONS[entity.what],
        fields=entity.fields,
    )
    lines = change.lines()
    for sign, numbers in (("+", entity.added), ("-", entity.removed)):
        if numbers.count:
            lines.append(f"    {sign} {_numbers(numbers)}")
    return lines


def _numbers(numbers: CountedNumbers) -> str:
    more = numbers.count - len(numbers.numbers)
    rest = f" and {more} more" if more else ""
    plural = "s" if numbers.count > 1 else ""
    return f"{numbers.count} number{plural}: {', '.join(numbers.numbers)}{rest}"
