"""The store as visitors meet it: the time that each call takes, and how it fails, counted."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Sequence
from time import perf_counter
from typing import Any

from allocator.port import Argument, NotPermitted, Store, StoreUnavailable, Unconfirmed
from allocator.scripts import Script
from api.metrics import Metrics


class MeasuredStore:
    """``Store``: another one, counted."""

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store = store
        self._observe = metrics.observe_store

    def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> Coroutine[Any, Any, bytes]:
        begun = perf_counter()
        return self._answer(self._store.run(script, keys, args), begun)

    async def _answer(self, reply: Awaitable[bytes], begun: float) -> bytes:
        failure = None
        try:
            return await reply
        except StoreUnavailable as error:
            failure = _kind(error)
            raise
        finally:
            self._observe(perf_counter() - begun, failure)

    async def ping(self) -> None:
        await self._store.ping()

    async def aclose(self) -> None:
        await self._store.aclose()


def _kind(error: StoreUnavailable) -> str:
    """One of ``metrics.STORE_FAILURES``."""
    if isinstance(error, Unconfirmed):
        return "unconfirmed"
    return "refused" if isinstance(error, NotPermitted) else "unavailable"
