"""Webhooks: once an episode, tried again when they fail."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from allocator.answers import Swept
from ringpool.model import OnExhausted, Pool
from ringpool.notifications import webhook
from ringpool.notifications.webhook import CALM_MS, WebhookNotifier

POOL = Pool(
    id="p", account="a", name="Ads", on_exhausted=OnExhausted(webhook="https://ops.example/hook")
)
FINE = Swept(0, [], 0, 0, 0, 0, 0)


def _exhausted(at: int) -> Swept:
    return Swept(0, [], 1, at, 0, 0, 0)


class Hook:
    """Receives webhooks; ``fails`` of them are refused first."""

    def __init__(self, fails: int = 0) -> None:
        self.fails = fails
        self.bodies: list[dict[str, object]] = []
        self.now = 1_000_000.0
        client = httpx.AsyncClient(transport=httpx.MockTransport(self._receive))
        self.alerts = WebhookNotifier(client, clock_ms=lambda: self.now)

    def _receive(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        self.fails -= 1
        return httpx.Response(500 if self.fails >= 0 else 204)

    async def delivered(self) -> None:
        """Wait until nothing is being sent."""
        while self.alerts._sending:
            await asyncio.sleep(0)


async def test_one_webhook_an_episode() -> None:
    """However often an exhausted pool is seen, the operator hears once."""
    hook = Hook()
    for _ in range(3):
        hook.alerts.see(POOL, _exhausted(int(hook.now)))
    await hook.delivered()
    assert hook.bodies == [
        {
            "event": "pool_exhausted",
            "pool": "p",
            "account": "a",
            "name": "Ads",
            "last_overflow": 1_000_000,
        }
    ]
    await hook.alerts.aclose()


async def test_a_new_episode_after_calm() -> None:
    """When numbers were free for a while and run out again, the operator hears again."""
    hook = Hook()
    hook.alerts.see(POOL, _exhausted(int(hook.now)))
    hook.now += CALM_MS / 2
    hook.alerts.see(POOL, FINE)
    hook.alerts.see(POOL, _exhausted(int(hook.now)))
    await hook.delivered()
    assert len(hook.bodies) == 1
    hook.now += 2 * CALM_MS
    hook.alerts.see(POOL, FINE)
    hook.alerts.see(POOL, _exhausted(int(hook.now)))
    await hook.delivered()
    assert len(hook.bodies) == 2
    await hook.alerts.aclose()


async def test_a_failed_webhook_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that answers with an error is asked again."""
    monkeypatch.setattr(webhook, "_FIRST_PAUSE", 0)
    hook = Hook(fails=2)
    hook.alerts.see(POOL, _exhausted(int(hook.now)))
    await hook.delivered()
    assert len(hook.bodies) == 3
    await hook.alerts.aclose()


async def test_without_a_webhook_nothing_is_sent() -> None:
    """A pool that names no webhook is left alone."""
    hook = Hook()
    hook.alerts.see(Pool(id="p", account="a"), _exhausted(int(hook.now)))
    await hook.delivered()
    assert hook.bodies == []
    await hook.alerts.aclose()
