"""Around every request: its id, the time it took, security headers, its log entry, and a
catch-all handler for what no endpoint expected.

A plain ASGI callable: Starlette's BaseHTTPMiddleware would cost a task and a stream a request.
"""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Iterable
from time import perf_counter
from typing import Any

import structlog
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.endpoint import Endpoint, deliver
from api.http.refusals import Headers, Refusal
from api.http.replies import Reply, problem
from api.http.request_log import RequestLog
from api.metrics import Metrics

MAX_TARGET_BYTES = 16 * 1024
"""Bytes of path and query; more is answered 414."""

MAX_HEADERS_BYTES = 64 * 1024
"""Bytes of all header names and values; more is answered 431."""

_MAX_PATHS = 4096
"""Paths whose endpoint is remembered, so that the busy ones aren't matched against every route."""

_MAX_PATH_BYTES = 512
"""Longer ones are matched every time: no busy path is so long, and an attacker's would fill the
memory."""

_SAFE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")

_QUIET = frozenset(
    {"allocate_number", "swap", "link", "ping", "route", "livez", "readyz", "metrics"}
)
"""Endpoints too busy for a success to be logged: ``/metrics`` counts them."""

_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
_CONTENT_POLICY = (
    b"content-security-policy",
    b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
)

log = structlog.get_logger("ringpool.http")


class RequestMiddleware:
    """Gives each request an id, measures it, and answers 500 for unexpected errors."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._log = RequestLog()
        self._prefix = secrets.token_hex(6).encode("ascii")
        self._endpoints: dict[str, tuple[Endpoint, dict[str, Any]]] = {}
        self._counter = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        request_id, bytes_of_headers = self._identify(scope["headers"])
        status = 0

        async def send_with_common_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _with_common_headers(message["headers"], request_id)
            await send(message)

        try:
            if (refused := _too_long(scope, bytes_of_headers)) is not None:
                scope.update(self._routed(scope))
                reply = _in_form(scope, receive, refused)
                await deliver(reply, reply.headers, scope, send_with_common_headers)
            elif (known := self._endpoints.get(scope["path"])) is not None:
                scope["endpoint"], scope["path_params"] = known
                reply = await known[0].answer(scope, receive)
                status = reply.status
                await deliver(reply, _with_common_headers(reply.headers, request_id), scope, send)
            else:
                await self._app(scope, receive, send_with_common_headers)
                self._remember(scope)
        except Exception:
            log.exception("bug", path=scope["path"], request_id=request_id.decode())
            if status:
                raise  # the answer has begun: the server closes the connection
            failure = Refusal(500, "InternalError", "something broke here, and it was logged")
            reply = _in_form(scope, receive, failure)
            await deliver(reply, reply.headers, scope, send_with_common_headers)
        finally:
            self._record(scope, status, perf_counter() - started, request_id)

    def _identify(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, int]:
        """The request's id, the caller's if that is a safe one, and the bytes of all headers."""
        size = 0
        given = None
        for name, value in headers:
            size += len(name) + len(value)
            if name == b"x-request-id" and _SAFE_ID.fullmatch(value):
                given = value
        return given or b"%s-%x" % (self._prefix, next(self._counter)), size

    def _routed(self, scope: Scope) -> dict[str, Any]:
        """What routing would add to the scope: ``endpoint`` and ``path_params``."""
        for route in scope["app"].routes:
            match, found = route.matches(scope)
            if match is Match.FULL:
                return dict(found)
        return {}

    def _remember(self, scope: Scope) -> None:
        """Keep what routing found for a path: it has the same answer every time."""
        endpoint = scope.get("endpoint")
        if isinstance(endpoint, Endpoint) and len(scope["path"]) <= _MAX_PATH_BYTES:
            if len(self._endpoints) >= _MAX_PATHS:
                self._endpoints.clear()
            self._endpoints[scope["path"]] = endpoint, scope["path_params"]

    def _record(self, scope: Scope, status: int, seconds: float, request_id: bytes) -> None:
        """Count the request, and log it if it has a line of its own."""
        endpoint = scope.get("endpoint")
        name = endpoint.name if isinstance(endpoint, Endpoint) else "other"
        self._metrics.observe(name, status, seconds)
        if status < 400 and name in _QUIET:
            return
        if self._log.has_line(name, status, scope["path"]):
            # The path only: queries carry keys, signatures and what visitors typed.
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"][:_MAX_PATH_BYTES],
                status=status,
                milliseconds=round(seconds * 1000, 2),
                client=scope["client"][0] if scope.get("client") else "",
                request_id=request_id.decode(),
                **_who_and_why(scope),
            )


def _who_and_why(scope: Scope) -> dict[str, str]:
    """Whose API key or page it was, and the class of what was wrong, as far as there are any."""
    told: dict[str, str] = {}
    if (prepared := scope.get("api_key")) is not None:
        told |= {"account": prepared.account.id, "key": prepared.key.name}
    elif (account := scope.get("account")) is not None:
        told["account"] = account
    if (kind := scope.get("refused")) is not None:
        told["class"] = kind
    return told


def _with_common_headers(headers: Headers, request_id: bytes) -> Headers:
    """A reply's headers with those that every reply has."""
    for name, _ in headers:
        if name == b"content-security-policy":
            return [*headers, (b"x-request-id", request_id), *_SECURITY]
    return [*headers, (b"x-request-id", request_id), *_SECURITY, _CONTENT_POLICY]


def _in_form(scope: Scope, receive: Receive, refused: Refusal) -> Reply:
    """The refusal in the form of the endpoint asked for; a problem where none is, or it fails."""
    endpoint = scope.get("endpoint")
    if isinstance(endpoint, Endpoint):
        try:
            return endpoint.refuse(scope, receive, refused)
        except Exception:
            log.exception("bug", path=scope["path"][:_MAX_PATH_BYTES])
    return problem(refused)


def _too_long(scope: Scope, bytes_of_headers: int) -> Refusal | None:
    if len(scope["raw_path"]) + len(scope["query_string"]) > MAX_TARGET_BYTES:
        return Refusal(414, "UriTooLong", f"path and query: at most {MAX_TARGET_BYTES:,} bytes")
    if bytes_of_headers > MAX_HEADERS_BYTES:
        return Refusal(431, "HeadersTooLarge", f"headers: at most {MAX_HEADERS_BYTES:,} bytes")
    return None
