"""The port on a Redis or Valkey Cluster of any number of primaries.

A call goes directly to the primary of its slot where that is known (``cluster_routes``). The client
library (``cluster_client``) has the rest: the first call of a slot, one that its node sends
elsewhere, one after a pause, WAIT.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from redis.exceptions import RedisError

from allocator.port import Argument, StoreUnavailable, Unconfirmed
from allocator.redis.cluster_client import (
    ClientError,
    ClusterClient,
    ReplicasOfEach,
    failure_in_client_error,
)
from allocator.redis.cluster_routes import ClusterRoutes, Connect
from allocator.redis.connection import PipelinedConnection, encode_command
from allocator.redis.errors import failure_in_error, is_error_reply
from allocator.redis.replicas import Doubt, Replicas
from allocator.redis.report import ServerReport
from allocator.scripts import Script

Command = tuple[Any, ...]  # number of keys, keys, arguments
_T = TypeVar("_T")

_CONNECT_SECONDS = 1.0
_NOTHING_RAN = ("NOSCRIPT", "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "LOADING")
"""Error replies after which a call may be made again by the library."""

_RENEW_SECONDS = 3.0
"""After so long without any success, begin anew from the nodes in the URL: all may have moved."""


class ClusterStore:
    """``Store`` on the cluster that any of ``nodes`` (host, port) belongs to."""

    def __init__(
        self,
        nodes: Sequence[tuple[str, int]],
        *,
        username: str | None,
        password: str | None,
        tls: ssl.SSLContext | None,
        connection: Connect,
        timeout_ms: int,
        replicas: Callable[[], Replicas],
    ) -> None:
        self._timeout = timeout_ms / 1000
        self._too_late = f"no answer within {timeout_ms} ms"
        attempt_seconds = max(_CONNECT_SECONDS, self._timeout)
        self._make_client = partial(
            ClusterClient,
            nodes,
            username=username,
            password=password,
            tls=tls,
            connect_seconds=_CONNECT_SECONDS,
            attempt_seconds=attempt_seconds,
        )
        # By primary; they outlast the client, which is made anew when nothing answers.
        self._replicas = ReplicasOfEach(replicas)
        self._confirms = bool(replicas().wanted)
        self._routes = ClusterRoutes(connection, connect_seconds=attempt_seconds)
        self._loop = asyncio.get_running_loop()
        self._client: ClusterClient | None = None
        self._loading: asyncio.Task[None] | None = None  # the client's map of slots
        self._last_success = 0.0  # when a call last succeeded, or the client was made
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> Coroutine[Any, Any, bytes]:
        rest = (len(keys), *keys, *args)
        deadline = self._loop.time() + self._timeout
        confirm = self._confirms and not script.read_only
        connection = None if confirm else self._routes.ready(keys[0])
        if connection is None:
            return self._run(script, rest, confirm, deadline)
        reply = connection.send(encode_command("EVALSHA", script.sha, *rest), deadline)
        return self._answer(connection, reply, script, rest, deadline)

    async def ping(self) -> None:
        async def ping(client: ClusterClient) -> None:
            await client.ping_primaries(self._replicas if self._confirms else None)

        await self._in_time(ping, self._loop.time() + self._timeout)

    async def doubts(self) -> list[Doubt]:
        """Reach every primary, and say what ``RINGPOOL_WAIT_REPLICAS`` can't hold on them."""

        async def look(client: ClusterClient) -> None:
            await client.ping_primaries(self._replicas)

        with suppress(Unconfirmed):  # which is one of the doubts
            await self._in_time(look, self._loop.time() + self._timeout)
        return list(dict.fromkeys(self._replicas.doubts()))

    async def servers(self) -> list[ServerReport]:
        """Ask every primary how it is set up."""
        return await self._in_time(ClusterClient.servers, self._loop.time() + self._timeout)

    async def aclose(self) -> None:
        self._closed = True
        self._leave()
        await asyncio.gather(self._routes.aclose(), *self._closing)

    async def _answer(
        self,
        connection: PipelinedConnection,
        reply: asyncio.Future[bytes],
        script: Script,
        rest: Command,
        deadline: float,
    ) -> bytes:
        """The reply to what was sent directly; by the library when nothing ran there."""
        try:
            answer = await reply
        except (RedisError, TimeoutError) as error:
            if not is_error_reply(error, "NOSCRIPT"):
                self._routes.forget(rest[1])
            if not is_error_reply(error, *_NOTHING_RAN):
                if isinstance(error, TimeoutError):
                    connection.retire_if_silent_since(deadline - self._timeout)
                    raise StoreUnavailable(self._too_late) from None
                raise (failure_in_error(error) or error) from None
        else:
            self._last_success = self._loop.time()
            return answer
        return await self._run(script, rest, False, deadline)

    async def _run(self, script: Script, rest: Command, confirm: bool, deadline: float) -> bytes:
        """Make a call by the library."""

        async def call(client: ClusterClient) -> bytes:
            reply = await client.run(script, rest, deadline, self._replicas if confirm else None)
            if not confirm:
                await self._routes.learn(rest[1], client)
            return reply

        return await self._in_time(call, deadline)

    async def _in_time(self, call: Callable[[ClusterClient], Awaitable[_T]], deadline: float) -> _T:
        """Do ``call`` within the deadline, every failure translated."""
        try:
            async with asyncio.timeout_at(deadline):
                result = await call(await self._ready_client())
        except ClientError as error:
            if (failure := failure_in_client_error(error, self._too_late)) is None:
                raise
            if self._loop.time() - self._last_success > _RENEW_SECONDS:
                self._leave()
            raise failure from None
        self._last_success = self._loop.time()
        return result

    async def _ready_client(self) -> ClusterClient:
        """The client with its map of slots. Loaded once for all who wait for it."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if self._client is None:
            self._client = self._make_client()
            self._loading = None
            self._last_success = self._loop.time()
        if self._loading is None or (self._loading.done() and _failed(self._loading)):
            self._loading = asyncio.create_task(self._client.load_slots())
            self._loading.add_done_callback(_failed)
        client, loading = self._client, self._loading
        if not loading.done():
            await asyncio.wait([loading])
            if loading.cancelled():  # a call that failed has left this client
                raise StoreUnavailable(self._too_late)
            loading.result()
        return client

    def _leave(self) -> None:
        """Close the present client in the background; the next call makes another."""
        self._routes.leave()
        client, self._client = self._client, None
        loading, self._loading = self._loading, None
        if client is None:
            return
        task = asyncio.create_task(_close(client, loading))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _failed(task: asyncio.Task[Any]) -> bool:
    return task.cancelled() or task.exception() is not None


async def _close(client: ClusterClient, loading: asyncio.Task[None] | None) -> None:
    await client.close(_CONNECT_SECONDS)
    if loading is not None:
        # Not cancelled at once: calls wait for it.
        await asyncio.wait({loading}, timeout=_CONNECT_SECONDS)
        loading.cancel()
