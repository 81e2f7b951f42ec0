"""``ringpool route``."""

from __future__ import annotations

import click

from ringpool.call_routes.call_route import CallRoute
from ringpool.call_routes.given_numbers import called_number, calling_number
from ringpool.call_routes.router import CallRouter
from ringpool.cli.output import as_json, print_json, print_pairs
from ringpool.cli.session import command, open_session
from ringpool.faults import Fault


@click.command()
@click.argument("number_text", metavar="NUMBER")
@click.option("--caller", default="", help="Who calls, such as +12125550177.")
@as_json
@command
async def route(number_text: str, caller: str, as_json: bool) -> None:
    """Show where a call to NUMBER (+18888695345) goes, and which click it comes from."""
    try:
        number = called_number(number_text)
    except ValueError as error:
        raise Fault("NUMBER", str(error)) from None
    async with open_session() as session:
        router = CallRouter(session.allocator, session.stocks, session.catalog)
        found = await router.route(await session.snapshot(), number, calling_number(caller))
    if found is None:
        raise Fault("NUMBER", f"{number} is in no pool or stock: its calls are rejected")
    if as_json:
        print_json(found)
    else:
        print_pairs(_rows(found))


def _rows(route: CallRoute) -> list[tuple[str, object]]:
    known = [
        ("number", route.number),
        ("is", route.state.value),
        ("of account", route.account),
        ("of pool", route.pool),
        ("called by", route.caller),
        ("action", route.action.value),
        ("destination", route.destination),
        ("whisper", route.whisper),
        ("announcement", route.announcement),
    ]
    pairs: list[tuple[str, object]] = [(name, value) for name, value in known if value]
    if route.holder is None:
        return pairs
    holder = route.holder
    pairs.append(
        ("held until" if holder.until else "held since", holder.until or holder.assigned_at)
    )
    pairs += [(name, value or "(empty)") for name, value in holder.tuple.items()]
    return [*pairs, ("clicks", holder.clicks), ("calls", holder.calls)]
