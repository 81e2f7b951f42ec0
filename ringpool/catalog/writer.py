"""One writer at a time: the lock on the configuration, and plans carried out while it is held.

A plan is in force from its commit on. Whoever gets the lock first carries out what an earlier
writer, who died, left of one: every step is safe to repeat. A writer that lost its lock stops.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from allocator.port import StoreUnavailable
from ringpool.catalog import plan
from ringpool.catalog.plan import Runner, Step
from ringpool.catalog.store import CatalogStore

_LOCK_SECONDS = 10.0
_LOCK_POLL_SECONDS = 0.02
_UNLOCK_SECONDS = 30.0  # until the lock expires by itself
_UNLOCK_PAUSE_SECONDS = 0.2
_STEPS_PER_CALL = 20


class CatalogBusy(Exception):
    """Another writer has been changing the configuration for 10 s: try again."""


class CatalogWriter:
    """Writes plans. Every method raises StoreUnavailable, and LockLost when the lock was lost."""

    def __init__(self, store: CatalogStore, runner: Runner) -> None:
        self._store = store
        self._runner = runner
        self._unlocking: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[str]:
        """Hold the lock with no plan pending; yields the token for ``commit``.

        Raises CatalogBusy when another writer holds it for too long, and NewerLayout.
        """
        token = secrets.token_hex(16)
        limit = time.monotonic() + _LOCK_SECONDS
        try:
            while not await self._store.lock(token):
                if time.monotonic() > limit:
                    raise CatalogBusy("another change of the configuration is under way")
                await asyncio.sleep(_LOCK_POLL_SECONDS)
            await self._store.state()  # its layout is one that this version writes
            await self._carry_out(token)
            yield token
        finally:
            await self._unlock(token)

    async def commit(self, token: str, steps: Sequence[Step]) -> None:
        """Put a plan in force and carry it out."""
        packed = [plan.encode(step) for step in steps]
        for start in range(0, len(packed), _STEPS_PER_CALL):
            await self._store.stage(token, start, packed[start : start + _STEPS_PER_CALL])
        await self._store.commit(token, len(packed))
        await self._carry_out(token)

    async def finish_pending(self) -> bool:
        """Carry out what a dead writer left; True when there was something and it is done."""
        state = await self._store.state()
        if not state.planned or state.locked:
            return False
        token = secrets.token_hex(16)
        if not await self._store.lock(token):
            return False
        try:
            await self._carry_out(token)
        finally:
            await self._unlock(token)
        return True

    async def _carry_out(self, token: str) -> None:
        step = await self._store.next_step(token)
        while step is not None:
            index, packed = step
            await self._runner.run(token, plan.decode(packed))
            step = await self._store.next_step(token, index + 1)

    async def _unlock(self, token: str) -> None:
        try:
            await self._store.unlock(token)
        except StoreUnavailable:  # nobody waits for it, but the next change shouldn't have to
            task = asyncio.create_task(self._unlock_later(token))
            self._unlocking.add(task)
            task.add_done_callback(self._unlocking.discard)

    async def _unlock_later(self, token: str) -> None:
        limit = time.monotonic() + _UNLOCK_SECONDS
        while time.monotonic() < limit:
            await asyncio.sleep(_UNLOCK_PAUSE_SECONDS)
            with suppress(StoreUnavailable):
                await self._store.unlock(token)
                return
