"""Connections to a server that must be the primary: found by Sentinels, asked for its role."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)

from allocator.redis.replicas import Demoted

Find = Callable[[], Awaitable[tuple[str, int]]]


class _Primary(AbstractConnection):
    """A connection that is refused when what answers is a replica.

    ``find`` says where it is, each time anew; without it, it is where the connection says.
    """

    def __init__(self, *, find: Find | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self._find = find

    async def connect(self) -> None:
        if self._find is not None:
            self.host, self.port = await self._find()
        await super().connect()  # type: ignore[no-untyped-call]
        await self.send_command("ROLE")
        role = await self.read_response()
        if role[0] != b"master":
            raise Demoted


class PrimaryConnection(_Primary, Connection):
    """Over TCP."""


class PrimarySSLConnection(_Primary, SSLConnection):
    """Over TLS."""


class PrimaryUnixConnection(_Primary, UnixDomainSocketConnection):
    """Over a Unix socket."""
