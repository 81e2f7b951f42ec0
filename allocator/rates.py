"""So many a minute, counted in the store: over all processes together."""

from __future__ import annotations

import msgspec

from allocator.keys import rate_key
from allocator.port import Store
from allocator.scripts import load

_RATE = load("rate")
_decode = msgspec.msgpack.Decoder(int).decode


class Rates:
    """Counts by name. One that isn't counted for a minute is forgotten."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def count(self, name: str, most: int) -> int:
        """Count one of ``most`` a minute (1 at least), of which a minute's worth may come at once.

        Returns 0, or in how many ms there is one to be had: then it wasn't counted. Raises
        StoreUnavailable.
        """
        return _decode(await self._store.run(_RATE, (rate_key(name),), (most,)))
