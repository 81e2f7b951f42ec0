"""Messages that wait in the store: sent again, given up, bounded."""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec
import pytest

from ringpool.catalog.snapshot import Snapshot
from ringpool.model import Account, Configuration, Notify
from ringpool.notifications import memory, messages, outbox
from ringpool.notifications.memory import Changed, Full, Memory
from ringpool.notifications.messages import Message
from ringpool.notifications.outbox import GIVEN_UP_MS, Outbox, pause_ms
from ringpool.notifications.outcome import NotSent
from ringpool.notifications.recipients import Recipients, Target
from ringpool.notifications.sender import Sender
from tests.ringpool.conftest import Bench

NOW = 1_795_818_264_000
NOTIFY = Notify(webhook="https://ops.example/x", secret="secret-0123456789")


def recipients(*accounts: str) -> Recipients:
    made = tuple(Account(id=name, notify=(NOTIFY,)) for name in accounts)
    return Recipients(Snapshot(1, Configuration(accounts=made)))


def a_message(account: str = "a") -> Message:
    (target,) = recipients(account).of(f"account/{account}")
    return messages.make("test", f"account/{account}", account, target, NOW, {})


class Tries(Sender):
    """Notes what it is to send; ``error`` is how it goes, ``open`` when it ends."""

    def __init__(self) -> None:
        self.error: NotSent | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.tried: list[str] = []

    async def send(self, message: Message, target: Target, now: int) -> None:
        self.tried.append(message.id)
        await self.open.wait()
        if self.error is not None:
            raise self.error

    async def aclose(self) -> None:
        pass


class Process:
    """What one process of the service has. ``now``: the time, which only the test lets pass."""

    def __init__(self, bench: Bench, accounts: tuple[str, ...] = ("a",)) -> None:
        self.now = NOW
        self.sender = Tries()
        self.counted: Counter[str] = Counter()
        self.memory = Memory(bench.store)
        self.recipients = recipients(*accounts)
        self.outbox = Outbox(self.memory, self.sender, lambda: self.now, self._count)

    def _count(self, outcome: str) -> None:
        self.counted[outcome] += 1

    async def leads(self) -> None:
        await self.memory.recall()
        self.outbox.reread()

    async def send(self) -> None:
        """Send what is due, and wait until that is over."""
        await self.outbox.send_due(self.recipients)
        await asyncio.gather(*self.outbox._sending.values())


async def test_a_message_is_tried_for_a_day(bench: Bench) -> None:
    """With pauses that grow to an hour, then it is dropped; who takes over goes on with it."""
    first = Process(bench)
    await first.leads()
    assert await first.outbox.add(a_message(), {})
    first.sender.error = NotSent("status 500")
    pauses = []
    for _ in range(4):
        await first.send()
        await first.send()  # it isn't due
        pauses.append(next(iter(first.outbox._waiting.values())).due - first.now)
        first.now += pauses[-1]
    assert pauses == [1_000, 4_000, 16_000, 64_000]
    assert len(first.sender.tried) == 4
    second = Process(bench)
    second.now, second.sender.error = first.now, first.sender.error
    await second.leads()
    while second.outbox._waiting and second.now < NOW + 2 * GIVEN_UP_MS:
        await second.send()
        second.now += pause_ms(99)
    assert second.now - NOW == pytest.approx(GIVEN_UP_MS, abs=2 * pause_ms(99))
    assert second.counted == {"failed": len(second.sender.tried), "dropped": 1}
    assert {*second.sender.tried} == {*first.sender.tried}
    assert bench.server.command("EXISTS", memory.NOTIFICATIONS) == 0


async def test_what_is_sent_is_forgotten(bench: Bench) -> None:
    """And what goes no better the next time is dropped at once."""
    process = Process(bench)
    await process.leads()
    assert await process.outbox.add(a_message(), {})
    await process.send()
    process.sender.error = NotSent("550", for_good=True)
    assert await process.outbox.add(a_message(), {})
    await process.send()
    assert process.counted == {"sent": 1, "failed": 1, "dropped": 1}
    assert bench.server.command("EXISTS", memory.NOTIFICATIONS) == 0


async def test_who_isnt_to_be_told_any_more_isnt(bench: Bench) -> None:
    """A receiver that was taken out of the configuration."""
    process = Process(bench)
    await process.leads()
    assert await process.outbox.add(a_message(), {})
    process.recipients = recipients("b")
    await process.send()
    assert (process.sender.tried, process.counted) == ([], {"dropped": 1})
    assert bench.server.command("EXISTS", memory.NOTIFICATIONS) == 0


async def test_one_account_does_not_fill_the_outbox(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor keep others waiting: two of its messages are sent at a time."""
    monkeypatch.setattr(outbox, "MAX_WAITING", 8)
    monkeypatch.setattr(outbox, "MAX_WAITING_OF_ACCOUNT", 5)
    process = Process(bench, ("a", "b"))
    await process.leads()
    kept = [await process.outbox.add(a_message("a"), {f"told {n}": "1"}) for n in range(7)]
    assert kept == [True] * 5 + [False] * 2
    assert process.memory.get("told 6") == "1"  # it isn't told again either
    kept = [await process.outbox.add(a_message("b"), {}) for _ in range(4)]
    assert kept == [True] * 3 + [False]
    assert process.counted == {"dropped": 3}
    process.sender.open.clear()
    for _ in range(2):
        await process.outbox.send_due(process.recipients)
        await asyncio.sleep(0)
    assert len(process.sender.tried) == 4
    process.sender.open.set()
    while process.outbox._waiting:
        await process.send()
    assert len(process.sender.tried) == 8


async def test_two_that_lead_do_not_write_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes second is told that something else is there, and reads it."""
    first, second = Process(bench), Process(bench)
    for process in (first, second):
        await process.leads()
    await first.memory.write({"told x": "1"})
    with pytest.raises(Changed):
        await second.outbox.add(a_message(), {"told x": "2"})
    assert not second.memory.read
    await second.leads()
    assert second.memory.get("told x") == "1"
    await second.memory.write({"told x": "2", "told y": "1"})
    monkeypatch.setattr(memory, "MAX_FIELDS", 2)
    with pytest.raises(Full):
        await second.memory.write({"told z": "1"})
    await second.memory.write({"told z": "1", "told y": ""})
    assert second.memory.read


async def test_what_another_version_wrote_is_dropped(bench: Bench) -> None:
    """It keeps nobody from being told anything else."""
    process = Process(bench)
    bench.server.command("HSET", memory.NOTIFICATIONS, "message x", '{"else":1}')
    await process.leads()
    await process.send()
    assert bench.server.command("EXISTS", memory.NOTIFICATIONS) == 0


def test_a_message_is_small() -> None:
    """A thousand of them are little next to a pool."""
    assert len(msgspec.json.encode(a_message())) < 400
