"""What the archive is to know of a pool or stock: assignments that ended, overflows, calls' events.

Scripts append it to a stream in the slot of the pool or stock (``lua/include/pool_ledger.lua``);
who archives it reads, writes and then trims, so that what is read twice was not written before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, cast

import msgspec
from msgspec import Raw, Struct

from allocator.answers import Holding
from allocator.keys import UNREAD_LEDGERS, pool_keys, stock_keys
from allocator.port import Store
from allocator.replies import HolderReply, string_bytes
from allocator.scripts import load

Kind = Literal["pool", "stock"]

MOST_MESSAGES = 20_000
"""That a ledger keeps; older ones are dropped then."""

_READ = {kind: load(f"{kind}/ledger") for kind in ("pool", "stock")}
_TRIM = {kind: load(f"{kind}/trim_ledger") for kind in ("pool", "stock")}
_UNREAD = load("unread_ledgers")
_KEYS = {"pool": pool_keys, "stock": stock_keys}


class AssignmentEnded(Struct, frozen=True, array_like=True, tag=1):
    """An assignment that ended: its number, and what the number's history has of it."""

    number: str
    holder: HolderReply

    @property
    def holding(self) -> Holding:
        """As callers take it."""
        holding = self.holder.holding(self.number)
        assert holding is not None  # it was somebody's
        return holding


class OverflowGiven(Struct, frozen=True, array_like=True, tag=2):
    """A visit that got no number of the pool's. ``number``: the overflow number, "" for none.

    ``at``: Unix ms. ``attributes``: of the click (JSON; "": none were told).
    """

    at: int
    tuple: str
    attributes: str
    number: str
    owner: str


class CallTold(Struct, frozen=True, array_like=True, tag=3):
    """An event of a call. ``overflow``: 1 when ``number`` is the pool's overflow number, else 0.

    ``resting``: where the number rested ("", quarantine, stock). ``document``: the event (JSON).
    ``holder``: who held the number when the call began; empty: nobody.
    """

    number: str
    overflow: int
    resting: str
    document: str
    holder: HolderReply

    @property
    def holding(self) -> Holding | None:
        """Who held the number; None: nobody."""
        return self.holder.holding(self.number)


Told = AssignmentEnded | OverflowGiven | CallTold


class Entry(Struct, frozen=True):
    """One entry of a ledger. ``place``: how many came before it, dropped ones included."""

    place: int
    at: int  # Unix ms: when it was appended
    told: Told


class LedgerPage(Struct, frozen=True):
    """The oldest entries of a ledger. ``trim``: the first id that stays when they are forgotten.

    ``spans``: of each message, the place of its first entry and of the one after its last.
    ``unreadable``: the places of entries that can't be decoded. A message that tells nothing of
    itself is left out, and so is a gap in the places.
    """

    entries: list[Entry]
    trim: str = ""
    spans: list[tuple[int, int]] = []
    unreadable: list[int] = []

    @property
    def begins(self) -> int:
        """The place of the first entry; 0 where there is none."""
        return self.spans[0][0] if self.spans else 0

    @property
    def ends(self) -> int:
        """The place after the last entry; 0 where there is none."""
        return self.spans[-1][1] if self.spans else 0

    def missing(self, read: int) -> int:
        """How many entries from the place ``read`` on are in no message.

        Those before it were counted when they were read. A pool that was made again counts its
        entries anew, behind what is left of its former self.
        """
        missing = ends = 0
        for begins, after in self.spans:
            if begins < ends:
                read = begins  # of a new pool
            missing += max(0, begins - max(read, ends))
            ends = after
        return missing

    def lost(self, read: int, unwritten: Iterable[int] = ()) -> int:
        """How many entries from ``read`` on nobody will ever see, counted once.

        ``unwritten``: the places of entries that can be read, and have no rows.
        """
        useless = [place for place in (*self.unreadable, *unwritten) if place >= read]
        return self.missing(read) + len(useless)


class Unread(Struct, frozen=True):
    """A ledger that should be read. ``noted``: how often that was said."""

    kind: Kind
    name: str
    noted: int


_decode_page = msgspec.msgpack.Decoder(list[tuple[str, Raw]]).decode
_decode_message = msgspec.msgpack.Decoder(list[int | Told]).decode
_decode_pieces = msgspec.msgpack.Decoder(list[Raw]).decode
_decode_place = msgspec.msgpack.Decoder(int).decode
_decode_told: Callable[[Raw], Told] = msgspec.msgpack.Decoder(Told).decode
_decode_noted = msgspec.msgpack.Decoder(list[str]).decode
_decode_left = msgspec.msgpack.Decoder(int).decode


class Ledgers:
    """The ledgers of a store's pools and stocks, deleted ones among them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, kind: Kind, name: str, messages: int = 200) -> LedgerPage:
        """Read the oldest messages of a ledger."""
        return page_of(await self.read_packed(kind, name, messages))

    async def read_packed(self, kind: Kind, name: str, messages: int = 200) -> bytes:
        """As ``read``, for ``page_of``: that takes a while, and may be done on another thread."""
        return await self._store.run(_READ[kind], _KEYS[kind](name), (messages,))

    async def trim(self, kind: Kind, name: str, trim: str) -> int:
        """Forget what comes before an id (``LedgerPage.trim``); returns how many messages stay."""
        return _decode_left(await self._store.run(_TRIM[kind], _KEYS[kind](name), (trim,)))

    async def note_unread(self, ledgers: Iterable[tuple[Kind, str]]) -> None:
        """Say that there is something in ledgers whose pools nobody may ask for numbers.

        Of a pool that is deleted before that is done; of one that took a call.
        """
        await self._unread(*(f"{kind}:{name}" for kind, name in ledgers))

    async def unread(self) -> list[Unread]:
        """Which ledgers that was said of."""
        return await self._unread()

    async def note_read(self, ledger: Unread) -> None:
        """Such a ledger was read to its end; what was said of it meanwhile stays."""
        await self._unread("read", f"{ledger.kind}:{ledger.name}", str(ledger.noted))

    async def _unread(self, *arguments: str) -> list[Unread]:
        reply = _decode_noted(await self._store.run(_UNREAD, (UNREAD_LEDGERS,), arguments))
        found: list[Unread] = []
        for each, noted in zip(reply[::2], reply[1::2], strict=True):
            kind, _, name = each.partition(":")
            found.append(Unread("stock" if kind == "stock" else "pool", name, int(noted)))
        return found


def page_of(packed: bytes) -> LedgerPage:
    """What ``Ledgers.read_packed`` has read. One entry that can't be decoded hides no other."""
    page = LedgerPage([], _trim_of(messages) if (messages := _decode_page(packed)) else "")
    for id_, message in messages:
        at = int(id_.partition("-")[0])
        try:
            before, told = _entries_of(string_bytes(message))
        except ValueError:
            continue
        for place, each in enumerate(told, before):
            if each is None:
                page.unreadable.append(place)
            else:
                page.entries.append(Entry(place, at, each))
        page.spans.append((before, before + len(told)))
    return page


def _trim_of(messages: list[tuple[str, Raw]]) -> str:
    at, _, sequence = messages[-1][0].partition("-")
    return f"{at}-{int(sequence) + 1}"


def _entries_of(message: bytes) -> tuple[int, Sequence[Told | None]]:
    """The place of a message's first entry, and the entries; None: it can't be decoded."""
    try:
        before, *told = _decode_message(message)
        if isinstance(before, int) and not any(isinstance(each, int) for each in told):
            return before, cast(list[Told | None], told)
    except ValueError:
        pass
    first, *pieces = _decode_pieces(message) or [Raw()]
    return _decode_place(first), [_told_or_none(each) for each in pieces]


def _told_or_none(piece: Raw) -> Told | None:
    try:
        return _decode_told(piece)
    except ValueError:
        return None
