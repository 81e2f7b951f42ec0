"""``ringpool notify test``: whether who is to be told can be."""

from __future__ import annotations

import sys
import time
from urllib.parse import urlsplit

import click
from msgspec import Struct

from ringpool.catalog.snapshot import Snapshot
from ringpool.cli.output import as_json, print_json, print_table
from ringpool.cli.session import command, open_session
from ringpool.faults import Fault
from ringpool.notifications import messages
from ringpool.notifications.outcome import NotSent
from ringpool.notifications.recipients import Recipients, Target
from ringpool.notifications.sender import Sender


class Tried(Struct, frozen=True, kw_only=True):
    """One message that was sent, or wasn't. ``to``: an e-mail address, or a webhook's host.

    ``error``: "" when it was sent.
    """

    to: str
    kind: str
    id: str
    sent: bool
    error: str
    milliseconds: int


@click.group()
def notify() -> None:
    """Webhooks and e-mail that tell what becomes of pools."""


@notify.command()
@click.argument("entity_id", metavar="ID")
@as_json
@command
async def test(entity_id: str, as_json: bool) -> None:
    """Send a test to all who are told of pool or account ID, and say how it went.

    Each gets it once, from this machine, whatever its events and its cooldown are. Of a pool and an
    account with the same id, name one: pool/ID or account/ID. The exit code is 1 when one of them
    couldn't be told.
    """
    async with open_session() as session:
        snapshot = await session.snapshot()
        sender = Sender.of_settings(session.settings)
    subject, account = _subject(snapshot, entity_id)
    targets = Recipients(snapshot).of(subject)
    if not targets:
        raise Fault("notify", f"nobody is told of {subject.replace('/', ' ')}")
    try:
        tried = [await _try(sender, target, subject, account) for target in targets.values()]
    finally:
        await sender.aclose()
    if as_json:
        print_json(tried)
    else:
        columns = ("to", "by", "ms", "")
        rows = [(each.to, each.kind, each.milliseconds, each.error or "sent") for each in tried]
        print_table(columns, rows)
    if not all(each.sent for each in tried):
        sys.exit(1)


def _subject(snapshot: Snapshot, entity_id: str) -> tuple[str, str]:
    """Return what an id names, as ``pool/ad-placement``, and whose it is."""
    kind, _, name = entity_id.rpartition("/")
    is_pool = kind in ("", "pool") and name in snapshot.pools
    is_account = kind in ("", "account") and name in snapshot.accounts
    if is_pool and is_account:
        raise Fault("ID", f"both a pool and an account: write pool/{name} or account/{name}")
    if is_pool:
        return f"pool/{name}", snapshot.pools[name].pool.account
    if is_account:
        return f"account/{name}", name
    raise Fault(
        "ID", f"there is no {kind if kind in ('pool', 'account') else 'pool or account'} {name}"
    )


async def _try(sender: Sender, target: Target, subject: str, account: str) -> Tried:
    now, started = int(time.time() * 1000), time.monotonic()
    plain = {"event": "test", "account": account, "subject": subject} if target.plain else {}
    message = messages.make(
        messages.TEST, subject, account, target.id, now, plain, plain=target.plain
    )
    error = ""
    try:
        await sender.send(message, target, now)
    except NotSent as reason:
        error = str(reason)
    return Tried(
        to=target.email or urlsplit(target.webhook).hostname or "",
        kind="email" if target.email else "webhook",
        id=message.id,
        sent=not error,
        error=error,
        milliseconds=round((time.monotonic() - started) * 1000),
    )
