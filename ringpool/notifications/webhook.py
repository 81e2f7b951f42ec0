"""Telling operators that a pool ran out: the ``on_exhausted`` webhook, once an episode.

An episode begins when overflow was given or no number is left to give, and ends when numbers have
been free again for ``CALM_MS``. It is told by the process that leads the sweeping: a second or two
after it began, or up to ten where the pool was at rest until then. When another process takes over
in the middle of an episode, it may be told once more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx
import structlog

from allocator.answers import Swept
from ringpool.model import Pool

CALM_MS = 60_000
_TRIES = 5
_FIRST_PAUSE = 1.0

_log = structlog.get_logger("ringpool.alerts")


class WebhookNotifier:
    """Sends webhooks without making anybody wait; ``aclose`` ends those still being tried."""

    def __init__(
        self,
        client: httpx.AsyncClient | None = None,
        *,
        clock_ms: Callable[[], float] = lambda: time.time() * 1000,
    ) -> None:
        self._client = client or httpx.AsyncClient(timeout=5.0, follow_redirects=False)
        self._clock_ms = clock_ms
        self._last_seen: dict[str, float] = {}  # pool → when it was last seen exhausted
        self._sending: set[asyncio.Task[None]] = set()

    def see(self, pool: Pool, swept: Swept) -> None:
        """Look at a pool's sweep; starts a webhook when an episode begins."""
        if pool.on_exhausted is None:
            return
        now = self._clock_ms()
        overflowed = swept.last_overflow > 0 and now - swept.last_overflow < CALM_MS
        if not (swept.exhausted or overflowed):
            if now - self._last_seen.get(pool.id, now) >= CALM_MS:
                del self._last_seen[pool.id]
            return
        began = pool.id not in self._last_seen
        self._last_seen[pool.id] = now
        if began:
            body: dict[str, object] = {
                "event": "pool_exhausted",
                "pool": pool.id,
                "account": pool.account,
                "name": pool.name,
                "last_overflow": swept.last_overflow or None,
            }
            task = asyncio.create_task(self._send(pool.on_exhausted.webhook, body))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _send(self, url: str, body: dict[str, object]) -> None:
        pause = _FIRST_PAUSE
        for _ in range(_TRIES):
            try:
                response = await self._client.post(url, json=body)
                if response.is_success:
                    _log.info("alert_sent", pool=body["pool"])
                    return
                reason = f"status {response.status_code}"
            except httpx.HTTPError as error:
                reason = type(error).__name__
            _log.warning("alert_failed", pool=body["pool"], reason=reason)
            await asyncio.sleep(pause)
            pause *= 4

    async def aclose(self) -> None:
        """Give up what is still being tried and close the connections."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        await self._client.aclose()
