"""The catalog's keys and scripts (``lua/*.lua``).

Everything is in the hash slot of ``{ringpool}``. Methods that take a ``token`` change something,
and raise LockLost when the writer with that token doesn't have the lock any more.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from allocator.answers import Departure, Holding
from allocator.copying import Row, Table, with_score
from allocator.keys import CATALOG
from allocator.port import Argument, Store
from allocator.replies import HolderReply
from allocator.scripts import Script, load, looking
from ringpool.catalog import layout

_STATE = load("state", "ringpool.catalog")
_LOCK = load("lock", "ringpool.catalog")
_UNLOCK = load("unlock", "ringpool.catalog")
_STAGE = load("stage", "ringpool.catalog")
_COMMIT = load("commit", "ringpool.catalog")
_NEXT = load("next", "ringpool.catalog")
_CLAIM = load("claim", "ringpool.catalog")
_WRITE = load("write", "ringpool.catalog")
_PAGE = load("page", "ringpool.catalog")
_LOOKUP = load("lookup", "ringpool.catalog")
_FORGET = load("forget", "ringpool.catalog")
_PASTS = load("pasts", "ringpool.catalog")
_END_OWNERSHIP = load("departed", "ringpool.catalog")
_HOLDER = load("holder", "ringpool.catalog")
_CLOCK = load("clock", "ringpool.catalog")
_VERSIONS_OF = load("versions", "ringpool.catalog")
_PUBLISH = load("publish", "ringpool.catalog")
_CHANGES = load("changes", "ringpool.catalog")
_INDEXES = load("indexes", "ringpool.catalog")
_LOOK_AT_INDEXES = looking(_INDEXES)
_COUNT_LOG = load("count_log", "ringpool.catalog")
_DETAILS = load("details", "ringpool.catalog")
_LAYOUT = load("layout", "ringpool.catalog")

_NAMES = ("state", "lock", "documents", "owners", "histories", "departed", "plan", "versions")
_KEYS = tuple(f"{CATALOG}catalog-{name}" for name in _NAMES)
_, _, _DOCUMENTS, _OWNERS, _HISTORIES, _DEPARTED, _, _VERSIONS = _KEYS
_LOG, _LOG_DETAILS = f"{CATALOG}catalog-changes", f"{CATALOG}catalog-details"

_LEAVING = "/leaving"
_DOCUMENTS_A_PAGE = 500
_CHUNKS_A_PAGE = 50
_OWNERS_A_PAGE = 500
_NUMBERS_A_CALL = 1000
_RENEW_SECONDS = 5.0

MAX_CHANGES = 50_000
"""Entries of the audit log that are kept."""

MAX_CHANGES_BYTES = 32 * 1024 * 1024
"""Bytes that they may have together, and so may their details."""

CHANGES_KEPT_MS = 400 * 86_400_000

_BYTES_A_PAGE = 1024 * 1024

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
_holder = msgspec.msgpack.Decoder(HolderReply).decode
_pasts = msgspec.msgpack.Decoder(list[Departure]).decode


class LockLost(Exception):
    """Another writer took over. It carries out what was committed."""


class CatalogState(NamedTuple):
    """``planned``: steps of the change under way (0: none), of which ``done`` are carried out.

    ``layout``: of the keys (``ringpool.catalog.layout``); 0: none is written down.
    """

    revision: int
    planned: int
    done: int
    locked: bool
    layout: int


class Claimed(NamedTuple):
    """Numbers that are an owner's (``pool/ad-placement``), or are about to leave it."""

    owner: str
    numbers: Sequence[str]
    leaving: bool = False


class LogPage(NamedTuple):
    """Entries of the audit log, as (revision, Unix ms, JSON), the newest first.

    ``following``: the revision from which to go on; 0: there are no more. ``since``: the revision
    that made the account that was named; 0: it isn't known.
    """

    entries: list[tuple[int, int, str]]
    following: int
    since: int


class IndexPage(NamedTuple):
    """A page of an index. ``found``: (field, what is wrong).

    ``sizes``: (revision, bytes) of the log's entries. ``counters``: first change and bytes, first
    detail and bytes of it, as they are counted.
    """

    cursor: str
    found: list[tuple[str, str]]
    sizes: list[tuple[str, int]]
    counters: list[int]
    revision: int


class Owner(NamedTuple):
    """What a number belongs to. ``kind``: ``pool`` or ``stock``. ``leaving``: it is draining."""

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
        """Return the state of the catalog; raises NewerLayout."""
        state = await self.any_state()
        if state.layout > layout.LAYOUT:
            raise layout.NewerLayout(state.layout)
        return state

    async def write_layout(self, found: int, token: str = "") -> None:
        """Write down the keys' layout; without a ``token`` only if none is written."""
        await self._with_lock(_LAYOUT, token, found)

    async def lock(self, token: str) -> bool:
        """Try to become the only writer; False while another one is."""
        return bool(await self._run(_LOCK, token))

    async def unlock(self, token: str) -> None:
        """Stop being the writer."""
        await self._run(_UNLOCK, token)

    async def any_state(self) -> CatalogState:
        """Return the state of the catalog, whichever layout it has."""
        revision, planned, done, locked, found = await self._run(_STATE)
        return CatalogState(revision, planned, done, locked == 1, found)

    async def stage(self, token: str, before: int, steps: Sequence[bytes]) -> None:
        """Write steps of a plan; ``before`` are staged already."""
        await self._with_lock(_STAGE, token, before, *steps)

    async def commit(self, token: str, steps: int) -> None:
        """Put the staged plan in force."""
        await self._with_lock(_COMMIT, token, steps)

    async def next_steps(
        self, token: str, most: int, done: int | None = None
    ) -> tuple[int, int, list[str]] | None:
        """Note how many steps are done; return that, how many there are, and the next ones' texts.

        None after the last.
        """
        reply = await self._run(_NEXT, token, "" if done is None else done, most)
        if reply is False:
            raise LockLost
        return (reply[0], reply[1], reply[2]) if reply else None

    async def renew(self, token: str) -> None:
        """Keep the lock for another 30 s."""
        await self.next_steps(token, 0)

    async def claim(
        self, token: str, owner: str, numbers: Sequence[str], *, leaving: bool = False
    ) -> None:
        """Make ``owner`` the owner of numbers, or mark them as leaving it."""
        await self.claim_all(token, [Claimed(owner, numbers, leaving)])

    async def claim_all(self, token: str, claims: Iterable[Claimed]) -> None:
        """Do the same of many owners in one call."""
        words: list[Argument] = []
        for owner, numbers, leaving in claims:
            words += [owner, _LEAVING if leaving else "", len(numbers), *numbers]
        await self._with_lock(_CLAIM, token, *words)

    async def write_list(self, token: str, owner: str, texts: Mapping[int, str]) -> None:
        """Write chunks of an owner's list of numbers."""
        await self.write_lists(token, [(owner, texts)])

    async def write_lists(self, token: str, lists: Sequence[tuple[str, Mapping[int, str]]]) -> None:
        """Do the same of many owners in one call."""
        words: list[Argument] = []
        for _, texts in lists:
            words += [len(texts), *_flat(texts)]
        keys = [_list_key(owner) for owner, _ in lists]
        await self._with_lock(_WRITE, token, *words, hash_keys=keys)

    async def publish(
        self,
        token: str,
        revision: int,
        documents: Mapping[str, str],
        entry: str = "",
        details: str = "",
        account: str = "",
    ) -> None:
        """Write documents ("" removes one), the revision that has them, and the log's entry on it.

        ``account``: whose key made the change, "" if none did. Each document gets a new version,
        one that no other change gave.
        """
        bounds = (MAX_CHANGES, MAX_CHANGES_BYTES, MAX_CHANGES_BYTES, CHANGES_KEPT_MS)
        await self._with_lock(
            _PUBLISH,
            token,
            *(revision, entry, details, *bounds, account, *_flat(documents)),
            hash_keys=(_LOG, _LOG_DETAILS),
        )

    async def changes(self, newest: int | None, most: int, account: str = "") -> LogPage:
        """Return entries of the audit log, from a revision (None: the last) downwards."""
        since, following, found = await self._run(
            *(_CHANGES, "" if newest is None else newest, most, _BYTES_A_PAGE, account),
            hash_keys=(_LOG,),
        )
        entries = []
        for revision, text in zip(found[::2], found[1::2], strict=True):
            at, _, entry = text.partition(" ")
            entries.append((revision, int(at), entry))
        return LogPage(entries, following, since)

    async def wrote(self, account: str) -> tuple[int, int]:
        """Return the last day (of Unix time) of an account's changes, and their bytes that day."""
        (text,) = await self._run(_LOOKUP, f"wrote/account/{account}", hash_keys=(_LOG,))
        day, _, size = text.partition(" ")
        return int(day or 0), int(size or 0)

    async def details(self, revision: int) -> str:
        """Return what was too long for a change's entry; "" where none is kept."""
        details: str = await self._run(_DETAILS, revision, hash_keys=(_LOG_DETAILS,))
        return details

    async def documents(self) -> tuple[int, dict[str, str]]:
        """Return the revision and every document of it."""
        return await self._whole(_DOCUMENTS, _DOCUMENTS_A_PAGE)

    async def versions(self, names: Sequence[str]) -> tuple[int, list[str]]:
        """Return the revision, and the versions that documents have in it ("": none is kept)."""
        revision, versions = await self._run(_VERSIONS_OF, *names)
        return revision, list(versions)

    async def list_of(self, owner: str) -> dict[str, str]:
        """Return the chunks of an owner's list of numbers."""
        _, chunks = await self._whole(_list_key(owner), _CHUNKS_A_PAGE)
        return chunks

    async def owners(self, numbers: Sequence[str]) -> dict[str, Owner]:
        """Return the owners of numbers; numbers without an owner are left out."""
        found: dict[str, Owner] = {}
        for piece in _pieces(numbers):
            reply = await self._run(_LOOKUP, *piece, hash_keys=(_OWNERS,))
            for number, owner in zip(piece, reply, strict=True):
                if owner:
                    found[number] = Owner.parse(owner)
        return found

    async def audit_page(self, part: str, cursor: str, limit: int, token: str = "") -> IndexPage:
        """Audit a page of an index (``lua/indexes.lua``); with a ``token`` mend it."""
        reply = await self._run(
            *(_INDEXES if token else _LOOK_AT_INDEXES, token, part, cursor, limit),
            hash_keys=(_LOG, _LOG_DETAILS),
        )
        if reply is False:
            raise LockLost
        return IndexPage(*reply)

    async def count_log(self, token: str, counters: Mapping[str, int]) -> None:
        """Write the log's counters as they were counted."""
        await self._with_lock(_COUNT_LOG, token, *_flat({k: str(v) for k, v in counters.items()}))

    async def owner_pages(self) -> AsyncIterator[dict[str, Owner]]:
        """Yield the owners of all numbers, page by page."""
        cursor = ""
        while cursor != "0":
            _, cursor, values = await self._run(
                *(_PAGE, cursor or "0", _OWNERS_A_PAGE), hash_keys=(_OWNERS,)
            )
            pairs = zip(values[::2], values[1::2], strict=True)
            yield {number: Owner.parse(text) for number, text in pairs}

    async def pasts(self, numbers: Sequence[str]) -> dict[str, Departure]:
        """Return what is known of numbers that had no owner: when they left their last, and whose
        they were."""
        found: dict[str, Departure] = {}
        for piece in _pieces(numbers):
            for past in _pasts(await self._store.run(_PASTS, _KEYS, piece)):
                found[past.number] = past
        return found

    async def forget(self, token: str, numbers: Sequence[str]) -> None:
        """Drop histories that went with their numbers into a pool."""
        for piece in _pieces(numbers):
            await self._with_lock(_FORGET, token, *piece)

    async def departed(self, owner: str, departures: Sequence[Departure]) -> int:
        """End the ownership of numbers that have left; return how many were leaving."""
        return await self._departed(owner, departures, ends=True)

    async def note_pasts(self, owner: str, departures: Sequence[Departure]) -> None:
        """Note what is known of numbers that are about to leave, and are their owner's still."""
        if departures:
            await self._departed(owner, departures, ends=False)

    async def _departed(self, owner: str, departures: Sequence[Departure], *, ends: bool) -> int:
        entries = [
            (departure.number, departure.left, departure.history) for departure in departures
        ]
        ended: int = await self._run(_END_OWNERSHIP, owner, _encode(entries), int(ends))
        return ended

    async def holder(self, number: str, at_ms: int) -> Holding | None:
        """Return who held a number at a time before it left its last pool."""
        return _holder(await self._store.run(_HOLDER, _KEYS, (number, at_ms))).holding(number)

    async def clock(self) -> int:
        """Return the clock (Unix ms) of the server that keeps the catalog."""
        clock: int = await self._run(_CLOCK)
        return clock

    async def _whole(self, hash_key: str, page: int) -> tuple[int, dict[str, str]]:
        """Read every page of a hash; begins again when the catalog changed in between."""
        while True:
            first, cursor, values = await self._run(_PAGE, "0", page, hash_keys=(hash_key,))
            revision = first
            while cursor != "0" and revision == first:
                revision, cursor, further = await self._run(
                    _PAGE, cursor, page, hash_keys=(hash_key,)
                )
                values += further
            if revision == first:
                return revision, dict(zip(values[::2], values[1::2], strict=True))

    async def _with_lock(
        self, script: Script, token: str, *args: Argument, hash_keys: Sequence[str] = ()
    ) -> None:
        """Run a script that needs the lock; raises LockLost."""
        if not await self._run(script, token, *args, hash_keys=hash_keys):
            raise LockLost

    async def _run(self, script: Script, *args: Argument, hash_keys: Sequence[str] = ()) -> Any:
        """Run a script and decode its reply. ``hash_keys``: what it works on, from KEYS[9] on."""
        return _decode(await self._store.run(script, (*_KEYS, *hash_keys), args))


class LockKeeper:
    """Keeps a writer's lock, and makes sure of it, over work that takes longer than it lasts."""

    def __init__(self, store: CatalogStore, token: str) -> None:
        self._store = store
        self._token = token
        self._renewed = time.monotonic()

    async def keep(self) -> None:
        """Called between any two calls of the work. Raises StoreUnavailable, LockLost."""
        if time.monotonic() - self._renewed > _RENEW_SECONDS:
            await self._store.renew(self._token)
            self._renewed = time.monotonic()


STATE_TABLE = Table(_KEYS[0])
DOCUMENTS_TABLE = Table(_DOCUMENTS)
OWNERS_TABLE = Table(_OWNERS)


def copied_tables(owners: Iterable[str]) -> list[Table]:
    """Return what a backup has of the catalog but its state, in the order in which it is read.

    Numbers that leave meanwhile are then with their owner, in the histories or with both, as after
    a crash in between. ``owners``: all there are (``pool/…``, ``stock/…``).
    """
    lists = [Table(_list_key(owner)) for owner in owners]
    histories = with_score(_HISTORIES, _DEPARTED)
    kept = (Table(_VERSIONS), *lists, OWNERS_TABLE, histories, Table(_LOG), Table(_LOG_DETAILS))
    return [DOCUMENTS_TABLE, *kept]


def leaving(row: Row) -> bool:
    """Whether a row of ``OWNERS_TABLE`` says that its number is leaving."""
    return row[1].endswith(_LEAVING.encode())


def _flat(fields: Mapping[Any, str]) -> list[Any]:
    return [value for pair in fields.items() for value in pair]


_LIST = f"{CATALOG}catalog-list:"


def _list_key(owner: str) -> str:
    return f"{_LIST}{owner}"


def list_owner(key: str) -> str | None:
    """Return the owner (``pool/…``, ``stock/…``) whose list a key is; None: it isn't one."""
    return key.removeprefix(_LIST) if key.startswith(_LIST) else None


def is_catalog_key(key: str) -> bool:
    """Whether the catalog has this key, lists of numbers apart."""
    return key in (*_KEYS, _LOG, _LOG_DETAILS)


def _pieces(numbers: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(numbers), _NUMBERS_A_CALL):
        yield numbers[start : start + _NUMBERS_A_CALL]
