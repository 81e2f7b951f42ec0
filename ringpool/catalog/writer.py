"""One writer at a time: the lock on the configuration, and plans carried out while it is held.

A plan is in force from its commit on. Whoever gets the lock first carries out what an earlier
writer, who died, left of one: every step is safe to repeat. A writer that lost its lock stops.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress

from allocator.port import StoreUnavailable
from ringpool.catalog import plan
from ringpool.catalog.plan import Runner, Step
from ringpool.catalog.store import CatalogStore, LockLost

_LOCK_SECONDS = 10.0
_LOCK_POLL_SECONDS = 0.02
_RENEW_SECONDS = 5.0
"""How often the lock, which ends 30 s after the last script that needed it, is prolonged while a
change is looked at: that takes long with thousands of pools, or with a store that is slow."""

_STEPS_PER_CALL = 200
_BYTES_PER_CALL = 256 * 1024

Progress = Callable[[int, int], object]
"""Told how many steps of a plan are done, and how many there are."""


class CatalogBusy(Exception):
    """Another writer has been changing the configuration for 10 s: try again."""


class CatalogWriter:
    """Writes plans. Every method raises StoreUnavailable, and LockLost when the lock was lost."""

    def __init__(self, store: CatalogStore, runner: Runner) -> None:
        self._store = store
        self._runner = runner

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[str]:
        """Hold the lock with no plan pending; yields the token for ``commit``.

        Raises CatalogBusy when another writer holds it for too long, and NewerLayout.
        """
        token = secrets.token_hex(16)
        limit = time.monotonic() + _LOCK_SECONDS
        while not await self._store.lock(token):
            if time.monotonic() > limit:
                raise CatalogBusy("another change of the configuration is under way")
            await asyncio.sleep(_LOCK_POLL_SECONDS)
        keeping = asyncio.create_task(self._keep(token))
        try:
            await self._store.state()  # its layout is one that this version writes
            await self._carry_out(token)
            yield token
        finally:
            keeping.cancel()
            await self._unlock(token)

    async def commit(
        self, token: str, steps: Sequence[Step], progress: Progress = lambda _done, _of: None
    ) -> None:
        """Put a plan in force and carry it out."""
        staged = 0
        for packed in _calls(steps):
            await self._store.stage(token, staged, packed)
            staged += len(packed)
        await self._store.commit(token, staged)
        await self._carry_out(token, progress)

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

    async def _carry_out(self, token: str, progress: Progress = lambda _done, _of: None) -> None:
        following = await self._store.next_steps(token, _STEPS_PER_CALL)
        while following is not None:
            done, planned, packed = following
            progress(done, planned)
            steps = plan.side_by_side([plan.decode(step) for step in packed])
            await self._runner.run(token, steps)
            done += len(steps)
            following = await self._store.next_steps(token, _STEPS_PER_CALL, done)

    async def _keep(self, token: str) -> None:
        """Prolong the lock until it is lost: the writer's own next script tells it then."""
        with suppress(LockLost):
            while True:
                await asyncio.sleep(_RENEW_SECONDS)
                with suppress(StoreUnavailable):
                    await self._store.renew(token)

    async def _unlock(self, token: str) -> None:
        with suppress(StoreUnavailable):  # then the lock expires
            await self._store.unlock(token)


def _calls(steps: Sequence[Step]) -> Iterator[list[bytes]]:
    """Yield steps as text, as many at a time as one call should have."""
    packed: list[bytes] = []
    size = 0
    for step in steps:
        text = plan.encode(step)
        if packed and (len(packed) == _STEPS_PER_CALL or size + len(text) > _BYTES_PER_CALL):
            yield packed
            packed, size = [], 0
        packed.append(text)
        size += len(text)
    if packed:
        yield packed
