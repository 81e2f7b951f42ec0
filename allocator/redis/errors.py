"""Errors that mean "not now", whatever client library raised them, told from bugs.

A server answers with some error replies while it loads, fails over, is full or misses replicas:
nothing is wrong with the script, and the same call works later. Every other error reply is a bug.
"""

from __future__ import annotations

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

_OUTAGES = {
    "ASK": "the cluster is moving this slot",
    "BUSY": "the store is busy with a long script",
    "CLUSTERDOWN": "the cluster is down",
    "LOADING": "the store is loading its data",
    "MASTERDOWN": "the replica has lost its primary",
    "MISCONF": "the store can't write its data to disk",
    "MOVED": "the store is a Redis Cluster: its URL starts with redis+cluster://",
    "NOAUTH": "the store wants a password",
    "NOPERM": "the store's user lacks a permission",
    "NOREPLICAS": "the store has too few replicas, or its disk too little space, to write",
    "OOM": "the store is out of memory",
    "READONLY": "the store is a read-only replica",
    "TRYAGAIN": "the cluster is moving this slot",
    "UNKILLABLE": "the store is busy with a long script",
    "WRONGPASS": "the store refuses the user name or password",
}

_REFUSED_IN_SCRIPT = ("ERR ACL failure in script", "ERR The user executing the script can't")
"""How Valkey and Redis begin when what is refused isn't the script, but a command or key in it."""


def outage_in_reply(reply: str) -> str | None:
    """Why the server can't be had, by an error reply such as ``OOM command not allowed…``.

    None when the reply is a bug's.
    """
    if reply.startswith(_REFUSED_IN_SCRIPT):
        return _OUTAGES["NOPERM"]
    return _OUTAGES.get(reply.partition(" ")[0])


def outage_in_error(error: Exception) -> str | None:
    """Why the server can't be had, by an error of redis-py; None when it is a bug's.

    Holds no secret: redis-py's texts name no more than hosts.
    """
    if outage := outage_in_reply(getattr(error, "status_code", None) or str(error)):
        return outage
    if isinstance(error, InvalidResponse):
        return "the answer is not in the Redis protocol"
    if isinstance(error, (RedisConnectionError, RedisTimeoutError)):
        return str(error).split("\n", 1)[0][:200]
    return None


def is_error_reply(error: Exception, *codes: str) -> bool:
    """Whether it is the server's error reply with one of these codes."""
    return isinstance(error, ResponseError) and str(error).startswith(codes)
