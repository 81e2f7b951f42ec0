"""All that is used of aioredis-cluster, its inner parts included: no other module imports it.

The library knows the slots, follows MOVED and ASK, and reloads its map when nodes fail. It would
also send a command again after its connection was lost, when nobody knows whether it ran; the
connection class here stops that, and adds WAIT, which must follow on the same connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import ssl
from collections.abc import Awaitable, Callable, Sequence, Set
from functools import lru_cache
from typing import Any, NamedTuple, cast

from aioredis_cluster.aioredis.errors import ConnectionClosedError, RedisError, ReplyError
from aioredis_cluster.cluster import Cluster
from aioredis_cluster.connection import RedisConnection
from aioredis_cluster.crc import key_slot
from aioredis_cluster.errors import RedisClusterError, UncoveredSlotError
from aioredis_cluster.pool import ConnectionsPool
from aioredis_cluster.structs import Address

from allocator.port import Argument, StoreUnavailable
from allocator.redis.errors import failure_in_reply
from allocator.redis.replicas import Demoted, Doubt, Replicas, Send
from allocator.redis.report import ServerReport, report
from allocator.scripts import Script

ClientError: tuple[type[Exception], ...] = (RedisError, OSError)
"""What a call raises; asyncio's TimeoutError is an OSError."""

_ATTEMPTS = 16  # bounded by the deadline long before
_RETRY_SECONDS = (0.01, 0.1)

# The library warns of every reply and every node it tries again; what is left of it in the end is
# in our StoreUnavailable.
logging.getLogger("aioredis_cluster").setLevel(logging.CRITICAL)


_KEYS_A_PAGE = 1000
"""About how many keys a primary looks at in one call of ``scan``."""

_LOOK_SECONDS = 1.0
"""How long what a node said of its replicas counts."""


class Node(NamedTuple):
    """Where a server listens."""

    host: str
    port: int


class ClusterClient:
    """A client of the cluster that any of ``nodes`` belongs to."""

    def __init__(
        self,
        nodes: Sequence[tuple[str, int]],
        *,
        username: str | None,
        password: str | None,
        tls: ssl.SSLContext | None,
        connect_seconds: float,
        attempt_seconds: float,
    ) -> None:
        self._cluster = Cluster(
            [Address(host, port) for host, port in nodes],
            username=username,
            password=password,
            ssl=tls,
            pool_cls=_Pool,
            follow_cluster=True,
            connect_timeout=connect_seconds,
            attempt_timeout=attempt_seconds,
            max_attempts=_ATTEMPTS,
            retry_min_delay=_RETRY_SECONDS[0],
            retry_max_delay=_RETRY_SECONDS[1],
        )

    async def load_slots(self) -> None:
        """Load the map of slots, unless it is there."""
        await self._cluster.get_cluster_state()

    async def run(
        self,
        script: Script,
        arguments: Sequence[Any],
        deadline: float,
        replicas: ReplicasOfEach | None,
    ) -> bytes:
        """Run a script by EVALSHA, by EVAL where its node doesn't know it.

        ``arguments``: number of keys, keys, arguments. ``deadline``: loop time after which the
        connection is given up. ``replicas``: who must confirm. Raises ClientError.
        """
        limits = {"deadline": deadline, "replicas": replicas}
        reply: bytes
        try:
            reply = await self._cluster.execute(b"EVALSHA", script.sha, *arguments, **limits)
        except ReplyError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
            reply = await self._cluster.execute(b"EVAL", script.text, *arguments, **limits)
        return reply

    async def primaries(self) -> list[Node]:
        """Every primary. Raises ClientError."""
        found = await self._cluster.all_masters()
        return [_address(cast("_Pool", primary.connection).address) for primary in found]

    async def scan(self, *, node: Node, cursor: int, pattern: str) -> tuple[int, list[str]]:
        """Return the next cursor (0 after the last page) and keys of a primary that match.

        Raises ClientError.
        """
        for primary in await self._cluster.all_masters():
            pool = cast("_Pool", primary.connection)
            if _address(pool.address) == node:
                words = (cursor, b"MATCH", pattern, b"COUNT", _KEYS_A_PAGE)
                following, keys = await pool.execute(b"SCAN", *words)
                return int(following), [key.decode(errors="replace") for key in keys]
        raise OSError(f"{node.host}:{node.port} is no primary any more")

    async def ping_primaries(self, replicas: ReplicasOfEach | None) -> None:
        """Have each primary answer a PING, and its ``replicas`` be there. Raises ClientError."""
        primaries = await self._cluster.all_masters()
        if replicas is not None:
            pools = [cast("_Pool", primary.connection) for primary in primaries]
            looks = [pool.execute(b"ROLE", check=replicas) for pool in pools]
            found = await asyncio.gather(*looks, return_exceptions=True)
            replicas.keep_only({_address(pool.address) for pool in pools})
            for failure in filter(None, found):
                raise failure

    async def servers(self) -> list[ServerReport]:
        """Ask every primary how it is set up. Raises ClientError."""
        pools = [cast("_Pool", node.connection) for node in await self._cluster.all_masters()]
        return await asyncio.gather(
            *[report(_address(pool.address), pool.execute, ReplyError) for pool in pools]
        )

    async def primary_of(self, key: str) -> Node | None:
        """The primary of a key's slot by the client's map; None when no node serves it."""
        state = await self._cluster.get_cluster_state()
        try:
            address = state.slot_master(slot_of(key)).addr
        except UncoveredSlotError:
            return None
        return Node(address.host, address.port)

    async def close(self, seconds: float) -> None:
        """Close every connection, within so many seconds."""
        self._cluster.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._cluster.wait_closed()


@lru_cache(maxsize=16384)
def slot_of(key: str) -> int:
    """The hash slot of a key."""
    slot: int = key_slot(key.encode())
    return slot


def failure_in_client_error(error: Exception, too_late: str) -> StoreUnavailable | None:
    """Why the cluster can't be had; None for a bug. Names no more than hosts.

    ``too_late``: what to say of a TimeoutError that is the caller's own.
    """
    if isinstance(error, _UnconfirmedError):
        return error.failure
    if isinstance(error, TimeoutError):
        return StoreUnavailable(too_late)
    if isinstance(error, ReplyError):
        return failure_in_reply(str(error))
    if type(error) is RedisClusterError:  # keys of several slots
        return None
    return StoreUnavailable((str(error) or type(error).__name__).split("\n", 1)[0][:200])


class ReplicasOfEach:
    """The replicas of each primary, by its address."""

    def __init__(self, make: Callable[[], Replicas]) -> None:
        self._make = make
        self._replicas: dict[Node, Replicas] = {}
        self._looked: dict[Node, float] = {}  # loop time

    def of(self, node: Node) -> Replicas:
        """Those of one primary."""
        if node not in self._replicas:
            self._replicas[node] = self._make()
        return self._replicas[node]

    def keep_only(self, nodes: Set[Node]) -> None:
        """Forget those of nodes that are no primaries any more."""
        for node in self._replicas.keys() - nodes:
            del self._replicas[node]
            self._looked.pop(node, None)

    def doubts(self) -> list[Doubt]:
        """What the setting can't hold on any of them."""
        return [doubt for replicas in self._replicas.values() for doubt in replicas.doubts()]

    async def look(self, node: Node, send: Send) -> Replicas:
        """Those of one primary; if all must confirm, as it knew them within the last second."""
        replicas, now = self.of(node), asyncio.get_running_loop().time()
        if replicas.wanted.count is not None:
            return replicas
        if now - self._looked.get(node, -math.inf) > _LOOK_SECONDS:
            try:
                described = await send("CLUSTER", "REPLICAS", await send("CLUSTER", "MYID"))
            except ReplyError as error:
                if "not a " in str(error):  # primary, any more
                    raise Demoted from None
                raise
            flags = [line.split()[2].split(b",") for line in described]
            # FAIL is what most primaries agree on: such a replica gets no votes.
            replicas.know(len(flags), sum(b"fail" in one for one in flags))
            self._looked[node] = now
        return replicas


class _UnconfirmedError(TimeoutError):
    """The command was sent, and whether it ran or lasts is unknown. Being a TimeoutError, it makes
    the library reload its map and not send a command that writes again."""

    def __init__(self, failure: StoreUnavailable) -> None:
        super().__init__(str(failure))
        self.failure = failure


class _Connection(RedisConnection):
    """A connection whose commands have a ``deadline`` (loop time) and wait for ``replicas``."""

    _asking = False

    def execute(
        self,
        command: str | bytes,
        *args: Argument,
        deadline: float | None = None,
        replicas: ReplicasOfEach | None = None,
        check: ReplicasOfEach | None = None,
        **options: Any,
    ) -> Awaitable[Any]:
        if check is not None:
            return self._check(check)
        if deadline is None:
            self._asking = command == b"ASKING"
            # The library's own commands.
            return self._send(command, *args, **options)
        if replicas is not None:
            return self._confirm((command, *args), replicas, deadline)
        # Raises ConnectionClosedError when the connection is known to be dead: nothing was sent
        # then, and the library tries again elsewhere.
        return self._answered(self._send(command, *args, **options), deadline)

    def _send(self, command: Argument, *args: Argument, **options: Any) -> Awaitable[Any]:
        try:
            return cast("Awaitable[Any]", super().execute(command, *args, **options))
        except RuntimeError as error:  # uvloop's, of a transport that is closed already
            raise ConnectionClosedError(str(error)) from error

    async def _check(self, of_each: ReplicasOfEach) -> None:
        try:
            replicas = await of_each.look(_address(self.address), self._send)
            await replicas.check(self._send)
        except StoreUnavailable as error:
            raise _UnconfirmedError(error) from None

    async def _confirm(
        self, command: tuple[Any, ...], of_each: ReplicasOfEach, deadline: float
    ) -> Any:
        loop, sent = asyncio.get_running_loop(), False
        asking, self._asking = self._asking, False

        def send(*words: Argument) -> Awaitable[Any]:
            nonlocal sent
            reply = self._send(*words)
            sent = sent or words[0] == command[0]
            return reply

        async def confirmed() -> Any:
            node = _address(self.address)
            # What ASKING allows is the very next command.
            replicas = of_each.of(node) if asking else await of_each.look(node, send)
            left = lambda: deadline - loop.time()  # noqa: E731
            return await replicas.confirm(send, command, left, at_once=asking)

        try:
            return await self._answered(confirmed(), deadline)
        except StoreUnavailable as error:
            raise _UnconfirmedError(error) from None
        except _UnconfirmedError as error:
            if not sent and (closed := error.__cause__):
                raise closed from None  # nothing was sent that writes
            raise

    async def _answered(self, reply: Awaitable[Any], deadline: float) -> Any:
        try:
            return await reply
        except (ConnectionClosedError, OSError) as error:
            failure = StoreUnavailable("connection lost before the reply")
            raise _UnconfirmedError(failure) from error
        except asyncio.CancelledError:
            # Out of time, not merely unwanted: the peer may be dead, so reach it anew next time.
            # The reply of a call that was merely cancelled is thrown away at its place.
            if asyncio.get_running_loop().time() >= deadline:
                self.close()
            raise


def _address(address: Any) -> Node:
    host, port = address
    return Node(host, port)


class _Pool(ConnectionsPool):
    """The library's pool of one node's connections, with our connections in it."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **{**settings, "connection_cls": _Connection})

    async def _drop_closed(self) -> None:
        # The library's waits for those that it drops. One that is lost meanwhile stayed, and who
        # took it had an AssertionError.
        await super()._drop_closed()
        while any(connection.closed for connection in self._pool):
            await super()._drop_closed()
