"""Errors that mean "not now", whatever client library raised them, told from bugs.

A server answers with some error replies while it loads, fails over, is full or misses replicas:
nothing is wrong with the script, and the same call works later. With others it says that a setting
is wrong. Every other error reply is a bug.
"""

from __future__ import annotations

from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from allocator.port import NotPermitted, StoreMisconfigured, StoreUnavailable

_OUTAGES = {
    "ASK": "the cluster is moving this slot",
    "BUSY": "the store is busy with a long script",
    "CLOSED": "it was closed by ringpool backup --last, and is served elsewhere",
    "CLUSTERDOWN": "the cluster is down",
    "LOADING": "the store is loading its data",
    "MASTERDOWN": "the replica has lost its primary",
    "MISCONF": "the store can't write its data to disk",
    "MOVED": "the store is a Redis Cluster: its URL starts with redis+cluster://",
    "NOPERM": "the store's user lacks a permission",
    "NOREPLICAS": "the store has too few replicas, or its disk too little space, to write",
    "OOM": "the store is out of memory",
    "READONLY": "the store is a read-only replica",
    "TRYAGAIN": "the cluster is moving this slot",
    "UNBLOCKED": "the primary was demoted",
    "UNKILLABLE": "the store is busy with a long script",
}

_REFUSED_IN_SCRIPT = ("ERR ACL failure in script", "ERR The user executing the script can't")
"""How Valkey and Redis begin when what is refused isn't the script, but a command or key in it."""

_REFUSED_BY_REPLICA = (
    "WAIT cannot be used with replica instances",
    "WAITAOF cannot be used with replica instances",
)
"""What a server says that was demoted between a change and the wait for its confirmation."""

_CLUSTER = ("url", "the store is a Redis Cluster: its URL starts with redis+cluster://")
_SENTINEL = (
    "url",
    "what answers runs no scripts; if it is a Sentinel, the URL is redis+sentinel://host/name",
)
_NO_PASSWORD = ("url", "the store wants a password")
_NO_WAITAOF = ("wait_aof", "the store has no WAITAOF: it needs Redis 7.2, or Valkey")
_MISCONFIGURED = {
    "NOAUTH": _NO_PASSWORD,
    "Protocol error: unauthenticated": _NO_PASSWORD,  # what it says of a long command
    "WRONGPASS": ("url", "the store refuses the user name or password"),
    "AUTH <password> called without": ("url", "it has a password, and the store none"),
    "DB index is out of range": ("url", "the store has no database of that number"),
    "SELECT is not allowed in cluster mode": _CLUSTER,
    "unknown command 'EVALSHA'": _SENTINEL,
    "unknown command 'SENTINEL'": (
        "url",
        "what answers is no Sentinel: a server's own URL starts with redis://",
    ),
    "This instance has cluster support disabled": (
        "url",
        "what answers is no cluster: a single server's URL starts with redis://",
    ),
    "unknown command 'WAITAOF'": _NO_WAITAOF,
    "WAITAOF cannot be used": ("wait_aof", "the store's append-only file is off"),
}
"""By how a reply begins, its ERR apart: which of the settings, and what is wrong with it."""


def check_kind(role: Any, server: bytes) -> None:
    """Raise StoreMisconfigured for what is no single server, by its ROLE and INFO server."""
    if role[0] == b"sentinel":
        raise StoreMisconfigured(*_SENTINEL)
    if b"_mode:cluster" in server:
        raise StoreMisconfigured(*_CLUSTER)


def failure_in_reply(reply: str) -> StoreUnavailable | None:
    """Why the server can't be had, by an error reply such as ``OOM command not allowed…``.

    None when the reply is a bug's.
    """
    text = reply.removeprefix("ERR ")
    if text.startswith(_REFUSED_BY_REPLICA):
        return StoreUnavailable(_OUTAGES["UNBLOCKED"])
    for beginning, (setting, reason) in _MISCONFIGURED.items():
        if text.startswith(beginning):
            return StoreMisconfigured(setting, reason)
    code = "NOPERM" if reply.startswith(_REFUSED_IN_SCRIPT) else reply.partition(" ")[0]
    outage = _OUTAGES.get(code)
    if outage is None:
        return None
    return NotPermitted(outage) if code == "NOPERM" else StoreUnavailable(outage)


def failure_in_error(error: Exception) -> StoreUnavailable | None:
    """Why the server can't be had, by an error of redis-py; None when it is a bug's.

    Holds no secret: redis-py's texts name no more than hosts.
    """
    if isinstance(error, StoreUnavailable):
        return error
    for text in (getattr(error, "status_code", None), str(error)):
        if text and (failure := failure_in_reply(text)):
            return failure
    if isinstance(error, InvalidResponse):
        return StoreUnavailable("the answer is not in the Redis protocol")
    if isinstance(error, (RedisConnectionError, RedisTimeoutError)):
        return StoreUnavailable(str(error).split("\n", 1)[0][:200])
    return None


def is_error_reply(error: Exception, *codes: str) -> bool:
    """Whether it is the server's error reply with one of these codes."""
    return isinstance(error, ResponseError) and str(error).startswith(codes)
