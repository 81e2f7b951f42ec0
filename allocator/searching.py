"""Texts found in the values of a store's keys, and such values replaced."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from allocator.keys import pool_keys
from allocator.port import Store
from allocator.replies import string_bytes
from allocator.scripts import load

_SEARCH = load("copy/search")
_REPLACE = load("copy/replace")
_RENAME = load("pool/rename_tuple")
_ENTRIES_A_PAGE = 500


class Hit(NamedTuple):
    """Of a hash a field and its value, of a stream an id and what it has, of a list and of a
    string "" and the value, of a sorted set a member and "".
    """

    field: bytes
    value: bytes


class _Page(Struct, frozen=True, array_like=True):
    cursor: str
    rows: list[tuple[Raw, Raw]]


_decode = msgspec.msgpack.Decoder(_Page).decode
_done = msgspec.msgpack.Decoder(int).decode


async def search(store: Store, key: str, texts: Sequence[bytes]) -> AsyncIterator[list[Hit]]:
    """Yield what of a key contains one of the texts, page by page, some of it twice.

    What is there all the time comes once at least; of a sorted set that changes meanwhile, a member
    may be passed over. Raises StoreUnavailable.
    """
    cursor = "0"
    while True:
        page = _decode(await store.run(_SEARCH, (key,), (cursor, _ENTRIES_A_PAGE, *texts)))
        yield [Hit(string_bytes(field), string_bytes(value)) for field, value in page.rows]
        cursor = page.cursor
        if cursor == "0":
            return


async def replace(store: Store, key: str, hit: Hit, value: bytes) -> bool:
    """Put a value in the place of one of a hash or short list; False if it is another by now.

    Raises StoreUnavailable, and can be repeated.
    """
    return bool(_done(await store.run(_REPLACE, (key,), (hit.field, hit.value, value))))


async def rename_tuple(store: Store, pool_id: str, tuple_: str, other: str) -> bool:
    """Have a tuple's number be another tuple's, which no visit may have; its clicks are blank then.

    False if the tuple has no number, or the other one has one. Raises StoreUnavailable.
    """
    arguments = (tuple_.encode(), other.encode())
    return bool(_done(await store.run(_RENAME, pool_keys(pool_id), arguments)))
