"""What the archive is to know of a pool or stock: assignments that ended, overflows, calls' events.

Scripts append it to a stream in the slot of the pool or stock (``lua/include/pool_ledger.lua``);
who archives it reads, writes and then trims, so that what is read twice was not written before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

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

    ``begins``: the place of the first entry; ``ends``: of the one after the last. Both 0 where the
    ledger is empty. ``gaps``: how many entries are missing between its messages.
    """

    entries: list[Entry]
    trim: str
    begins: int = 0
    ends: int = 0
    gaps: int = 0


class Unread(Struct, frozen=True):
    """A ledger that should be read. ``noted``: how often that was said."""

    kind: Kind
    name: str
    noted: int


_decode_page = msgspec.msgpack.Decoder(list[tuple[str, Raw]]).decode
_decode_message = msgspec.msgpack.Decoder(list[int | Told]).decode
_decode_noted = msgspec.msgpack.Decoder(list[str]).decode
_decode_left = msgspec.msgpack.Decoder(int).decode


class Ledgers:
    """The ledgers of a store's pools and stocks, deleted ones among them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, kind: Kind, name: str, messages: int = 200) -> LedgerPage:
        """Read the oldest messages of a ledger."""
        reply = await self._store.run(_READ[kind], _KEYS[kind](name), (messages,))
        entries: list[Entry] = []
        begins = ends = gaps = 0
        trim = ""
        for id_, packed in _decode_page(reply):
            before, *told = _decode_message(string_bytes(packed))
            assert isinstance(before, int)
            at, _, sequence = id_.partition("-")
            if not trim:
                begins = ends = before
            # A pool that was made again counts anew, behind what is left of its former self.
            gaps += max(0, before - ends)
            entries += [
                Entry(place, int(at), each)
                for place, each in enumerate(told, before)
                if not isinstance(each, int)
            ]
            ends, trim = before + len(told), f"{at}-{int(sequence) + 1}"
        return LedgerPage(entries, trim, begins, ends, gaps)

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
