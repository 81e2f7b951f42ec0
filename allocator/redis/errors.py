"""Error replies that mean "not now", whatever client library read them.

A server answers these while it loads, fails over, is full or misses replicas: nothing is wrong
with the script, and the same call works later. Every other error reply is a bug.
"""

from __future__ import annotations

_REASONS = {
    "ASK": "the cluster is moving this slot",
    "BUSY": "the store is busy with a long script",
    "CLUSTERDOWN": "the cluster is down",
    "LOADING": "the store is loading its data",
    "MASTERDOWN": "the replica has lost its primary",
    "MISCONF": "the store can't write its data to disk",
    "MOVED": "the store is a Redis Cluster: its URL starts with redis+cluster://",
    "NOAUTH": "the store wants a password",
    "NOPERM": "the store's user lacks a permission",
    "NOREPLICAS": "the store has too few replicas to accept writes",
    "OOM": "the store is out of memory",
    "READONLY": "the store is a read-only replica",
    "TRYAGAIN": "the cluster is moving this slot",
    "UNKILLABLE": "the store is busy with a long script",
    "WRONGPASS": "the store refuses the user name or password",
}


def reason(reply: str) -> str | None:
    """What an error reply such as ``OOM command not allowed…`` says; None when it is a bug."""
    return _REASONS.get(reply.partition(" ")[0])
