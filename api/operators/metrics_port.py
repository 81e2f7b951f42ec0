"""The port of its own that ``/metrics`` may have, on which nothing else is.

Outermost, and there only when that port is named by a setting. What tells the port is the address
of the socket itself (``scope["server"]``, as uvicorn has it), nothing that a client sends.
"""

from __future__ import annotations

from collections.abc import Awaitable

from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.endpoint import deliver
from api.http.refusals import Refusal
from api.http.replies import problem

PATH = "/metrics"


def came_to(scope: Scope, port: int | None) -> bool:
    """Whether a request came to this port; None is no port."""
    server = scope.get("server")
    return port is not None and server is not None and server[1] == port


class MetricsPort:
    """ASGI middleware. No coroutine of its own: it is around every request of the other port."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._port = port

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and came_to(scope, self._port) and scope["path"] != PATH:
            reply = problem(Refusal(404, "NotFound", f"there is {PATH} here, and nothing else"))
            return deliver(reply, reply.headers, scope, send)
        return self._app(scope, receive, send)
