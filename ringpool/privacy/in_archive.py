"""Traces of a person in the archive: found in every column of every table, and taken out.

Rows stay, and so do the numbers of clicks and calls that reports show: what is taken out is whose
they were. All tables are read from end to end: nobody looks for persons often enough for an index.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Row, Table, Text, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringpool.archive.dialects import insert
from ringpool.archive.sources import Source, renamed
from ringpool.archive.tables import (
    ASSIGNMENTS,
    CALL_EVENTS,
    CALLS,
    CANDIDATES,
    FITS,
    METADATA,
    OVERFLOWS,
    SOURCES,
)
from ringpool.calls.events import decode_document, encode_document
from ringpool.privacy.in_store import Found
from ringpool.privacy.person import Clicked, Person
from ringpool.privacy.traces import Trace

_CLICKED = {
    ASSIGNMENTS: ("tuple", "first_click", "last_click"),
    CANDIDATES: ("tuple", "first_click", "last_click"),
    OVERFLOWS: ("tuple", "click"),
    CALLS: ("tuple",),
    SOURCES: ("tuple",),
}
"""Where tables have tuples and clicks."""

_OF_SOURCES = (ASSIGNMENTS, OVERFLOWS, CALLS, CANDIDATES)
_JSON = ("first_click", "last_click", "click", "document", "holder")

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


async def accounts_of(connection: AsyncConnection) -> set[str]:
    """Every account that the archive has calls of, deleted ones too."""
    return {*await connection.scalars(select(CALL_EVENTS.c.account).distinct())}


async def look(connection: AsyncConnection, person: Person, *, remove: bool = False) -> Found:
    """Find a person, and take out what is theirs, in the caller's transaction."""
    found = Found([], [])
    for table in METADATA.sorted_tables:
        for row in await _rows(connection, table, person):
            values = {str(name): value for name, value in row._mapping.items()}
            changed = _without(table, values, person)
            if changed is None:
                if any(isinstance(v, str) and person.is_named_in(v) for v in values.values()):
                    key = {str(c.name): values[c.name] for c in table.primary_key}
                    found.left.append(Trace("archive", str(table.name), key))
                continue
            found.traces.append(Trace("archive", str(table.name), _shown(values)))
            if remove:
                await _write(connection, table, values, changed)
    return found


async def _rows(connection: AsyncConnection, table: Table, person: Person) -> list[Row[Any]]:
    """The rows that have one of the person's texts in them."""
    position = func.strpos if connection.dialect.name == "postgresql" else func.instr
    texts = [column for column in table.columns if isinstance(column.type, Text)]
    wanted = [position(column, text) > 0 for column in texts for text in person.texts]
    return list(await connection.execute(select(table).where(or_(*wanted)))) if wanted else []


def _without(table: Table, values: Mapping[str, Any], person: Person) -> dict[str, Any] | None:
    """What a row has in the place of what is theirs; None: nothing of it is."""
    changed: dict[str, Any] = {}
    if names := _CLICKED.get(table):
        changed |= _without_clicks(names, values, person)
    if table is CALLS and person.has_called(values["caller"], values["caller_hash"]):
        changed |= {"caller": "", "caller_hash": ""}
    elif table is CALL_EVENTS:
        document = decode_document(values["document"])
        if person.has_called(document.caller, document.caller_hash):
            document = msgspec.structs.replace(document, caller="", caller_hash="")
            changed["document"] = encode_document(document).decode()
        if values["holder"]:
            holder = _decode(values["holder"])
            names = _CLICKED[ASSIGNMENTS]
            if of_holder := _without_clicks(names, holder, person):
                changed["holder"] = _encode(holder | of_holder).decode()
    elif table is FITS and person.is_named_in(values["parameters"]):
        changed["parameters"] = ""
    return changed or None


def _without_clicks(
    names: tuple[str, ...], values: Mapping[str, Any], person: Person
) -> dict[str, str]:
    before = Clicked(*(values[name] for name in names))
    after = person.forgotten(before)
    return dict(zip(names, after, strict=False)) if after != before else {}


async def _write(
    connection: AsyncConnection, table: Table, values: dict[str, Any], changed: dict[str, Any]
) -> None:
    of_it = [column == values[column.name] for column in table.primary_key]
    if table is SOURCES:
        await _move(connection, Source(**values), changed["tuple"])
    elif table is FITS:  # it is made again
        await connection.execute(delete(table).where(*of_it))
    else:
        await connection.execute(update(table).where(*of_it).values(changed))


async def _move(connection: AsyncConnection, source: Source, tuple_: str) -> None:
    """Have all that came from a source come from the same with another tuple."""
    other = renamed(source, tuple_)
    new = insert(connection.dialect.name, SOURCES).values(msgspec.structs.asdict(other))
    await connection.execute(new.on_conflict_do_nothing())
    for table in _OF_SOURCES:
        of_it = table.c.account == source.account, table.c.source == source.id
        await connection.execute(update(table).where(*of_it).values(source=other.id))
    await connection.execute(delete(SOURCES).where(SOURCES.c.id == source.id))


def _shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """A row without what it hasn't, and with JSON as what it is."""
    return {
        name: _decode(value) if name in _JSON else value
        for name, value in values.items()
        if value not in ("", 0, None, False)
    }
