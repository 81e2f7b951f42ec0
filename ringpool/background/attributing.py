"""Calls are attributed by the leader, soon after they are in the archive; and it learns of pools by
the way, beside everything else."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import DBAPIError

from ringpool.archive.database import Archive
from ringpool.attribution import fits
from ringpool.attribution.attributing import Attributor
from ringpool.attribution.fit import Fit
from ringpool.attribution.fits import PoolKey
from ringpool.attribution.learning import NotLearned, learn

FIRST_LOOK_SECONDS = 60.0
LOOK_SECONDS = 600.0
"""How often it is looked which pools are to be learned of."""

_log = structlog.get_logger("ringpool.attribution")

Learn = Callable[[Archive, PoolKey, int], Awaitable[Fit]]


class Attributing:
    """What one leader does. ``learn``: as ``learning.learn``. ``clock``: Unix seconds."""

    def __init__(
        self,
        archive: Archive,
        attributor: Attributor,
        *,
        learn: Learn = learn,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._archive = archive
        self._attributor = attributor
        self._learn = learn
        self._clock = clock
        self._look_at = clock() + FIRST_LOOK_SECONDS
        self._learning: asyncio.Task[None] | None = None

    async def round(self) -> int:
        """Attribute calls; returns how many. Begins to learn, when it is time to."""
        done = await self._attributor.round()
        if self._clock() >= self._look_at and (self._learning is None or self._learning.done()):
            self._look_at = self._clock() + LOOK_SECONDS
            self._learning = asyncio.create_task(self._learn_of_all())
        return done

    async def aclose(self) -> None:
        """Stop learning."""
        if self._learning is not None:
            self._learning.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._learning

    async def _learn_of_all(self) -> None:
        """Learn of the pools that are due, one after the other."""
        try:
            async with self._archive.engine.connect() as connection:
                due = await fits.due(connection, self._now_ms())
        except (DBAPIError, OSError) as error:
            _log.warning("not_learned", reason=type(error).__name__)
            return
        for pool in due:
            try:
                await self._learn_of(pool)
            except (NotLearned, DBAPIError, OSError) as error:
                reason = str(error) if isinstance(error, NotLearned) else type(error).__name__
                _log.warning("not_learned", account=pool[0], pool=pool[1], reason=reason)
            except Exception:  # one pool's fault keeps nobody from learning of the others
                _log.exception("not_learned", account=pool[0], pool=pool[1])

    async def _learn_of(self, pool: PoolKey) -> None:
        fit = await self._learn(self._archive, pool, self._now_ms())
        fitted_at = self._now_ms()
        async with self._archive.engine.begin() as connection:
            await fits.store(connection, pool, fit, fitted_at)
        self._attributor.learned(pool, fitted_at)

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
