"""Keys as plain values, to be written into a store of another kind or version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from allocator.keys import is_sorted, pool_keys, stock_keys
from allocator.port import Store
from allocator.scripts import load

_READ = load("copy/read")
_WRITE = load("copy/write")
_CLEAR = load("copy/clear")

_decode = msgspec.msgpack.Decoder(list[list[msgspec.Raw]]).decode


class Copied(NamedTuple):
    """A key or a part of it. ``kind``: ``hash`` or ``zset``. ``values``: field and value, or
    member and score, in turns."""

    key: str
    kind: str
    values: list[bytes]


async def read_pool(store: Store, pool_id: str) -> list[Copied]:
    """Return all keys of a pool as they are at one moment; raises StoreUnavailable."""
    return await read_keys(store, pool_keys(pool_id))


async def read_stock(store: Store, stock_id: str) -> list[Copied]:
    """Return all keys of a stock as they are at one moment; raises StoreUnavailable."""
    return await read_keys(store, stock_keys(stock_id))


async def read_keys(store: Store, keys: Sequence[str]) -> list[Copied]:
    """Return keys of one slot as they are at one moment; raises StoreUnavailable."""
    kinds = ["zset" if is_sorted(key) else "hash" for key in keys]
    found = _decode(await store.run(_READ, keys, kinds))
    return [
        Copied(key, kind, [_bytes(value) for value in values])
        for key, kind, values in zip(keys, kinds, found, strict=True)
    ]


async def write(store: Store, copied: Copied) -> None:
    """Write a key or a part of it; may be repeated. Raises StoreUnavailable."""
    await store.run(_WRITE, (copied.key,), (copied.kind, *copied.values))


async def clear(store: Store, keys: Sequence[str]) -> None:
    """Remove keys of one slot; raises StoreUnavailable."""
    await store.run(_CLEAR, keys)


def _bytes(raw: msgspec.Raw) -> bytes:
    """A packed string's bytes: Lua's strings needn't be UTF-8, and msgspec would refuse those."""
    data = bytes(raw)
    first = data[0]
    if 0xA0 <= first <= 0xBF:
        return data[1:]
    return data[1 + {0xD9: 1, 0xDA: 2, 0xDB: 4}[first] :]
