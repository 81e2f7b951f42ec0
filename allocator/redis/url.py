"""``RINGPOOL_REDIS_URL`` to a store: which backend, and every part of the URL checked.

Nothing is contacted: a store connects when it is first asked, and again whenever it must, so a
service starts and recovers whatever the store is doing.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from allocator.redis.cluster import ClusterStore
from allocator.redis.primary import (
    PrimaryConnection,
    PrimarySSLConnection,
    PrimaryUnixConnection,
)
from allocator.redis.replicas import Confirmations, Replicas
from allocator.redis.sentinels import Sentinels
from allocator.redis.standalone import StandaloneStore

_SCHEMES = (
    "redis",
    "rediss",
    "unix",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+cluster",
    "rediss+cluster",
)
_PORT = 6379
_SENTINEL_PORT = 26379
_TLS_OPTIONS = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}
_SENTINEL_OPTIONS = {"sentinel_username", "sentinel_password"}


async def connect(
    url: str,
    *,
    timeout_ms: int = 250,
    wait_replicas: Confirmations | int = 0,
    wait_aof: bool = False,
    unconfirmed: Callable[[], object] = lambda: None,
) -> StandaloneStore | ClusterStore:
    """The store that ``url`` names; call it in the event loop that will use the store.

    ``redis://[user][:password]@host[:6379][/db]``, ``rediss://…`` (TLS), ``unix:///path[?db=0]``,
    ``redis+sentinel://[…@]host[:26379],host…/name[/db]``, ``redis+cluster://[…@]host,host…``;
    ``rediss+sentinel`` and ``rediss+cluster`` for TLS. Options: ``ssl_ca_certs``,
    ``ssl_certfile`` and ``ssl_keyfile`` (paths) with TLS, ``sentinel_username`` and
    ``sentinel_password`` with Sentinel.

    ``unconfirmed`` is called for every change that fails for want of confirmations.

    Raises ValueError, one line that names what is wrong and holds no secret.
    """
    place = _parse(url)
    tls_context = _tls_context(place) if place.tls else None  # a bad file stops the start
    if isinstance(wait_replicas, int):
        wait_replicas = Confirmations(wait_replicas)
    replicas = partial(Replicas, replace(wait_replicas, aof=wait_aof), unconfirmed)
    if place.kind == "cluster":
        return ClusterStore(
            place.hosts,
            username=place.login.get("username"),
            password=place.login.get("password"),
            tls=tls_context,
            connection=lambda host, port: _kind(place)(host=host, port=port, **_connection(place)),
            timeout_ms=timeout_ms,
            replicas=replicas,
        )
    of_primary = replicas()
    if place.kind == "sentinel":
        return _behind_sentinels(place, of_primary, timeout_ms)
    where: dict[str, Any] = {"path": place.path}
    if place.kind == "server":
        where = dict(zip(("host", "port"), place.hosts[0], strict=True))
    kind = _kind(place, primary=bool(of_primary.wanted))  # else a write tells whether it is one
    return StandaloneStore(
        partial(kind, **where, **_connection(place)), of_primary, timeout_ms=timeout_ms
    )


def is_encrypted(url: str) -> bool:
    """Whether connections to the store of a URL are by TLS."""
    return _parse(url).tls


def key_file(url: str) -> str | None:
    """The path of the private key that the service has for the store, if it has one."""
    return _parse(url).tls_files.get("ssl_keyfile")


async def answers_anyone(url: str, address: tuple[str, int], seconds: float) -> bool:
    """Whether a server of the store answers who has no password and no certificate."""
    place = _parse(url)
    files = {name: path for name, path in place.tls_files.items() if name == "ssl_ca_certs"}
    connection = _kind(place)(host=address[0], port=address[1], **_PLAIN, **files)
    try:
        async with asyncio.timeout(seconds):
            await connection.connect()  # type: ignore[no-untyped-call]
            await connection.send_command("PING")
            await connection.read_response()
    except (RedisError, OSError):
        return False
    finally:
        await connection.disconnect(nowait=True)
    return True


def check(url: str) -> None:
    """Raise the ValueError that ``connect`` would raise."""
    place = _parse(url)
    if place.tls:
        _tls_context(place)


_PLAIN: Mapping[str, Any] = {
    # No time limits and no retries of redis-py's own: the store sets a deadline for each call,
    # and doesn't send twice what may have run. RESP2 spares each connection a round trip.
    "protocol": 2,
    "driver_info": None,
    "socket_timeout": None,
    "socket_connect_timeout": None,
    "retry": Retry(NoBackoff(), 0),
}


def _connection(place: _Place) -> dict[str, Any]:
    return {**_PLAIN, **place.tls_files, **place.login, "db": place.db}


def _kind(place: _Place, *, primary: bool = False) -> Callable[..., AbstractConnection]:
    """What makes connections. ``primary``: those that a replica refuses."""
    if place.kind == "socket":
        return PrimaryUnixConnection if primary else UnixDomainSocketConnection
    if place.tls:
        return PrimarySSLConnection if primary else SSLConnection
    return PrimaryConnection if primary else Connection


def _behind_sentinels(place: _Place, replicas: Replicas, timeout_ms: int) -> StandaloneStore:
    settings = {**_PLAIN, **place.tls_files, **place.sentinel_login}

    sentinels = Sentinels(
        place.name,
        place.hosts,
        lambda host, port: _kind(place)(host=host, port=port, **settings),
        seconds=timeout_ms / 1000 / 3,  # leaves time to reach the primary
        replicas=replicas,
    )
    return StandaloneStore(
        partial(_kind(place, primary=True), find=sentinels.primary, **_connection(place)),
        replicas,
        timeout_ms=timeout_ms,
        sentinels=sentinels,
    )


@dataclass(frozen=True, slots=True, repr=False)  # no repr: it holds passwords
class _Place:
    kind: str  # server | socket | sentinel | cluster
    tls: bool
    hosts: list[tuple[str, int]]
    path: str
    name: str
    db: int
    login: dict[str, str]
    sentinel_login: dict[str, str]
    tls_files: dict[str, str]


def _parse(url: str) -> _Place:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("store URL: its host is malformed") from None
    if parts.scheme not in _SCHEMES:
        known = ", ".join(f"{scheme}://" for scheme in _SCHEMES)
        raise ValueError(f"store URL: it starts with none of {known}")
    if parts.fragment:
        raise ValueError("store URL: a # must be written %23")
    scheme, _, kind = parts.scheme.partition("+")
    kind = kind or ("socket" if scheme == "unix" else "server")
    tls = scheme == "rediss"
    userinfo, _, hostlist = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    login = {"username": unquote(user), "password": unquote(password)}
    hosts: list[tuple[str, int]] = []
    if kind != "socket":
        port = _SENTINEL_PORT if kind == "sentinel" else _PORT
        hosts = [_host(text, port) for text in hostlist.split(",")]
    elif hostlist or not parts.path:
        raise ValueError("store URL: unix:// takes an absolute path, unix:///run/store.sock")
    if kind == "server" and len(hosts) > 1:
        raise ValueError("store URL: several hosts need redis+sentinel:// or redis+cluster://")
    options = _options(parts, tls=tls, kind=kind)
    name, database = "", options.pop("db", "")
    if kind != "socket":
        name, database = _path(parts, kind)
    return _Place(
        kind=kind,
        tls=tls,
        hosts=hosts,
        path=unquote(parts.path),
        name=name,
        db=_number(database, "database", 0, 1_000_000) if database else 0,
        login={key: value for key, value in login.items() if value},
        sentinel_login={
            key.removeprefix("sentinel_"): value
            for key, value in options.items()
            if key in _SENTINEL_OPTIONS
        },
        tls_files={key: value for key, value in options.items() if key in _TLS_OPTIONS},
    )


def _path(parts: SplitResult, kind: str) -> tuple[str, str]:
    """The primary's name and the database, each "" when the URL has none."""
    segments = [unquote(segment) for segment in parts.path.split("/") if segment]
    name = ""
    if kind == "sentinel":
        if not segments:
            raise ValueError("store URL: Sentinel needs the primary's name, …/name")
        name = segments.pop(0)
    if segments and kind == "cluster":
        raise ValueError("store URL: a cluster has one database, its URL no path")
    database = segments.pop(0) if segments else ""
    if segments:
        raise ValueError("store URL: its path is longer than …/database")
    return name, database


def _options(parts: SplitResult, *, tls: bool, kind: str) -> dict[str, str]:
    known = set(_TLS_OPTIONS) if tls else set()
    if kind == "sentinel":
        known |= _SENTINEL_OPTIONS
    if kind == "socket":
        known.add("db")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not known.issuperset(options):
        # Not repeated: with a ? unescaped it may be the end of a password.
        allowed = ", ".join(sorted(known)) or "none"
        raise ValueError(f"store URL: unknown option after the ?; allowed here: {allowed}")
    return options


def _host(text: str, default_port: int) -> tuple[str, int]:
    host, bracket, port = text.rpartition("]") if text.startswith("[") else ("", "", "")
    if bracket:
        host, port = host[1:], port.removeprefix(":")
    else:
        host, _, port = text.partition(":")
    host = unquote(host)
    if not host:
        raise ValueError("store URL: a host is missing")
    if any(character.isspace() for character in host):
        raise ValueError("store URL: a host has a blank in it")
    return host, _number(port, "port", 1, 65535) if port else default_port


def _number(text: str, what: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most):
        # The text isn't repeated: with an @ unescaped it may be the end of a password.
        raise ValueError(f"store URL: the {what} is not a number from {least} to {most}")
    return int(text)


def _tls_context(place: _Place) -> ssl.SSLContext:
    files = place.tls_files
    try:
        context = ssl.create_default_context(cafile=files.get("ssl_ca_certs"))
        if "ssl_certfile" in files:
            context.load_cert_chain(files["ssl_certfile"], files.get("ssl_keyfile"))
    except OSError as error:  # SSLError is one
        named = ", ".join(sorted(files))
        raise ValueError(f"store URL: can't use {named}: {error.strerror or error}") from None
    return context
