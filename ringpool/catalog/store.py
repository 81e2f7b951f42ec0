"""The catalog's keys and scripts: one method a script (``lua/*.lua``).

Everything lies in the slot ``{ringpool}``. Methods that take a ``token`` change something and
raise LockLost when the writer with that token isn't the one in charge any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from allocator.answers import Departure, Holding
from allocator.keys import CATALOG
from allocator.port import Argument, Store
from allocator.replies import HolderReply
from allocator.scripts import Script, load

_STATE = load("state", "ringpool.catalog")
_LOCK = load("lock", "ringpool.catalog")
_UNLOCK = load("unlock", "ringpool.catalog")
_STAGE = load("stage", "ringpool.catalog")
_COMMIT = load("commit", "ringpool.catalog")
_NEXT = load("next", "ringpool.catalog")
_CLAIM = load("claim", "ringpool.catalog")
_LIST = load("list", "ringpool.catalog")
_PUBLISH = load("publish", "ringpool.catalog")
_DOCUMENTS = load("documents", "ringpool.catalog")
_NUMBERS = load("numbers", "ringpool.catalog")
_OWNERS = load("owners", "ringpool.catalog")
_HISTORIES = load("histories", "ringpool.catalog")
_FORGET = load("forget", "ringpool.catalog")
_DEPARTED = load("departed", "ringpool.catalog")
_HOLDER = load("holder", "ringpool.catalog")
_SERVER = load("server", "ringpool.catalog")

_NAMES = ("state", "lock", "documents", "owners", "histories", "departed", "plan")
_KEYS = tuple(f"{CATALOG}catalog-{name}" for name in _NAMES)

_LEAVING = "/leaving"
_DOCUMENTS_A_PAGE = 500
_CHUNKS_A_PAGE = 50
_NUMBERS_A_CALL = 1000

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
_holder = msgspec.msgpack.Decoder(HolderReply).decode
_raws = msgspec.msgpack.Decoder(list[Raw]).decode


class LockLost(Exception):
    """Another writer took over. What was committed is carried out, by that one."""


class CatalogState(NamedTuple):
    """``planned``: steps of a change under way (0: none), of which ``done`` are carried out."""

    revision: int
    planned: int
    done: int
    locked: bool


class Owner(NamedTuple):
    """Whose a number is. ``kind``: ``pool`` or ``stock``. ``leaving``: until it has drained."""

    kind: str
    id: str
    leaving: bool = False

    @classmethod
    def parse(cls, text: str) -> Owner:
        """Read ``pool/ad-placement`` or ``pool/ad-placement/leaving``."""
        kind, _, rest = text.partition("/")
        return cls(kind, rest.removesuffix(_LEAVING), rest.endswith(_LEAVING))

    def __str__(self) -> str:
        return f"{self.kind}/{self.id}"


class CatalogStore:
    """The catalog in a store; every method raises StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def state(self) -> CatalogState:
        """Look at the catalog without changing it."""
        revision, planned, done, locked = await self._run(_STATE)
        return CatalogState(revision, planned, done, locked == 1)

    async def lock(self, token: str) -> bool:
        """Try to become the one writer."""
        return bool(await self._run(_LOCK, token))

    async def unlock(self, token: str) -> None:
        """Stop being the writer."""
        await self._run(_UNLOCK, token)

    async def stage(self, token: str, before: int, steps: Sequence[bytes]) -> None:
        """Write steps of a plan after the ``before`` that are staged already."""
        await self._held(_STAGE, token, before, *steps)

    async def commit(self, token: str, steps: int) -> None:
        """Put the staged plan in force."""
        await self._held(_COMMIT, token, steps)

    async def next_step(self, token: str, done: int | None = None) -> tuple[int, str] | None:
        """Note what is done; return the next step and its place, None when none is left."""
        reply = await self._run(_NEXT, token, "" if done is None else done)
        if reply is False:
            raise LockLost
        return (reply[0], reply[1]) if reply else None

    async def claim(
        self, token: str, owner: str, numbers: Sequence[str], *, leaving: bool = False
    ) -> None:
        """Make ``owner`` the owner of numbers, or note that they are leaving it."""
        await self._held(_CLAIM, token, owner, _LEAVING if leaving else "", *numbers)

    async def write_list(self, token: str, owner: str, texts: Mapping[int, str]) -> None:
        """Write chunks of an owner's list of numbers."""
        values = [value for pair in texts.items() for value in pair]
        await self._held(_LIST, token, *values, more_keys=(_list_key(owner),))

    async def publish(self, token: str, revision: int, documents: Mapping[str, str]) -> None:
        """Write documents ("" removes one) and the revision that has them."""
        values = [value for pair in documents.items() for value in pair]
        await self._held(_PUBLISH, token, revision, *values)

    async def documents(self) -> tuple[int, dict[str, str]]:
        """Return the revision and every document of it."""
        return await self._whole(_DOCUMENTS, _DOCUMENTS_A_PAGE, ())

    async def list_of(self, owner: str) -> dict[str, str]:
        """Return the chunks of an owner's list of numbers."""
        _, chunks = await self._whole(_NUMBERS, _CHUNKS_A_PAGE, (_list_key(owner),))
        return chunks

    async def owners(self, numbers: Sequence[str]) -> dict[str, Owner]:
        """Return who owns numbers; those that nobody owns are left out."""
        found: dict[str, Owner] = {}
        for piece in _pieces(numbers):
            for number, owner in zip(piece, await self._run(_OWNERS, *piece), strict=True):
                if owner:
                    found[number] = Owner.parse(owner)
        return found

    async def histories(self, numbers: Sequence[str]) -> list[Raw]:
        """Return the packed former holders of numbers that nobody owned (packed "": none)."""
        return _raws(await self._store.run(_HISTORIES, _KEYS, numbers))

    async def forget(self, token: str, numbers: Sequence[str]) -> None:
        """Drop histories that went with their numbers into a pool."""
        await self._held(_FORGET, token, *numbers)

    async def departed(self, owner: str, departures: Sequence[Departure]) -> int:
        """End the ownership of numbers that have left; returns how many were leaving."""
        entries = [
            (departure.number, departure.left, departure.history) for departure in departures
        ]
        ended: int = await self._run(_DEPARTED, owner, _encode(entries))
        return ended

    async def holder(self, number: str, at_ms: int) -> Holding | None:
        """Return who held a number at a time before it left its last pool."""
        return _holder(await self._store.run(_HOLDER, _KEYS, (number, at_ms))).holding(number)

    async def server(self) -> tuple[int, dict[str, str]]:
        """Return the clock (Unix ms) and the INFO of the server that keeps the catalog."""
        clock, text = await self._run(_SERVER)
        lines = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
        return clock, {name: value for name, _, value in lines if name}

    async def _whole(
        self, script: Script, page: int, more_keys: tuple[str, ...]
    ) -> tuple[int, dict[str, str]]:
        """Read every page, anew when the catalog changed in between."""
        while True:
            first, cursor, values = await self._run(script, "0", page, more_keys=more_keys)
            revision = first
            while cursor != "0" and revision == first:
                revision, cursor, further = await self._run(
                    script, cursor, page, more_keys=more_keys
                )
                values += further
            if revision == first:
                return revision, dict(zip(values[::2], values[1::2], strict=True))

    async def _held(
        self, script: Script, token: str, *args: Argument, more_keys: tuple[str, ...] = ()
    ) -> None:
        if not await self._run(script, token, *args, more_keys=more_keys):
            raise LockLost

    async def _run(self, script: Script, *args: Argument, more_keys: tuple[str, ...] = ()) -> Any:
        return _decode(await self._store.run(script, (*_KEYS, *more_keys), args))


def _list_key(owner: str) -> str:
    return f"{CATALOG}catalog-list:{owner}"


def _pieces(numbers: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(numbers), _NUMBERS_A_CALL):
        yield numbers[start : start + _NUMBERS_A_CALL]
