"""A real Sentinel with the two servers that it watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.servers.process import until
from tests.servers.stores import Server, replica_of, sentinel_server, valkey


@dataclass
class Sentinel:
    """A primary called ``numbers``, its replica, and one Sentinel that watches them."""

    primary: Server
    replica: Server
    sentinel: Server

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self.sentinel.port}/numbers"


@contextmanager
def sentinel() -> Iterator[Sentinel]:
    """A Sentinel that fails over within about three seconds.

    Both stores keep what they have on disk: on a busy machine the Sentinel takes a living primary
    for dead, and may promote the one that was started again before it has copied anything.
    """
    disk = {"appendonly": "yes", "appendfsync": "always"}
    with ExitStack() as stack:
        primary = stack.enter_context(valkey(**disk))
        replica = stack.enter_context(replica_of(primary, **disk))
        watch = {
            "sentinel monitor": f"numbers 127.0.0.1 {primary.port} 1",
            "sentinel down-after-milliseconds": "numbers 2000",
            "sentinel failover-timeout": "numbers 3000",
        }
        watcher = stack.enter_context(sentinel_server(watch))
        until(lambda: watcher.command("SENTINEL", "REPLICAS", "numbers"))
        yield Sentinel(primary, replica, watcher)
