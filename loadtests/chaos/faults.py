"""What is done to a rig while it is asked, each named in the table that is published."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial

from loadtests.chaos import rigs
from loadtests.chaos.rigs import Rig, Service
from tests.servers.process import until
from tests.servers.stores import Server

_FROZEN_SECONDS = 5.0


@dataclass(frozen=True)
class Fault:
    """``strike`` does it and returns when it is over; it may be called round after round.

    ``setting``: what the rig has beside the defaults, as the table says it. ``rounds``: how many
    at most, where one takes long; None: as many as are asked for.
    """

    name: str
    store: str
    rig: Callable[[], AbstractContextManager[Rig]]
    strike: Callable[[Rig, random.Random], None]
    setting: str = ""


def _kill_worker(rig: Rig, chance: random.Random) -> None:
    before = rig.service.workers()
    os.kill(chance.choice(before), signal.SIGKILL)
    until(lambda: len(set(rig.service.workers()) - set(before)) == 1, 60)


def _kill_service(rig: Rig, _: random.Random) -> None:
    rig.service.kill()
    rig.service.start()


def _kill_embedded_store(rig: Rig, _: random.Random) -> None:
    before = rig.service.store()
    os.kill(before, signal.SIGKILL)
    until(partial(_has_other_store, rig.service, before))
    until(rig.service.is_ready)


def _has_other_store(service: Service, before: int) -> bool:
    try:
        return service.store() != before
    except ValueError:
        return False


def _freeze_embedded_store(rig: Rig, _: random.Random) -> None:
    pid = rig.service.store()
    os.kill(pid, signal.SIGSTOP)
    time.sleep(_FROZEN_SECONDS)
    os.kill(pid, signal.SIGCONT)
    until(rig.service.is_ready)


def _kill_store(rig: Rig, _: random.Random) -> None:
    (store,) = rig.primaries
    store.kill()
    store.start()
    until(rig.service.is_ready)


def _freeze_store(rig: Rig, _: random.Random) -> None:
    store = rig.primaries[0]
    store.pause()
    time.sleep(_FROZEN_SECONDS)
    store.resume()
    until(rig.service.is_ready)


def _cut_connections(rig: Rig, _: random.Random) -> None:
    for store in rig.primaries:
        for _turn in range(5):
            store.command("SCRIPT", "FLUSH")
            store.command("CLIENT", "KILL", "TYPE", "normal")
            time.sleep(0.1)
    until(rig.service.is_ready)


def _present_primary(rig: Rig) -> Server:
    """The server that is primary now, of those that a Sentinel watches."""
    _, port = rig.sentinels[0].command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "numbers")
    return next(s for s in (*rig.primaries, *rig.replicas) if s.port == int(port))


def _sentinel_failover(rig: Rig, _: random.Random, *, how: str) -> None:
    primary = _present_primary(rig)
    if how == "killed":
        primary.kill()
    elif how == "frozen":
        primary.pause()
    else:
        rig.sentinels[0].command("SENTINEL", "FAILOVER", "numbers")
    until(lambda: _present_primary(rig) is not primary)
    time.sleep(1.0)
    if how == "killed":
        primary.start()
    elif how == "frozen":
        primary.resume()
    until(lambda: primary.command("INFO", "replication")["role"] == "slave")
    until(
        lambda: (
            _present_primary(rig).command("INFO", "replication")["connected_slaves"]
            == len(rig.replicas)
        )
    )
    until(rig.service.is_ready)


def _cluster_failover(rig: Rig, chance: random.Random, *, how: str) -> None:
    nodes = [*rig.primaries, *rig.replicas]
    primary = chance.choice([node for node in nodes if _role(node) == "master"])
    identity = primary.command("CLUSTER", "MYID")
    if how == "killed":
        primary.kill()
    else:
        primary.pause()
    other = next(node for node in nodes if node is not primary)
    until(lambda: _failed_over(other, identity))
    time.sleep(0.5)
    if how == "killed":
        primary.start()
    else:
        primary.resume()
    until(lambda: _role(primary) == "slave")
    until(lambda: all(node.command("CLUSTER INFO")["cluster_state"] == "ok" for node in nodes))
    until(rig.service.is_ready)


def _role(node: Server) -> str:
    return str(node.command("INFO", "replication")["role"])


def _failed_over(node: Server, identity: bytes) -> bool:
    """Whether ``node`` knows the primary ``identity`` without slots."""
    known = node.command("CLUSTER NODES").values()
    return any(each["node_id"] == _text(identity) and not each["slots"] for each in known)


def _text(reply: object) -> str:
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def _restart_cluster(rig: Rig, _: random.Random) -> None:
    nodes = [*rig.primaries, *rig.replicas]
    for node in nodes:
        node.kill()
    for node in nodes:
        node.start()
    until(lambda: all(node.command("CLUSTER INFO")["cluster_state"] == "ok" for node in nodes))
    until(rig.service.is_ready)


def _migrate_slots(rig: Rig, chance: random.Random) -> None:
    """Move all slots of one primary to another one."""
    source, target = chance.sample([node for node in rig.primaries if _slots(node)], 2)
    ranges = [word for first, last in _slots(source) for word in (first, last)]
    name = _text(target.command("CLUSTER", "MYID"))
    source.command("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", *ranges, "NODE", name)
    until(lambda: not _slots(source))
    until(rig.service.is_ready)


def _slots(node: Server) -> list[tuple[int, int]]:
    """The ranges of slots that a node says it has."""
    identity = _text(node.command("CLUSTER", "MYID"))
    known = node.command("CLUSTER SLOTS")
    return [
        (first, last)
        for (first, last), servers in known.items()
        if _text(servers["primary"][2]) == identity
    ]


def _fill_disk(rig: Rig, _: random.Random, *, kill: bool) -> None:
    filler = rig.service.folder / "data" / "filler"
    with filler.open("wb") as file, suppress(OSError):
        while True:
            file.write(b"x" * 65536)
            file.flush()
    time.sleep(2.0)
    if kill:
        os.kill(rig.service.store(), signal.SIGKILL)
        time.sleep(1.0)
    filler.unlink()
    until(rig.service.is_ready)


def all_faults() -> Iterator[Fault]:
    """Every fault, in the order of the table."""
    yield Fault("worker killed", "embedded", rigs.embedded, _kill_worker)
    yield Fault("service and store killed, started again", "embedded", rigs.embedded, _kill_service)
    yield Fault("store killed", "embedded", rigs.embedded, _kill_embedded_store)
    yield Fault("store frozen 5 s", "embedded", rigs.embedded, _freeze_embedded_store)
    for kill in (False, True):
        yield Fault(
            "disk full, store killed" if kill else "disk full",
            "embedded",
            rigs.embedded_on_a_small_disk,
            partial(_fill_disk, kill=kill),
        )
    yield Fault("store killed, started again", "standalone", rigs.standalone, _kill_store)
    yield Fault("store frozen 5 s", "standalone", rigs.standalone, _freeze_store)
    yield Fault(
        "scripts flushed, connections killed", "standalone", rigs.standalone, _cut_connections
    )
    for replicas, wait in ((1, "1"), (2, "2"), (2, "1"), (2, "all"), (2, "all-1")):
        for how in ("killed", "frozen", "commanded"):
            yield Fault(
                f"Sentinel failover, primary {how}"
                if how != "commanded"
                else "Sentinel failover, commanded",
                f"{replicas} replica{'s' * (replicas > 1)}",
                partial(rigs.sentinel, replicas, wait),
                partial(_sentinel_failover, how=how),
                f"RINGPOOL_WAIT_REPLICAS={wait}",
            )
    for how in ("killed", "frozen"):
        yield Fault(
            f"cluster primary {how}",
            "cluster",
            partial(rigs.cluster, "1"),
            partial(_cluster_failover, how=how),
            "RINGPOOL_WAIT_REPLICAS=1",
        )
    yield Fault(
        "slots migrated",
        "cluster",
        partial(rigs.cluster, "1"),
        _migrate_slots,
        "RINGPOOL_WAIT_REPLICAS=1",
    )
    yield Fault(
        "whole cluster killed, started again",
        "cluster",
        partial(rigs.cluster, "1"),
        _restart_cluster,
        "RINGPOOL_WAIT_REPLICAS=1",
    )
