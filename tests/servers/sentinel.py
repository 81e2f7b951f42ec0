"""A real Sentinel with the servers that it watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.servers.process import until
from tests.servers.stores import Server, replica_of, sentinel_server, valkey

STUBBORN = {"rename-command": 'REPLICAOF ""\nrename-command SLAVEOF ""'}
"""Settings of a server that follows nobody but whom it was started to follow."""


@dataclass
class Sentinel:
    """A primary called ``numbers``, its replicas, and one Sentinel that watches them."""

    primary: Server
    replicas: list[Server]
    sentinel: Server

    @property
    def replica(self) -> Server:
        """The first of them."""
        return self.replicas[0]

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self.sentinel.port}/numbers"


@contextmanager
def sentinel(
    *others: dict[str, Any], primary_settings: dict[str, Any] | None = None
) -> Iterator[Sentinel]:
    """A Sentinel that fails over within about three seconds. ``others``: more replicas' settings.

    Both stores keep what they have on disk: on a busy machine the Sentinel takes a living primary
    for dead, and may promote the one that was started again before it has copied anything.
    """
    disk: dict[str, Any] = {"appendonly": "yes", "appendfsync": "always"}
    with ExitStack() as stack:
        primary = stack.enter_context(valkey(**disk, **(primary_settings or {})))
        replicas = [
            stack.enter_context(replica_of(primary, **disk, **settings))
            for settings in ({}, *others)
        ]
        watch = {
            "sentinel monitor": f"numbers 127.0.0.1 {primary.port} 1",
            "sentinel down-after-milliseconds": "numbers 2000",
            "sentinel failover-timeout": "numbers 3000",
        }
        watcher = stack.enter_context(sentinel_server(watch))
        until(lambda: len(watcher.command("SENTINEL", "REPLICAS", "numbers")) == len(replicas))
        yield Sentinel(primary, replicas, watcher)
