"""Messages that are to be sent: kept in the store until they are, or until it is too late.

Only the process that leads sends. One that takes over finds in the store what the one before it
didn't finish, so a receiver may get a message twice: with the same id.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec
import structlog

from allocator.port import StoreUnavailable
from ringpool.notifications import messages
from ringpool.notifications.memory import Changed, Full, Memory
from ringpool.notifications.messages import Message
from ringpool.notifications.outcome import NotSent
from ringpool.notifications.recipients import Recipients, Target
from ringpool.notifications.sender import Sender

MAX_WAITING = 1_000
"""Messages that wait to be sent, of all accounts together."""

MAX_WAITING_OF_ACCOUNT = 100

GIVEN_UP_MS = 86_400_000
"""How old a message gets before nobody tries to send it any more."""

_FIELD = "message "
_AT_ONCE, _AT_ONCE_OF_ACCOUNT = 16, 2
"""So a receiver that takes its time doesn't keep others waiting."""

_LONGEST_PAUSE_MS = 3_600_000

_log = structlog.get_logger("ringpool.notifications")

Count = Callable[[str], None]
"""Told of each message how it ended: ``sent``, ``failed`` (one attempt) or ``dropped``."""


def pause_ms(attempts: int) -> int:
    """Return how long to wait after so many attempts: 1, 4, 16… seconds, an hour at most."""
    return min(1_000 << 2 * min(attempts - 1, 8), _LONGEST_PAUSE_MS)


class Outbox:
    """``clock_ms``: Unix ms."""

    def __init__(
        self, memory: Memory, sender: Sender, clock_ms: Callable[[], int], count: Count
    ) -> None:
        self._memory = memory
        self._sender = sender
        self._clock_ms = clock_ms
        self._count = count
        self._waiting: dict[str, Message] = {}
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._writing = asyncio.Lock()
        self._ended: dict[str, str] = {}  # message → what the store is still to be told of it

    def reread(self) -> None:
        """Take what the memory has read anew."""
        self._waiting = {}
        for field, text in self._memory.items(_FIELD):
            name = field.removeprefix(_FIELD)
            try:
                self._waiting[name] = messages.decode(text)
            except msgspec.MsgspecError:  # another version wrote it
                self._ended[name] = ""
        # What another process did meanwhile stands, but for what was sent here.
        self._ended = {name: text for name, text in self._ended.items() if not text}

    async def add(self, message: Message, records: Mapping[str, str]) -> bool:
        """Keep a message, together with ``records`` of the memory; send it when it is due.

        False: it was dropped, as too many wait; the records are written. Raises StoreUnavailable,
        Changed and Full, and then it isn't kept.
        """
        of_account = sum(each.account == message.account for each in self._waiting.values())
        if len(self._waiting) >= MAX_WAITING or of_account >= MAX_WAITING_OF_ACCOUNT:
            await self._memory.write(records)
            self._drop(message, "too many wait to be sent")
            return False
        await self._memory.write({**records, _FIELD + message.id: _text(message)})
        self._waiting[message.id] = message
        return True

    async def replace(self, message: Message, records: Mapping[str, str]) -> None:
        """Have a message that wasn't tried yet say something else; raises as ``add``."""
        await self._memory.write({**records, _FIELD + message.id: _text(message)})
        self._waiting[message.id] = message

    def untried(self, subject: str, target: str, event: str) -> Message | None:
        """Return a message that waits for its first attempt."""
        for message in self._waiting.values():
            about = (message.subject, message.target, message.event)
            untried = not message.attempts and message.id not in self._sending
            if untried and about == (subject, target, event):
                return message
        return None

    async def send_due(self, recipients: Recipients) -> None:
        """Begin to send what is due; raises StoreUnavailable and Changed.

        What nobody is to be told any more is dropped.
        """
        await self._write_ended()
        now = self._clock_ms()
        busy = Counter(
            self._waiting[each].account for each in self._sending if each in self._waiting
        )
        for message in sorted(self._waiting.values(), key=lambda each: each.due):
            if message.due > now or len(self._sending) >= _AT_ONCE:
                break
            if message.id in self._sending or message.id in self._ended:
                continue
            if busy[message.account] >= _AT_ONCE_OF_ACCOUNT:
                continue
            target = recipients.of(message.subject).get(message.target)
            if target is None:
                self._drop(message, "nobody is to be told any more")
                self._ended[message.id] = ""
                continue
            busy[message.account] += 1
            self._sending[message.id] = asyncio.create_task(self._attempt(message, target))
        await self._write_ended()

    async def _attempt(self, message: Message, target: Target) -> None:
        try:
            self._ended[message.id] = await self._send(message, target)
        finally:
            self._sending.pop(message.id, None)
        with suppress(StoreUnavailable, Changed, Full):  # the next round does it
            await self._write_ended()

    async def _send(self, message: Message, target: Target) -> str:
        """Send once; return what the store is to have of the message then."""
        about = {"of": message.subject, "told": message.event, "message": message.id}
        by = "email" if target.email else "webhook"
        try:
            await self._sender.send(message, target, self._clock_ms())
        except NotSent as error:
            self._count("failed")
            _log.warning("notification_failed", by=by, reason=str(error), **about)
            now, attempts = self._clock_ms(), message.attempts + 1
            due = now + pause_ms(attempts)
            if error.for_good or due - message.made > GIVEN_UP_MS:
                self._drop(message, str(error))
                return ""
            again = msgspec.structs.replace(message, attempts=attempts, due=due)
            self._waiting[message.id] = again
            return _text(again)
        except Exception:  # a fault of ours: it mustn't be tried every second
            _log.exception("notification_failed", **about)
            self._drop(message, "a fault of the service")
            return ""
        self._count("sent")
        _log.info("notification_sent", by=by, **about)
        return ""

    async def _write_ended(self) -> None:
        async with self._writing:  # two that write one field would take each other for another
            for name, text in list(self._ended.items()):
                if not self._memory.read:
                    return
                await self._memory.write({_FIELD + name: text})
                if not text:
                    self._waiting.pop(name, None)
                if self._ended.get(name) is text:
                    del self._ended[name]

    def _drop(self, message: Message, reason: str) -> None:
        self._count("dropped")
        about = {"of": message.subject, "told": message.event, "message": message.id}
        _log.warning("notification_dropped", reason=reason, **about)

    async def aclose(self) -> None:
        """Give up what is being sent: it is sent by whoever leads next."""
        tasks = list(self._sending.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._sender.aclose()


def _text(message: Message) -> str:
    return messages.encode(message).decode()
