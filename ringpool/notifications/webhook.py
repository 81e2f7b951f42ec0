"""Tells operators that a pool ran out: the ``on_exhausted`` webhook, once an episode.

An episode begins when overflow was given or no number is left to give, and ends when numbers have
been free again for ``CALM_MS``. The process that leads the sweeping sends the webhook: a second or
two after the episode began, or up to ten where the pool was idle until then. When another process
takes over in the middle of an episode, the webhook may be sent once more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import httpx
import stamina
import structlog

from allocator.answers import Swept
from ringpool.model import Pool

CALM_MS = 60_000

# What is logged of a failure here leaves out the address, which may hold a secret.
stamina.instrumentation.set_on_retry_hooks(())

_log = structlog.get_logger("ringpool.alerts")


class WebhookNotifier:
    """Sends webhooks in the background; ``aclose`` gives up those that haven't arrived yet."""

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

    def observe(self, pool: Pool, swept: Swept) -> None:
        """Take note of a pool's sweep; starts a webhook when an episode begins."""
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
        """Post ``body``: five times at most, with pauses of 1, 4, 16 and 64 seconds."""
        attempts = stamina.retry_context(
            on=httpx.HTTPError,
            attempts=5,
            timeout=None,
            wait_initial=1.0,
            wait_exp_base=4,
            wait_max=64.0,
            wait_jitter=0.0,
        )
        with suppress(httpx.HTTPError):  # of the last attempt; it is logged
            async for attempt in attempts:
                with attempt:
                    await self._post(url, body)

    async def _post(self, url: str, body: dict[str, object]) -> None:
        """Post ``body`` once; logs how it went, and raises httpx.HTTPError when it failed."""
        try:
            (await self._client.post(url, json=body)).raise_for_status()
        except httpx.HTTPStatusError as error:
            reason = f"status {error.response.status_code}"
            _log.warning("alert_failed", pool=body["pool"], reason=reason)
            raise
        except httpx.HTTPError as error:
            _log.warning("alert_failed", pool=body["pool"], reason=type(error).__name__)
            raise
        _log.info("alert_sent", pool=body["pool"])

    async def aclose(self) -> None:
        """Give up webhooks that haven't arrived yet and close the connections."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        await self._client.aclose()
