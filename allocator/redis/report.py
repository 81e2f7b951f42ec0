"""What servers say of how they are set up, for who looks after them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, NamedTuple

from allocator.redis.replicas import Send

ASKED = ("appendfsync", "save")
"""What is in the configuration of a server, and not in its INFO."""


class ServerReport(NamedTuple):
    """One primary. ``address``: where it listens; None: on a Unix socket.

    ``info``: its INFO, by name. ``configuration``: ``ASKED``, by name; None when this user may not
    ask, which one that may do only the service's work may not.
    """

    address: tuple[str, int] | None
    info: Mapping[str, str]
    configuration: Mapping[str, str] | None

    @property
    def is_near(self) -> bool:
        """Whether nothing that is said to it leaves this machine."""
        if self.address is None or self.address[0] == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.address[0]).is_loopback
        except ValueError:  # a name
            return False


async def report(
    address: tuple[str, int] | None, send: Send, refused: type[Exception]
) -> ServerReport:
    """Ask a server. ``refused``: what an error reply raises."""
    lines = (line.partition(":") for line in (await send("INFO")).decode().splitlines())
    info = {name: value for name, _, value in lines if not name.startswith("#")}
    try:
        flat = await send("CONFIG", "GET", *ASKED)
    except refused:
        return ServerReport(address, info, None)
    return ServerReport(address, info, _by_name(flat))


def _by_name(flat: list[Any]) -> dict[str, str]:
    texts = [text.decode() for text in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))
