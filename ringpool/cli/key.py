"""``ringpool key``: an account's API keys made, listed, replaced and revoked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

import click

from ringpool.catalog.condition import Condition, ConditionUnmet
from ringpool.catalog.key_changes import (
    check_overlap,
    expiry,
    with_key,
    with_key_rotated,
    without_key,
)
from ringpool.catalog.key_report import KeyReport, MadeKey, key_reports, made_key
from ringpool.catalog.key_uses import KeyUses
from ringpool.catalog.selection import find
from ringpool.cli.options import INSTANT, SPAN, overlap
from ringpool.cli.output import as_json, print_json, print_table, say
from ringpool.cli.session import Session, command, open_session
from ringpool.config import codec
from ringpool.faults import Fault, Faults
from ringpool.model import Account, ApiKey, Entity, Scope
from ringpool.security.api_keys import hash_of, new_key
from ringpool.times import Duration, now

_EXISTING = Condition(exists=True)


@click.group()
def key() -> None:
    """Make, list, replace and revoke the API keys of an account."""


@key.command()
@click.argument("account")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it may do; give it several times for several. manage includes read.",
)
@click.option("--expires-in", type=SPAN, help="How long it works: 90d. Default: for ever.")
@click.option("--expires", type=INSTANT, help="When it stops working: 2027-01-31T00:00:00Z.")
@as_json
@command
async def create(
    account: str,
    name: str,
    scopes: tuple[str, ...],
    expires_in: Duration | None,
    expires: datetime | None,
    as_json: bool,
) -> None:
    """Make an API key of ACCOUNT and print it: nobody can show it again."""
    at, text = now(), new_key()
    plain = {"name": name, "hash": hash_of(text), "scopes": list(scopes)}
    if faults := list(codec.faults(plain, ApiKey, "")):
        raise Faults(faults)
    made = ApiKey(
        name=name,
        hash=hash_of(text),
        scopes=tuple(map(Scope, scopes)),
        created=at,
        expires=expiry(expires, expires_in, at),
    )
    async with open_session() as session:

        async def with_it(present: Entity | None) -> Entity:
            assert isinstance(present, Account)
            return with_key(present, made)

        changed = await _change(session, account, with_it)
    _print_made(made_key(changed, name, text, now()), as_json)


@key.command("list")
@click.argument("account")
@as_json
@command
async def list_keys(account: str, as_json: bool) -> None:
    """List the API keys of ACCOUNT: what they may do, and when they were last used."""
    async with open_session() as session:
        _, known = await session.catalog.entities()
        owner = find(known.accounts, account, "account")
        reports = await key_reports(owner, KeyUses(session.store), now())
    if as_json:
        print_json(reports)
        return
    columns = ("name", "fingerprint", "scopes", "created", "expires", "last used", "key before")
    print_table(columns, [_row(report) for report in reports])


@key.command()
@click.argument("account")
@click.argument("name")
@overlap
@as_json
@command
async def rotate(account: str, name: str, overlap: Duration, as_json: bool) -> None:
    """Replace key NAME of ACCOUNT by a new one, and print that.

    The one before works until the overlap is over; with 0s it ends at once.
    """
    check_overlap(overlap)
    text = new_key()
    async with open_session() as session:

        async def rotated(present: Entity | None) -> Entity:
            assert isinstance(present, Account)
            return with_key_rotated(present, name, text, overlap, now())

        changed = await _change(session, account, rotated)
    _print_made(made_key(changed, name, text, now()), as_json)


@key.command()
@click.argument("account")
@click.argument("name")
@as_json
@command
async def revoke(account: str, name: str, as_json: bool) -> None:
    """End key NAME of ACCOUNT at once, the one before it too where that still works."""
    async with open_session() as session:

        async def without_it(present: Entity | None) -> Entity:
            assert isinstance(present, Account)
            return without_key(present, name)

        await _change(session, account, without_it)
    if as_json:
        print_json({"account": account, "revoked": name})
    else:
        say(f"key {name} of account {account} is revoked; every worker knows within a second")


async def _change(
    session: Session, account_id: str, make: Callable[[Entity | None], Awaitable[Entity]]
) -> Account:
    try:
        saved = await session.catalog.change("account", account_id, make, _EXISTING)
    except ConditionUnmet as error:
        raise Fault("account", str(error)) from None
    assert isinstance(saved.entity, Account)
    return saved.entity


def _print_made(made: MadeKey, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    say(made.key)
    say("Shown this once: only its hash is kept.", error=True)
    if made.former:
        say(f"The one before works until {made.former.until}.", error=True)


def _row(report: KeyReport) -> tuple[object, ...]:
    former = ""
    if report.former:
        used = f", used {report.former.last_used}" if report.former.last_used else ", not used"
        former = f"works until {report.former.until}{used}"
    return (
        report.name,
        report.fingerprint,
        ", ".join(report.scopes),
        report.created,
        f"{report.expires} (over)" if report.expired else report.expires,
        report.last_used,
        former,
    )
