"""Marks requests that come from a trusted proxy, whose headers on the visitor can be believed.

Outermost, since the proxy's address is replaced with the visitor's further in. It is there only
when such a header is named by a setting.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from starlette.types import ASGIApp, Receive, Scope, Send

TRUSTED = "ringpool.trusted_peer"
"""The key in the scope; there only for requests from a trusted proxy."""


class TrustedPeer:
    """ASGI middleware. ``trusted``: addresses and networks, or ``*`` for everybody."""

    def __init__(self, app: ASGIApp, trusted: Iterable[str]) -> None:
        self._app = app
        names = frozenset(trusted)
        self._everybody = "*" in names
        networks = [ipaddress.ip_network(name) for name in names - {"*"}]

        @lru_cache(maxsize=4096)
        def is_trusted(host: str) -> bool:
            try:
                address = ipaddress.ip_address(host)
            except ValueError:  # a socket's path
                return False
            return any(address in network for network in networks)

        self._is_trusted = is_trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            client = scope.get("client")
            if self._everybody or (client and self._is_trusted(client[0])):
                scope[TRUSTED] = True
        await self._app(scope, receive, send)
