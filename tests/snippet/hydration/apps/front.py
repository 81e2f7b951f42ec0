"""What stands before an app's own server: it holds back what a test wants to come late."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.snippet.conformance.loopback import LoopbackServer, serving
from tests.snippet.conformance.relay import relay
from tests.snippet.conformance.site import Site

_MAX_WAIT_SECONDS = 60.0

NUMBERS = "/numbers"

LATER = "/later"
"""What an app's server asks for when it renders the part of a page that comes late."""


class Gate:
    """Requests for paths that match ``pattern`` as a whole wait here until it is open."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)
        self._open = threading.Event()

    def open(self) -> None:
        """Let them go on, and those that are yet to come."""
        self._open.set()

    def passes(self, path: str) -> None:
        """Return when a request for ``path`` may go on."""
        if self._pattern.fullmatch(path):
            self._open.wait(_MAX_WAIT_SECONDS)


class Front:
    """The site as a browser sees it, on loopback.

    ``/numbers/`` is the number service, as the manual has it, with the account of ``site`` whatever
    the page says; anything else is the app's server on ``port``, which for its own part gets its
    answer for ``LATER`` here.
    """

    def __init__(self, port: int, site: Site) -> None:
        self.app_port = port
        self.site = site
        self.gates: list[Gate] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.front = self

    def hold(self, pattern: str) -> Gate:
        """Hold back what matches from now on, until the gate is opened."""
        gate = Gate(pattern)
        self.gates.append(gate)
        return gate

    def at(self, host: str, path: str) -> str:
        """The URL of a path under one of the names that lead here."""
        return f"http://{host}:{self._server.server_address[1]}{path}"

    @contextmanager
    def running(self) -> Iterator[Front]:
        """Serve until the end of the block."""
        with serving(self._server, self._let_go):
            yield self

    def _let_go(self) -> None:
        for gate in self.gates:
            gate.open()


class _Server(LoopbackServer):
    front: Front


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        front = self.server.front
        path = urlsplit(self.path).path
        for gate in front.gates:
            gate.passes(path)
        if path == LATER:
            self.send_response(204)
            self.end_headers()
            return
        port, asked = front.app_port, self.path
        if path.startswith(NUMBERS):
            port, asked = front.site.service.port, asked.removeprefix(NUMBERS)
        if path == NUMBERS + "/dni.js":
            asked = f"/dni.js?account={front.site.account.id}"
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        relay(port, self.command, asked, self.headers, body, self.wfile)

    do_POST = do_HEAD = do_GET  # noqa: N815 (the names that the library calls)

    def log_message(self, format: str, *args: object) -> None:
        pass
