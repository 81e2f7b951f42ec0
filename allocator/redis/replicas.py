"""What confirms a change before it is answered: ``RINGPOOL_WAIT_REPLICAS``, ``RINGPOOL_WAIT_AOF``.

A failover loses no change that every replica it could promote has confirmed. While one is being
promoted, the old primary goes on for some seconds, and the replicas that still follow it confirm:
so fewer confirmations than there are replicas hold nothing by themselves.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from allocator.port import StoreUnavailable, Unconfirmed

Send = Callable[..., Awaitable[Any]]
"""Sends a command, its words given, at once, on one connection; the reply is awaited."""

_MOST = 16


@dataclass(frozen=True, slots=True)
class Confirmations:
    """How many replicas must confirm a change: ``count``, or where that is None, all but ``away``.

    ``aof``: when they, and the primary, have it on disk.
    """

    count: int | None = 0
    away: int = 0
    aof: bool = False

    @classmethod
    def parse(cls, text: str) -> Confirmations:
        """Read ``2``, ``all`` or ``all-1``; raises ValueError."""
        found = re.fullmatch(r"(?P<all>all)(-(?P<away>[0-9]{1,2}))?|(?P<count>[0-9]{1,2})", text)
        if found is None:
            raise ValueError(f"{text!r} is no number of replicas, nor all or all-1")
        number = int(found["away"] or found["count"] or 0)
        if number > _MOST:
            raise ValueError(f"{text!r} is more than {_MOST} replicas")
        return cls(None, number) if found["all"] else cls(number)

    def __str__(self) -> str:
        if self.count is not None:
            return str(self.count)
        return f"all-{self.away}" if self.away else "all"

    def __bool__(self) -> bool:
        """Whether anything is waited for."""
        return self.count != 0 or self.aof


class Demoted(StoreUnavailable):
    """What answers is a replica."""

    def __init__(self) -> None:
        super().__init__("the store is a read-only replica")


class Doubt(NamedTuple):
    """What a setting can't hold on this store. ``stops``: nothing new can be given as it is."""

    stops: bool
    text: str


class Replicas:
    """What is known of one primary's replicas, and whether they confirm."""

    def __init__(self, wanted: Confirmations, unconfirmed: Callable[[], object]) -> None:
        self.wanted = wanted
        self._unconfirmed = unconfirmed  # told of every change that wasn't confirmed
        self._known = 0  # that can be promoted, the ones away among them
        self._gone = 0  # of these, that can't for now: those who promote don't reach them
        self._told = False  # by those who promote; else by the primary, which forgets who leaves
        self.connected = 0
        self._in_doubt = True  # until a change is confirmed
        self._due: int | None = 0  # offset to be reached before another change is tried

    @property
    def known(self) -> int:
        """How many replicas there are."""
        return max(self._known, self.connected)

    @property
    def needed(self) -> int:
        """How many must confirm a change for it to be answered."""
        if self.wanted.count is not None:
            return self.wanted.count
        gone = self._gone if self._told else self.known - self.connected
        return self.known - min(self.wanted.away, gone)

    def know(self, known: int, gone: int) -> None:
        """Take over what those say that promote replicas: Sentinels, a cluster."""
        self._known, self._gone, self._told = known, gone, True

    def none_gone(self) -> None:
        """Have all confirm that there are: those who promote aren't heard."""
        self._gone = 0

    def start_over(self) -> None:
        """There is another primary."""
        self.connected, self._in_doubt, self._due = 0, True, 0

    async def check(self, send: Send) -> None:
        """Ask the primary what speaks against a change now, and raise it.

        That is Unconfirmed when fewer replicas than must confirm are connected or, after a change
        that wasn't confirmed, have what was written until then.
        """
        if self.wanted.aof:  # a server that can't says so before anything has run
            role, _ = await asyncio.gather(send("ROLE"), send("WAITAOF", 1, 0, 1))
        else:
            role = await send("ROLE")
        offset, reached = self._see(role)
        due = 0
        if self._in_doubt:
            due = self._due = offset if self._due is None else min(self._due, offset)
        count = sum(reply >= due for reply in reached)
        if count < self.needed:
            raise self._too_few(count)

    async def confirm(
        self,
        send: Send,
        command: tuple[Any, ...],
        left: Callable[[], float],
        *,
        at_once: bool = False,
    ) -> Any:
        """Send a command that writes, and return its reply once it is confirmed.

        ``left``: how many seconds the call has. ``at_once``: send nothing before it. Raises
        Unconfirmed: it wasn't sent, or has run and may last or not.
        """
        if self._in_doubt and not at_once:
            try:
                await self.check(send)
            except Unconfirmed:
                self._unconfirmed()
                raise
        asked = self.needed
        reply, *others = await asyncio.gather(send(*command), *self._ask(send, asked, left()))
        while (confirmed := self._confirmed(*others)) < self.needed:
            if confirmed < asked:
                self._in_doubt, self._due = True, None
                self._unconfirmed()
                raise self._too_few(confirmed)
            asked = self.needed  # a replica has come meanwhile: it must have the change, too
            others = await asyncio.gather(*self._ask(send, asked, left()))
        self._in_doubt = False
        return reply

    def doubts(self) -> list[Doubt]:
        """Say what the setting can't hold with the replicas that are known."""
        known, wanted = self.known, self.wanted
        if self.needed > self.connected:
            return [Doubt(True, f"{self.needed} must confirm, but {self.connected} are connected")]
        if wanted.count is not None and wanted.count < known:
            text = f"{wanted.count} of {known} replicas confirm: a failover that promotes another"
            return [Doubt(False, f"{text} loses what it hadn't heard; with all none is lost")]
        if wanted.count is None and known and wanted.away >= known:
            return [Doubt(False, f"{wanted} of {known} replicas: none need confirm")]
        if wanted.count is None and known and not self._told:
            text = "a single address tells only of replicas that are connected: one that is away at"
            return [Doubt(False, f"{text} the start isn't waited for. Give their number instead")]
        return []

    def _see(self, role: Any) -> tuple[int, list[int]]:
        """The primary's offset, and those its replicas have told."""
        if role[0] != b"master":
            raise Demoted
        # What tells no port is no replica that could be promoted, but a program that reads along.
        reached = [int(offset) for _, port, offset in role[2] if int(port)]
        self.connected = len(reached)
        if not self._told:
            self._known = max(self._known, self.connected)
        return int(role[1]), reached

    def _ask(self, send: Send, replicas: int, seconds: float) -> list[Awaitable[Any]]:
        """Send what is answered once so many replicas have confirmed, or the time is over."""
        milliseconds = wait_milliseconds(seconds)
        if self.wanted.aof:
            asked = [send("WAITAOF", 1, replicas, milliseconds)]
        else:
            asked = [send("WAIT", replicas, milliseconds)]
        if self.wanted.count is None:
            asked.append(send("ROLE"))
        return asked

    def _confirmed(self, confirmed: Any, role: Any = None) -> int:
        """How many replicas have confirmed, by the replies to ``_ask``. -1: nor has the primary."""
        if role is not None:
            self._see(role)
        if self.wanted.aof:
            on_disk, confirmed = confirmed
            return int(confirmed) if on_disk else -1
        return int(confirmed)

    def _too_few(self, confirmed: int) -> Unconfirmed:
        if confirmed < 0:
            return Unconfirmed("the primary hasn't written it to disk in time")
        return Unconfirmed(f"{confirmed} of {self.needed} replicas have confirmed")


def wait_milliseconds(seconds: float) -> int:
    """How long WAIT may wait in a call that has so many seconds left.

    The server looks at its time limits ten times a second. So that it, not the call's deadline,
    ends the wait and replies how many have confirmed, it gets up to a fifth of a second less.
    """
    return max(1, int(1000 * max(seconds / 2, seconds - 0.2)))  # 0 would be "for ever"
