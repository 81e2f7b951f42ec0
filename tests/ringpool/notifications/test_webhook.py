"""Webhooks: once an episode, sent again when they fail."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from structlog.testing import capture_logs

from allocator.answers import Swept
from ringpool.model import OnExhausted, Pool
from ringpool.notifications.webhook import CALM_MS, WebhookNotifier

POOL = Pool(
    id="p", account="a", name="Ads", on_exhausted=OnExhausted(webhook="https://ops.example/hook")
)
FINE = Swept(0, [], 0, 0, 0, 0, 0, 0, 0, 0)


def _exhausted(at: int) -> Swept:
    return Swept(0, [], 1, at, 0, 0, 0, 0, 0, 0)


class Hook:
    """Receives webhooks; the first ``fails`` get an error ``status``, or no answer at all."""

    def __init__(self, fails: int = 0, status: int | None = 500) -> None:
        self.fails = fails
        self.status = status
        self.bodies: list[dict[str, object]] = []
        self.now = 1_000_000.0
        client = httpx.AsyncClient(transport=httpx.MockTransport(self._receive))
        self.alerts = WebhookNotifier(client, clock_ms=lambda: self.now)

    def _receive(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        self.fails -= 1
        if self.fails < 0:
            return httpx.Response(204)
        if self.status is None:
            raise httpx.ConnectError("no route to ops.example")
        return httpx.Response(self.status, headers={"location": "https://ops.example/else"})

    async def delivered(self) -> None:
        """Wait until nothing is being sent."""
        while self.alerts._sending:
            await asyncio.sleep(0)


async def test_one_webhook_an_episode() -> None:
    """However often an exhausted pool is observed, the operator is notified once."""
    hook = Hook()
    for _ in range(3):
        hook.alerts.observe(POOL, _exhausted(int(hook.now)))
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
    """When numbers were free for a while and run out again, the operator is notified again."""
    hook = Hook()
    hook.alerts.observe(POOL, _exhausted(int(hook.now)))
    hook.now += CALM_MS / 2
    hook.alerts.observe(POOL, FINE)
    hook.alerts.observe(POOL, _exhausted(int(hook.now)))
    await hook.delivered()
    assert len(hook.bodies) == 1
    hook.now += 2 * CALM_MS
    hook.alerts.observe(POOL, FINE)
    hook.alerts.observe(POOL, _exhausted(int(hook.now)))
    await hook.delivered()
    assert len(hook.bodies) == 2
    await hook.alerts.aclose()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that are slept, in virtual time: none passes."""
    seconds: list[float] = []
    sleep = asyncio.sleep

    async def record(delay: float) -> None:
        if delay:
            seconds.append(delay)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", record)
    return seconds


async def test_a_failed_webhook_is_sent_again(pauses: list[float]) -> None:
    """A receiver that answers with an error is asked again, after a pause that grows."""
    hook = Hook(fails=2)
    hook.alerts.observe(POOL, _exhausted(int(hook.now)))
    await hook.delivered()
    assert len(hook.bodies) == 3
    assert pauses == [1, 4]
    await hook.alerts.aclose()


@pytest.mark.parametrize("status", [302, 404, 500, None])
async def test_a_receiver_that_is_away_is_given_up(
    pauses: list[float], caplog: pytest.LogCaptureFixture, status: int | None
) -> None:
    """After five attempts, each of which is logged without the address."""
    hook = Hook(fails=9, status=status)
    with capture_logs() as logs:
        hook.alerts.observe(POOL, _exhausted(int(hook.now)))
        await hook.delivered()
    assert len(hook.bodies) == 5
    assert pauses == [1, 4, 16, 64]
    reason = f"status {status}" if status else "ConnectError"
    assert [(log["event"], log["pool"], log["reason"]) for log in logs] == [
        ("alert_failed", "p", reason)
    ] * 5
    assert "ops.example" not in f"{logs}{caplog.text}"
    await hook.alerts.aclose()


async def test_what_is_being_sent_is_given_up_at_the_end() -> None:
    """The service doesn't wait for a receiver that is away."""
    hook = Hook(fails=9)
    hook.alerts.observe(POOL, _exhausted(int(hook.now)))
    while not hook.bodies:
        await asyncio.sleep(0)
    await hook.alerts.aclose()
    await hook.delivered()
    assert len(hook.bodies) == 1


async def test_without_a_webhook_nothing_is_sent() -> None:
    """A pool that names no webhook is left alone."""
    hook = Hook()
    hook.alerts.observe(Pool(id="p", account="a"), _exhausted(int(hook.now)))
    await hook.delivered()
    assert hook.bodies == []
    await hook.alerts.aclose()
