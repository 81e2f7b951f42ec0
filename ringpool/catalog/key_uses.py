"""When API keys were last used: beside the configuration, so that it costs no revision of it.

A request only notes its key in memory. What was noted is written a few times a minute, and the
store takes it once a minute for each key. It forgets a key that wasn't used for 400 days.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from allocator.keys import CATALOG
from allocator.port import Store, StoreUnavailable
from allocator.scripts import load

_USED = load("key_used", "ringpool.catalog")
_USES = load("key_uses", "ringpool.catalog")
_decode = msgspec.msgpack.Decoder(list[int]).decode

_FLUSH_SECONDS = 15.0
_AT_ONCE = 500

_log = logging.getLogger(__name__)


class KeyUses:
    """The uses of keys, which are named by their hashes."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._noted: dict[str, float] = {}

    def note(self, key_hash: str) -> None:
        """Remember that a key was used now."""
        self._noted[key_hash] = self._clock()

    async def flush(self) -> None:
        """Write what was noted; raises StoreUnavailable, and then it is written later."""
        noted, self._noted = self._noted, {}
        pairs = list(noted.items())
        try:
            for start in range(0, len(pairs), _AT_ONCE):
                some = pairs[start : start + _AT_ONCE]
                keys = [_key(key_hash) for key_hash, _ in some]
                await self._store.run(_USED, keys, [int(at * 1000) for _, at in some])
        except StoreUnavailable:
            self._noted = noted | self._noted
            raise

    async def last(self, key_hashes: Sequence[str]) -> list[int]:
        """Return when keys were last used (Unix ms), to the minute; 0: nobody knows of a use."""
        if not key_hashes:
            return []
        return _decode(await self._store.run(_USES, [_key(each) for each in key_hashes], ()))

    async def run(self) -> None:
        """Write what is noted, again and again, until cancelled."""
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            with suppress(StoreUnavailable):
                await self.flush()

    async def aclose(self) -> None:
        """Write the rest."""
        try:
            await self.flush()
        except StoreUnavailable as error:
            _log.warning("the last uses of API keys aren't noted: %s", error)


def _key(key_hash: str) -> str:
    return f"{CATALOG}key-used:{key_hash}"
