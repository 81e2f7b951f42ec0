"""Traces of a person in the store: found in every key, and taken out without breaking a guarantee.

A value is replaced only as it was read, so what scripts do meanwhile stays. Who has a number keeps
it until its guarantee is over, as a tuple that no visit has; so nobody else gets it before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from allocator import packed_holders
from allocator.allocator import Allocator
from allocator.answers import Holding
from allocator.keys import EVERY_KEY, pool_keys, stock_keys
from allocator.ledger import Ledgers
from allocator.orphans import place_of
from allocator.packed_holders import Change, Holder
from allocator.port import NotPermitted, ScannedStore
from allocator.replies import UnknownPool
from allocator.searching import Hit, rename_tuple, replace, search
from ringpool.catalog.catalog import Catalog
from ringpool.privacy.person import CUT, FORGOTTEN, Clicked, Person
from ringpool.privacy.traces import Trace
from ringpool.visits import tuples

_PACKED: dict[str, Callable[[bytes, Change], bytes]] = {
    "history": packed_holders.in_history,
    "outbox": packed_holders.in_outbox,
    "calls": packed_holders.in_call,
    "refusals": packed_holders.in_refusal,
}
_OF_CALLERS = ("ledger", "calls", "clicks", "history", "outbox", "refusals")
"""Where a caller's number may be found; elsewhere it is a number of the service's own."""

_attributes = msgspec.json.Decoder(dict[str, Any]).decode


class Keys(NamedTuple):
    """``whole``: the store's user may look for keys, so none is missing."""

    names: list[str]
    whole: bool


class Found(NamedTuple):
    """``traces``: what is theirs. ``left``: where they are named, and what it is isn't known."""

    traces: list[Trace]
    left: list[Trace]


async def keys_of(store: ScannedStore, catalog: Catalog) -> Keys:
    """Return every key; where the user may not SCAN, those of pools and stocks that are known."""
    try:
        return Keys(sorted({key async for page in store.scan(EVERY_KEY) for key in page}), True)
    except NotPermitted:
        _, known = await catalog.entities()
        pools = {pool.id for pool in known.pools}
        stocks = {stock.id for stock in known.stocks}
        for ledger in await Ledgers(store).unread():
            (pools if ledger.kind == "pool" else stocks).add(ledger.name)
        names = [key for pool in pools for key in pool_keys(pool)]
        return Keys(names + [key for stock in stocks for key in stock_keys(stock)], False)


async def look(
    store: ScannedStore, allocator: Allocator, keys: Keys, person: Person, *, remove: bool = False
) -> Found:
    """Find a person in these keys, and take out what is theirs. Raises StoreUnavailable.

    What is in ledgers is *left*: the archive reads it.
    """
    found = Found([], [])
    for key in keys.names:
        place, name = place_of(key), key.rpartition(":")[2]
        if person.kind == "caller" and not (place.id and name in _OF_CALLERS):
            continue
        where = f"{place.kind} {place.id}: {name}" if place.id else key
        async for hit in _hits(store, key, name, person):
            if name == "tuples" and person.has_tuple(_text(hit.field)):
                what = [await _holder(allocator, place.id, hit)]
                if remove:
                    await _rename(store, place.id, hit, person)
            else:
                value, what = _without(name, hit, person)
                if what and remove:
                    await replace(store, key, hit, value)
            found.traces.extend(Trace("store", where, each) for each in what)
            if not what and any(person.is_named_in(_text(text)) for text in hit):
                found.left.append(Trace("store", where, {"field": _text(hit.field)}))
    return found


async def _holder(allocator: Allocator, pool_id: str, hit: Hit) -> dict[str, Any]:
    """Who has a number. ``hit``: of TUPLES."""
    tuple_, number = map(_text, hit)
    with suppress(UnknownPool):
        holding = await allocator.holder(pool_id, number)
        if holding is not None and holding.tuple == tuple_:
            return _plain(holding)
    return {"number": number, "tuple": tuples.parse(tuple_)}


async def _rename(store: ScannedStore, pool_id: str, hit: Hit, person: Person) -> None:
    """Have their number be nobody's that is known, until its guarantee is over."""
    tuple_, number = map(_text, hit)
    other = person.renamed(tuple_, f"{FORGOTTEN}.{number.lstrip('+')}")
    await rename_tuple(store, pool_id, tuple_, other)


async def _hits(store: ScannedStore, key: str, name: str, person: Person) -> AsyncIterator[Hit]:
    texts = [text.encode() for text in person.texts]
    if name == "refusals":  # tuples are cut off there
        texts.append(CUT.encode())
    seen: set[Hit] = set()
    async for page in search(store, key, texts):
        for hit in page:
            if hit not in seen:
                seen.add(hit)
                yield hit


def _without(name: str, hit: Hit, person: Person) -> tuple[bytes, list[dict[str, Any]]]:
    """A value without what is theirs, and what that was."""
    what: list[dict[str, Any]] = []
    number = _text(hit.field).partition(":")[0]

    def change(holder: Holder) -> Holder:
        before = Clicked(_text(holder.tuple), _text(holder.first), _text(holder.last))
        after = person.forgotten(before)
        if after == before:
            return holder
        what.append(_held(number if name != "calls" else "", holder, before))
        tuple_, first, last = map(_bytes, after)
        return holder._replace(tuple=tuple_, first=first, last=last)

    try:
        if name == "clicks":
            if not person.has_clicked(_text(hit.value)):
                return hit.value, []
            kind = "last_click" if hit.field.endswith(b":l") else "first_click"
            return b"{}", [{"number": number, kind: _attributes(hit.value)}]
        if name in _PACKED:
            return _PACKED[name](hit.value, change), what
    except ValueError:  # nobody can read it
        pass
    return hit.value, []


def _held(number: str, holder: Holder, clicked: Clicked) -> dict[str, Any]:
    known: dict[str, Any] = {"number": number, "tuple": tuples.parse(clicked.tuple)}
    for name, click in (("first_click", clicked.first), ("last_click", clicked.last)):
        known[name] = _attributes(click) if click else {}
    known |= {"since": holder.since, "until": holder.until}
    return {name: value for name, value in known.items() if value}


def _plain(holding: Holding) -> dict[str, Any]:
    clicked = Clicked(holding.tuple, holding.first_click.decode(), holding.last_click.decode())
    holder = Holder(b"", since=holding.since)
    return _held(holding.number, holder, clicked) | {
        "guaranteed_until": holding.guaranteed_until,
        "clicks": holding.clicks,
        "calls": holding.calls,
    }


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
