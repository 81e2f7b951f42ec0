"""The port: all that allocation needs of a Redis client, and how it may fail.

Policy (``allocator.allocator``, ``allocator.stocks``, ``ringpool.catalog``) knows nothing of a
client library: it runs scripts, each with every key it touches named, all in one hash slot.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from allocator.scripts import Script

Argument = str | bytes | int


class StoreUnavailable(Exception):
    """The store didn't answer in time, can't be reached, or refuses writes for now.

    Whether the script ran is unknown: every script that writes is safe to repeat.
    """


class Unconfirmed(StoreUnavailable):
    """Too few replicas have confirmed a change, or are there to confirm one."""


class NotPermitted(StoreUnavailable):
    """The store's user may not do that."""


class StoreMisconfigured(StoreUnavailable):
    """The store will not do until a setting is another one. ``setting``: "url" or "wait_aof"."""

    def __init__(self, setting: str, reason: str) -> None:
        super().__init__(reason)
        self.setting = setting


class Store(Protocol):
    """One Redis, Valkey or Redis Cluster. Safe for concurrent use by one event loop."""

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> bytes:
        """Run a script; its reply is one msgpack document (``cmsgpack.pack`` in Lua).

        EVALSHA first, EVAL when the server doesn't know the script. A script that isn't
        ``read_only`` is also confirmed before this returns, on the same connection, as
        ``RINGPOOL_WAIT_REPLICAS`` and ``RINGPOOL_WAIT_AOF`` say; after one that wasn't, none runs
        until enough replicas are there and have caught up. Bounded by
        ``RINGPOOL_REDIS_TIMEOUT_MS`` as a whole,
        connecting included. It may be on its way before it is awaited. What may have run is never
        sent again from here: to repeat a call is the caller's decision. Cancelling is safe at any
        time.

        Raises StoreUnavailable; any other exception is a bug in a script or its caller.
        """
        ...

    async def ping(self) -> None:
        """Reach the store (on a cluster: every primary), and have it able to confirm changes.

        Raises StoreUnavailable.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection. Idempotent."""
        ...


class ScannedStore(Store, Protocol):
    """A store whose keys can be gone through."""

    def scan(self, pattern: str) -> AsyncIterator[list[str]]:
        """Yield the keys that match a pattern, page by page, on a cluster those of every primary.

        One that is there all the time comes once at least, where no failover or resharding comes
        between. Raises StoreUnavailable; NotPermitted where the user may not SCAN.
        """
        ...
