"""``ringpool call list``, ``show`` and ``report``."""

from __future__ import annotations

from typing import Any

import click

from allocator.ledger import Ledgers
from ringpool.archive.calls import CallFilter
from ringpool.calls.events import CallReport, EventKind, checked
from ringpool.calls.recording import CallRecorder, Recorded
from ringpool.calls.states import CallState
from ringpool.catalog.snapshot import SnapshotKeeper
from ringpool.cli.archive_reading import reading_archive
from ringpool.cli.options import INSTANT, UNIX_TIME
from ringpool.cli.output import as_json, print_json, print_pairs, print_table, say
from ringpool.cli.session import command, open_session
from ringpool.config import codec
from ringpool.faults import Fault, Faults
from ringpool.history.call_lookup import CallDetail, KnownCall, call_detail, known_calls
from ringpool.numbers import phone
from ringpool.visits import tuples

_MOST = 1000


@click.group()
def call() -> None:
    """Look at calls, and tell of them."""


@call.command("list")
@click.option("--account", help="Only calls of this account.")
@click.option("--pool", help="Only calls to this pool.")
@click.option("--number", help="Only calls to this number, in E.164.")
@click.option("--from", "since", type=UNIX_TIME, help="Only calls that began then, or later.")
@click.option("--to", "until", type=UNIX_TIME, help="Only calls that began before.")
@click.option(
    "--state",
    type=click.Choice([each.value for each in CallState]),
    help="Only calls in this state.",
)
@click.option(
    "--param",
    "values",
    multiple=True,
    metavar="NAME=VALUE",
    help="Only calls of whom this value was told; may be given several times.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, _MOST),
    default=100,
    show_default=True,
    help="Most calls that are listed.",
)
@as_json
@command
async def list_calls(
    number: str | None, state: str | None, values: tuple[str, ...], as_json: bool, **options: Any
) -> None:
    """List calls, the latest first."""
    limit = options.pop("limit")
    wanted = CallFilter(
        number=_number("number", number) if number else None,
        state=CallState(state) if state else None,
        values=dict(map(_value, values)),
        **options,
    )
    async with reading_archive() as connection:
        found = await known_calls(connection, wanted, limit)
    if as_json:
        print_json(found.calls)
        return
    columns = (
        "began",
        "call",
        "account",
        "number",
        "pool",
        "state",
        "seconds",
        "who",
        "probability",
    )
    print_table(columns, [_row(each) for each in found.calls])
    if found.next:
        say("… and more: --limit, --to")


@call.command()
@click.argument("call_id", metavar="ID")
@click.option("--account", help="Whose, where several accounts have a call of this id.")
@as_json
@command
async def show(call_id: str, account: str | None, as_json: bool) -> None:
    """Show all that is known of call ID: what was told of it, and who may have made it."""
    async with reading_archive() as connection:
        found = await call_detail(connection, account, call_id)
    if found is None:
        raise Fault("ID", f"there is no call {call_id[:128]!r}")
    if as_json:
        print_json(found)
        return
    _print_detail(found)


@call.command()
@click.argument("call_id", metavar="ID")
@click.argument("number", metavar="NUMBER")
@click.option(
    "--event",
    type=click.Choice([each.value for each in EventKind if each is not EventKind.CLOSED]),
    default=EventKind.STARTED.value,
    show_default=True,
    help="What happened.",
)
@click.option("--at", type=INSTANT, help="When, ISO 8601 (UTC unless it has an offset); else now.")
@click.option("--caller", default="", help="The number that called.")
@click.option("--duration-seconds", type=click.IntRange(0), help="How long the call lasted.")
@click.option("--destination", default="", help="Where it was put through to.")
@click.option("--outcome", default="", help="What came of it.")
@click.option("--amount", help="What it brought, such as 49.90.")
@click.option("--currency", help="Of the amount, such as USD.")
@click.option("--reason", default="", help="Why it ended so.")
@as_json
@command
async def report(call_id: str, as_json: bool, **told: Any) -> None:
    """Tell of call ID to NUMBER (+18888695345): an event of it.

    The call counts once, and each event of it, however often it is told.
    """
    document = {"id": call_id, **told}
    if faults := list(codec.faults(document, CallReport, "")):
        raise Faults(faults)
    async with open_session() as session:
        keeper = SnapshotKeeper(session.catalog)
        await keeper.refresh()
        signer = session.settings.open_keyring().signer
        recorder = CallRecorder(
            session.allocator,
            session.stocks,
            Ledgers(session.store),
            session.catalog,
            keeper,
            lambda: signer,
        )
        event = checked(codec.convert(document, CallReport), recorder.now_ms())
        (recorded,) = await recorder.record([event], None)
    if recorded.credit is None:
        raise Fault("NUMBER", f"{event.number} is in no pool")
    if as_json:
        print_json(_plain(recorded))
    else:
        print_pairs(_plain(recorded).items())


def _plain(recorded: Recorded) -> dict[str, object]:
    credit = recorded.credit
    assert credit is not None
    holding = credit.holding
    return {
        "id": credit.id,
        "number": credit.number,
        "account": recorded.account,
        "pool": recorded.pool or (holding.pool if holding else ""),
        "stock": recorded.stock,
        "counted": credit.counted,
        "recorded": credit.noted,
        "overflow": credit.overflow,
        "resting": credit.resting,
        "held by": holding.tuple if holding else "",
    }


def _number(name: str, text: str) -> str:
    try:
        return phone.parse(text)
    except ValueError as error:
        raise Fault(name, str(error)) from None


def _value(text: str) -> tuple[str, str]:
    name, given, value = text.partition("=")
    if not name or not given:
        raise Fault("param", f"{text[:60]!r} is not NAME=VALUE")
    return name.lower(), value


def _row(found: KnownCall) -> tuple[object, ...]:
    return (
        found.started_at,
        found.id,
        found.account,
        found.number,
        found.pool or found.resting,
        found.state,
        found.duration_seconds,
        _by(found.tuple),
        found.probability,
    )


def _by(values: dict[str, str] | None) -> str:
    return "" if values is None else tuples.canonical(list(values), values)


def _print_detail(found: CallDetail) -> None:
    hidden = ("events", "candidates", "tuple", "sku_list", "quantity_list")
    pairs: list[tuple[str, object]] = [
        (name.replace("_", " "), getattr(found, name))
        for name in KnownCall.__struct_fields__
        if name not in hidden and getattr(found, name) not in ("", False, None)
    ]
    sold = found.sku_list
    if found.quantity_list:
        counted = zip(found.quantity_list, found.sku_list, strict=True)
        sold = [f"{count} x {sku}" for count, sku in counted]
    print_pairs([*pairs, *([("sold", ", ".join(sold))] if sold else [])])
    say()
    columns = ("event", "at", "received")
    print_table(columns, [(each.event, each.at, each.received_at) for each in found.events])
    if found.candidates:
        say()
        print_table(
            ("probability", "why", "pool", "who", "clicks", "first click", "last click"),
            [
                (
                    each.probability,
                    each.why,
                    each.pool,
                    _by(each.tuple),
                    each.clicks or "",
                    each.first_click_at,
                    each.last_click_at,
                )
                for each in found.candidates
            ],
        )
