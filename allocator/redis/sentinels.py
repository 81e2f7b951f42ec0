"""Where a primary is, by all of its Sentinels: followed for as long as the store is open.

Every Sentinel is asked once a second, and at once when one of them publishes that a replica is
being promoted. They may disagree for a moment: what the newest configuration says counts.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from allocator.port import StoreMisconfigured
from allocator.redis.connection import PipelinedConnection, encode_command
from allocator.redis.errors import failure_in_error
from allocator.redis.replicas import Replicas

Address = tuple[str, int]

_POLL_SECONDS = 1.0
_FRESH_SECONDS = 3.0
"""How long what a Sentinel said counts."""

_CONNECT_SECONDS = 1.0
"""Least time to connect in: a question that comes later finds it ready."""

_CHANNELS = ("+promoted-slave", "+switch-master")
"""The first comes from the Sentinel that does the failover, as soon as there is another primary."""

_DOWN = "s_down"
"""The flag of a replica that hasn't answered for down-after-milliseconds, so isn't promoted."""


class _State(NamedTuple):
    """A replica: silent for so long that it isn't promoted; connected to its primary."""

    down: bool
    follows: bool


class _View(NamedTuple):
    """What one Sentinel said, and when (loop time)."""

    at: float
    primary: Address
    epoch: int
    replicas: dict[Address, _State]
    failing_over: bool


class Sentinels:
    """The Sentinels at ``hosts``, and the primary called ``name`` that they watch.

    ``connect`` makes an unconnected connection of redis-py to one of them. What they say of the
    primary's replicas is told to ``replicas``; ``moved`` is called when there is another primary.
    """

    def __init__(
        self,
        name: str,
        hosts: Sequence[Address],
        connect: Callable[[str, int], AbstractConnection],
        *,
        seconds: float,
        replicas: Replicas,
    ) -> None:
        self._sentinels = [_Sentinel(name, lambda a=host: connect(*a), seconds) for host in hosts]  # type: ignore[misc]
        self._replicas = replicas
        self.moved: Callable[[Address], object] = lambda _: None
        self._known: Address | None = None
        self._epoch = 0  # of the configuration that named it
        self._former: set[Address] = set()  # primaries until it was, that don't follow it yet
        self._asks: dict[_Sentinel, asyncio.Task[None]] = {}
        self._loop = asyncio.get_running_loop()
        self._asking: asyncio.Task[Address] | None = None
        self._following: asyncio.Task[None] | None = None
        self._soon = asyncio.Event()

    async def primary(self) -> Address:
        """Ask them where it is now; raises StoreUnavailable or what became of a connection."""
        if self._following is None:
            self._following = self._loop.create_task(self._follow())
        if self._asking is None or self._asking.done():
            self._asking = self._loop.create_task(self._ask_all())
            self._asking.add_done_callback(_see_failure)
        return await asyncio.shield(self._asking)

    async def aclose(self) -> None:
        """End every connection."""
        tasks = [self._following, self._asking, *self._asks.values()]
        running = [task for task in tasks if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.gather(*[sentinel.aclose() for sentinel in self._sentinels])

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_SECONDS):
                    await self._soon.wait()
            self._soon.clear()
            with contextlib.suppress(Exception):  # who needs the primary is told
                await self.primary()
            self._decide()  # what nobody says any more counts no longer

    async def _ask_all(self) -> Address:
        """Ask all. The answers of most are enough; of few, once the others had their time."""
        began = self._loop.time()
        for sentinel in self._sentinels:
            asking = self._asks.get(sentinel)
            if asking is None or asking.done():
                self._asks[sentinel] = self._loop.create_task(self._ask(sentinel))
                self._asks[sentinel].add_done_callback(_see_failure)
        pending, failures = set(self._asks.values()), list[BaseException]()
        while pending and 2 * len(self._views(began)) <= len(self._sentinels):
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            failures += [error for task in done if (error := task.exception())]
        if self._known is None or not self._views(began):
            raise min(failures, key=lambda error: not isinstance(error, StoreMisconfigured))
        return self._known

    async def _ask(self, sentinel: _Sentinel) -> None:
        await sentinel.ask(self._soon.set)
        self._decide()

    def _views(self, since: float) -> list[_View]:
        return [one.view for one in self._sentinels if one.view and one.view.at >= since]

    def _decide(self) -> None:
        """Tell of what has changed by what they said last."""
        views = self._views(self._loop.time() - _FRESH_SECONDS)
        self._replicas.none_gone()
        if not views:
            return
        newest = max(views, key=lambda view: (view.epoch, view.primary == self._known))
        primary, epoch = newest.primary, newest.epoch
        agreed = [view for view in views if view.primary == primary]
        certain = 2 * len(agreed) > len(self._sentinels)
        if self._known is not None and epoch < self._epoch and not certain:
            return  # those that knew better are away
        if any(view.failing_over for view in views):
            certain = False
        if primary != self._known:
            if self._known is not None:
                self._former.add(self._known)
                self.moved(primary)
            self._former.discard(primary)
            self._known = primary
        self._epoch = epoch
        # A replica that most don't reach won't be promoted; one that some reach may be.
        gone = min(map(self._count_gone, agreed)) if certain else 0
        self._replicas.know(max(len(view.replicas) for view in agreed), gone)

    def _count_gone(self, view: _View) -> int:
        """How many replicas have nothing to do with changes for now.

        A former primary is told to follow some ten seconds late; until then it comes last.
        """
        self._former -= {address for address, state in view.replicas.items() if state.follows}
        states = view.replicas.items()
        return sum(state.down or address in self._former for address, state in states)


class _Sentinel:
    """One Sentinel: a connection to ask on, and one that listens."""

    def __init__(
        self, name: str, connect: Callable[[], AbstractConnection], seconds: float
    ) -> None:
        self._questions = [
            encode_command("SENTINEL", *words, name)
            for words in (("GET-MASTER-ADDR-BY-NAME",), ("MASTER",), ("REPLICAS",))
        ]
        self._connect = connect
        self._seconds = seconds
        self._line: PipelinedConnection | None = None
        self._lines: set[PipelinedConnection] = set()  # with those that are about to end
        self._listening: asyncio.Task[None] | None = None
        self.view: _View | None = None

    async def ask(self, heard: Callable[[], object]) -> None:
        """Have its view. ``heard`` is called whenever it publishes, from then on."""
        try:
            async with asyncio.timeout(self._seconds):
                self.view = await self._ask()
        except (RedisError, TimeoutError) as error:
            self.view = None
            if self._line is not None:
                self._line.retire_if_silent_since(asyncio.get_running_loop().time() - self._seconds)
            await self._hang_up()
            failure = failure_in_error(error) or RedisConnectionError("a Sentinel doesn't answer")
            raise failure from None
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._listen(heard))

    async def aclose(self) -> None:
        await self._hang_up()
        await asyncio.gather(*[line.close() for line in self._lines])

    async def _ask(self) -> _View:
        loop = asyncio.get_running_loop()
        line = self._line
        if line is None or not line.usable:
            seconds = max(self._seconds, _CONNECT_SECONDS)
            line = PipelinedConnection(self._connect(), seconds, self._lines.discard)
            self._lines.add(line)
            self._line = line
        if not await line.become_ready():
            raise RedisConnectionError("connection lost")
        deadline = loop.time() + self._seconds
        replies = [line.send(question, deadline) for question in self._questions]
        if (address := await replies[0]) is None:
            raise StoreMisconfigured("url", "no Sentinel knows a primary of that name")
        facts, replicas = await asyncio.gather(*replies[1:])
        described = _pairs(facts)
        replicas = list(map(_pairs, replicas))
        return _View(
            at=loop.time(),
            primary=(address[0].decode(), int(address[1])),
            epoch=int(described["config-epoch"]),
            replicas={
                (one["ip"], int(one["port"])): _State(
                    _DOWN in one["flags"].split(","), one["master-link-status"] == "ok"
                )
                for one in replicas
            },
            failing_over="failover_in_progress" in described["flags"].split(","),
        )

    async def _listen(self, heard: Callable[[], object]) -> None:
        """Listen until the connection ends. It is made again after the next answer."""
        connection = self._connect()
        with contextlib.suppress(RedisError, OSError):
            try:
                await connection.connect()  # type: ignore[no-untyped-call]
                await connection.send_command("SUBSCRIBE", *_CHANNELS)
                while True:
                    await connection.read_response()
                    heard()
            finally:
                await connection.disconnect(nowait=True)

    async def _hang_up(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])


def _see_failure(task: asyncio.Task[Any]) -> None:
    """A failure that nobody waits for is none to report."""
    if not task.cancelled():
        task.exception()


def _pairs(reply: Any) -> dict[str, str]:
    """A reply of names and values in turn."""
    words = [word.decode() for word in reply]
    return dict(zip(words[::2], words[1::2], strict=True))
