"""What is done to a rig while it is asked, each named in the table that is published."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import redis

from loadtests.chaos import rigs
from loadtests.chaos.rigs import Rig, Service
from tests.servers.process import until
from tests.servers.stores import Server

_FROZEN_SECONDS = 5.0
_CUT_SECONDS = 5.0
_STEPPED_SECONDS = 2.0
_SLEWED_SECONDS = 5.0
_BAD_NETWORK_SECONDS = 3.0
_AFTER_BACKUP_SECONDS = 0.5
_COMMANDS = 5
_COMMAND_SECONDS = 10.0


@dataclass(frozen=True)
class Fault:
    """``strike`` does it and returns when it is over; it may be called round after round.

    ``setting``: what the rig has beside the defaults, as the table says it. ``needs``: what it
    would need to keep every promise, for one that doesn't; "": it must keep them all.
    ``guarantee_ms``: how long a promise of the pools lasts that don't recycle.
    """

    name: str
    store: str
    rig: Callable[[], AbstractContextManager[Rig]]
    strike: Callable[[Rig, random.Random], None]
    setting: str = ""
    needs: str = ""
    guarantee_ms: int = 600_000


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
    reply = rig.sentinels[0].command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "numbers")
    address, port = _text(reply[0]), int(reply[1])
    servers = (*rig.primaries, *rig.replicas)
    return next(s for s in servers if (s.place.address, s.port) == (address, port))


def _sentinel_failover(rig: Rig, _: random.Random, *, how: str) -> None:
    primary = _present_primary(rig)
    if how == "killed":
        primary.kill()
    elif how == "frozen":
        primary.pause()
    else:
        _command_failover(rig, primary)
    until(lambda: _present_primary(rig) is not primary)
    time.sleep(1.0)
    if how == "killed":
        primary.start()
    elif how == "frozen":
        primary.resume()
    _until_it_follows(rig, primary)


def _command_failover(rig: Rig, primary: Server) -> None:
    """Command it, and again where the Sentinel gave up: it does when no replica answered lately."""
    for _attempt in range(_COMMANDS):
        with suppress(redis.ResponseError):  # the one before is still under way
            rig.sentinels[0].command("SENTINEL", "FAILOVER", "numbers")
        with suppress(TimeoutError):
            until(lambda: _present_primary(rig) is not primary, _COMMAND_SECONDS)
            return


def _until_it_follows(rig: Rig, former: Server) -> None:
    """Wait until a primary that was replaced is a replica, and all are there."""
    until(lambda: _role(former) == "slave")
    until(
        lambda: (
            _present_primary(rig).command("INFO", "replication")["connected_slaves"]
            == len(rig.replicas)
        )
    )
    until(rig.service.is_ready)


def _cluster_failover(rig: Rig, chance: random.Random, *, how: str) -> None:
    nodes = [*rig.primaries, *rig.replicas]
    primary = _any_primary(rig, chance)
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
    _until_it_serves(rig)


def _any_primary(rig: Rig, chance: random.Random) -> Server:
    nodes = (*rig.primaries, *rig.replicas)
    return chance.choice([node for node in nodes if _role(node) == "master"])


def _until_it_serves(rig: Rig) -> None:
    """Wait until every node of the cluster says that all is well, and the service does."""
    nodes = (*rig.primaries, *rig.replicas)
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
    _until_it_serves(rig)


def _migrate_slots(rig: Rig, chance: random.Random) -> None:
    """Move half of the largest range of slots that a primary has to another one."""
    source, target = chance.sample(rig.primaries, 2)
    first, last = max(_slots(source), key=lambda slots: slots[1] - slots[0])
    middle = (first + last) // 2
    name = _text(target.command("CLUSTER", "MYID"))
    source.command("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", first, middle, "NODE", name)
    until(lambda: all(slots[0] != first for slots in _slots(source)))
    _until_it_serves(rig)


def _slots(node: Server) -> list[tuple[int, int]]:
    """The ranges of slots that a node says it has."""
    identity = node.command("CLUSTER", "MYID")
    ranges = node.command("CLUSTER", "SLOTS")
    return [(first, last) for first, last, primary, *_ in ranges if primary[2] == identity]


def _fill_disk(rig: Rig, _: random.Random, *, kill: bool) -> None:
    filler = rig.service.folder / "data" / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):  # nothing is left for its end
        while True:
            file.write(b"x" * 65536)
    time.sleep(2.0)
    if kill:
        os.kill(rig.service.store(), signal.SIGKILL)
        time.sleep(1.0)
    filler.unlink()
    until(rig.service.is_ready)


def _partition_from_service(rig: Rig, chance: random.Random) -> None:
    """Cut the service off from a primary that everything else reaches."""
    assert rig.network is not None
    primary = _present_primary(rig) if rig.sentinels else _any_primary(rig, chance)
    rig.network.cut([rig.service.place], [primary.place])
    time.sleep(_CUT_SECONDS)
    rig.network.heal()
    until(rig.service.is_ready)


def _partition(rig: Rig, chance: random.Random, *, with_service: bool) -> None:
    """Cut a primary off from all other servers until it is replaced, and a second longer.

    ``with_service``: the service is on the primary's side alone; else it reaches both sides.
    """
    assert rig.network is not None
    primary = _present_primary(rig) if rig.sentinels else _any_primary(rig, chance)
    others = [s for s in (*rig.primaries, *rig.replicas, *rig.sentinels) if s is not primary]
    side = [primary.place] + [rig.service.place] * with_service
    identity = None if rig.sentinels else primary.command("CLUSTER", "MYID")
    rig.network.cut(side, [server.place for server in others])
    if identity is None:
        until(lambda: _present_primary(rig) is not primary)
    else:
        until(lambda: _failed_over(others[0], identity))
    time.sleep(1.0)
    rig.network.heal()
    if identity is None:
        _until_it_follows(rig, primary)
    else:
        until(lambda: _role(primary) == "slave")
        _until_it_serves(rig)


def _step_clock(rig: Rig, chance: random.Random, *, spans: Sequence[int]) -> None:
    """Step a clock by one of the ``spans`` (s), and later step it to what it should be."""
    assert rig.clock is not None
    rig.clock.step_to(chance.choice(spans))
    time.sleep(_STEPPED_SECONDS)
    rig.clock.step_to(0)


def _restore_elsewhere(rig: Rig, _: random.Random, *, last: bool) -> None:
    """Back up, and go on with it on the other store, until pools give new numbers again.

    ``last``: the backup closes the store, so that they do at once; else what is answered after it
    isn't known afterwards.
    """
    service, file = rig.service, rig.service.folder / "backup"
    url = service.settings["RINGPOOL_REDIS_URL"]
    (empty,) = (store for store in rig.primaries if store.url != url)
    empty.command("FLUSHALL")
    service.run("backup", file, *["--last"] * last)
    time.sleep(_AFTER_BACKUP_SECONDS)
    service.stop()
    service.settings = {**service.settings, "RINGPOOL_REDIS_URL": empty.url}
    restored = json.loads(service.run("restore", "--json", *["--no-rest"] * last, file))
    service.start()
    for end in restored["rests_until"].values():
        until(partial(_is_over, datetime.fromisoformat(end)))


def _is_over(end: datetime) -> bool:
    return datetime.now(UTC) > end


def _reset_connections(rig: Rig, _: random.Random) -> None:
    assert rig.proxy is not None
    for _turn in range(20):
        rig.proxy.reset()
        time.sleep(0.1)
    until(rig.service.is_ready)


def _halve_connections(rig: Rig, chance: random.Random) -> None:
    assert rig.proxy is not None
    for _turn in range(20):
        chance.choice((rig.proxy.half_close, rig.proxy.cut_replies))()
        time.sleep(0.1)
    until(rig.service.is_ready)


def _slow_network(rig: Rig, _: random.Random, *, seconds: float) -> None:
    assert rig.proxy is not None
    rig.proxy.slowness = seconds
    time.sleep(_BAD_NETWORK_SECONDS)
    rig.proxy.slowness = 0.0
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
    bad_network = rigs.standalone_on_a_bad_network
    yield Fault("connections to the store reset", "standalone", bad_network, _reset_connections)
    yield Fault(
        "connections half-closed, or cut within a reply",
        "standalone",
        bad_network,
        _halve_connections,
    )
    yield Fault(
        "network slow, up to 0.2 s each way",
        "standalone",
        bad_network,
        partial(_slow_network, seconds=0.2),
    )
    for last in (True, False):
        yield Fault(
            "moved to another store: `backup --last`, `restore --no-rest`"
            if last
            else "backup restored into another store",
            "standalone",
            rigs.standalone_and_an_empty_one,
            partial(_restore_elsewhere, last=last),
            guarantee_ms=600_000 if last else 10_000,
        )
    yield from _clock_faults()
    for replicas, wait in ((1, "1"), (2, "all"), (2, "all-1"), (2, "1")):
        for how in ("killed", "frozen", "commanded"):
            yield Fault(
                f"Sentinel failover, primary {how}"
                if how != "commanded"
                else "Sentinel failover, commanded",
                f"{replicas} replica{'s' * (replicas > 1)}",
                partial(rigs.sentinel, replicas, wait),
                partial(_sentinel_failover, how=how),
                f"RINGPOOL_WAIT_REPLICAS={wait}",
                "all" if (replicas, wait) == (2, "1") else "",
            )
    for replicas, wait in ((1, "1"), (2, "all")):
        yield from _partitions(
            f"{replicas} replica{'s' * (replicas > 1)}",
            partial(rigs.sentinel, replicas, wait, apart=True),
            f"RINGPOOL_WAIT_REPLICAS={wait}",
            "replicas and Sentinels",
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
    yield from _partitions(
        "cluster", partial(rigs.cluster, "1", apart=True), "RINGPOOL_WAIT_REPLICAS=1", "all nodes"
    )


def _clock_faults() -> Iterator[Fault]:
    store = partial(rigs.standalone_with_a_stepped_clock, of="store")
    yield Fault(
        "store's clock 10 s or 1 h back",
        "standalone",
        store,
        partial(_step_clock, spans=(-10, -3600)),
    )
    yield Fault(
        "store's clock 10 s or 1 h ahead",
        "standalone",
        store,
        partial(_step_clock, spans=(10, 3600)),
        needs="a clock that is slewed",
    )
    yield Fault(
        "store's clock slewed, 0.05 % fast",
        "standalone",
        partial(rigs.standalone_with_a_stepped_clock, of="store", rate=1.0005),
        lambda _rig, _chance: time.sleep(_SLEWED_SECONDS),
    )
    yield Fault(
        "service's clock 10 s or 1 h back or ahead",
        "standalone",
        partial(rigs.standalone_with_a_stepped_clock, of="service"),
        partial(_step_clock, spans=(-10, -3600, 10, 3600)),
    )


def _partitions(
    store: str, rig: Callable[[], AbstractContextManager[Rig]], setting: str, others: str
) -> Iterator[Fault]:
    yield Fault("partition: service from primary", store, rig, _partition_from_service, setting)
    for with_service in (False, True):
        side = "service and primary" if with_service else "primary"
        yield Fault(
            f"partition: {side} from {others}",
            store,
            rig,
            partial(_partition, with_service=with_service),
            setting,
        )
