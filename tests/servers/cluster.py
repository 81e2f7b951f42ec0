"""A real cluster of Valkeys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.servers.process import LOOPBACK, Place, until
from tests.servers.stores import Server, replicates, valkey


@dataclass
class Cluster:
    """Three primaries in the order of their slots, and replicas of the first of them."""

    primaries: list[Server]
    replicas: list[Server]

    @property
    def url(self) -> str:
        hosts = (f"{node.place.address}:{node.port}" for node in self.primaries)
        return "redis+cluster://" + ",".join(hosts)


@contextmanager
def cluster3(
    *, replicas: int = 0, places: Sequence[Place] = (), **settings: Any
) -> Iterator[Cluster]:
    """Three Valkey primaries in cluster mode that share the slots and agree on it.

    The nodes take each other for dead late, as a busy machine needs; for a test of failovers give
    ``cluster_node_timeout`` (ms). ``places``: one for each node, primaries first.
    """
    options = {
        "cluster_enabled": "yes",
        "cluster_port": "{bus}",
        "cluster_node_timeout": 15_000,
        "cluster_replica_validity_factor": 0,  # a replica never is too far behind to take over
        **settings,
    }
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(valkey(place=place, **options))
            for place in places or [LOOPBACK] * (3 + replicas)
        ]
        for position, (node, slots) in enumerate(
            zip(nodes, ((0, 5460), (5461, 10922), (10923, 16383)), strict=False)
        ):
            node.command("CLUSTER", "SET-CONFIG-EPOCH", position + 1)
            node.command("CLUSTER", "ADDSLOTSRANGE", *slots)
        for node in nodes[1:]:
            nodes[0].command("CLUSTER", "MEET", node.place.address, node.port, node.bus)
        until(lambda: all(_agrees(node, len(nodes)) for node in nodes))
        for primary, replica in zip(nodes[:3], nodes[3:], strict=False):
            replica.command("CLUSTER", "REPLICATE", _text(primary.command("CLUSTER", "MYID")))
        for replica in nodes[3:]:
            until(partial(replicates, replica))
        until(lambda: all(_agrees(node, len(nodes)) for node in nodes))
        yield Cluster(nodes[:3], nodes[3:])


def _text(reply: Any) -> str:
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def _agrees(node: Server, size: int) -> bool:
    facts = node.command("CLUSTER INFO")
    return facts["cluster_state"] == "ok" and int(facts["cluster_known_nodes"]) == size
