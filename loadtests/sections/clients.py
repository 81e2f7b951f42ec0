"""Clients for a cluster: aioredis-cluster, which ours uses, next to valkey-glide and coredis.

aioredis-cluster was last released in 2023. It is used behind one adapter (``allocator/redis/
cluster.py``) that asks it only where a slot is, and for the calls that don't go the usual way; the
rest goes through connections of ours. So its rate matters little. What would make one switch:

- it no longer installs or runs on a Python that is supported, or with the redis-py or hiredis that
  the rest needs, and no fix is released;
- a fault in how it follows a failover or resharding that the adapter can't keep off
  (``tests/allocator/redis/test_cluster.py`` goes through them);
- another client answers more calls a second of processor time than ``client_ringpool`` does here,
  so that the connections of ours could go too.

What the successor must do: never send a call again that may have run; a bounded time a call; WAIT
on the connection of the call before it; no threads that fork badly into workers.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import msgspec

from loadtests.figures import Figure, of_rounds
from loadtests.section import Bench, Section
from loadtests.tools import machine, services
from loadtests.tools.cluster_clients import CLIENTS, TASKS, TEXT, Measured

_ROOT = Path(__file__).parents[2]
_BASE = "aioredis-cluster"
_MODULES = {"valkey-glide": "glide", "coredis": "coredis"}


def _measure(bench: Bench) -> list[Figure]:
    missing = {
        name for name, module in _MODULES.items() if importlib.util.find_spec(module) is None
    }
    for name in sorted(missing):
        print(f"skipped: {name} isn't installed (the extra `bench`)", file=sys.stderr)
    names = [name for name in CLIENTS if name not in missing]
    found: dict[str, list[Measured]] = {name: [] for name in names}
    with services.cluster(bench.others) as nodes:
        for node in nodes.primaries:
            node.command("SCRIPT", "LOAD", TEXT)
        for _ in range(bench.rounds):
            for name in names:
                found[name].append(_one(bench, name, nodes.url))
    figures = []
    for name in names:
        label = f"client_{name.replace('-', '_')}"
        pairs = list(zip(found[name], found[_BASE], strict=True))
        if name != _BASE:
            meaning = f"{name}: calls/s next to {_BASE}, one EVALSHA a call, {TASKS} at a time"
            ratios = [_rate(one) / _rate(base) for one, base in pairs]
            figures.append(of_rounds(label, ratios, meaning))
        meaning = f"{name}: processor time of a call, the client's threads included"
        times = [one.cpu_seconds / one.calls * 1e6 for one in found[name]]
        figures.append(of_rounds(f"{label}_cpu", times, meaning, unit="µs"))
    return figures


def _rate(measured: Measured) -> float:
    return measured.calls / measured.seconds


def _one(bench: Bench, name: str, url: str) -> Measured:
    """One client in a process of its own, so that its processor time is known."""
    command = (sys.executable, "-m", "loadtests.tools.cluster_clients", name, url)
    ended = subprocess.Popen(
        (*command, str(bench.seconds)),
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    machine.pin(ended.pid, bench.core)
    output, errors = ended.communicate(timeout=bench.seconds + 60)
    if ended.returncode:
        raise RuntimeError(f"{name}: {errors.decode()[-1000:]}")
    return msgspec.json.decode(output, type=Measured)


SECTION = Section(
    "Clients for a cluster", ["client_valkey_glide", "client_coredis", "client_ringpool"], _measure
)
