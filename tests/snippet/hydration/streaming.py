"""A web server whose answers come in pieces, each when the test lets it go."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.snippet.conformance.loopback import LoopbackServer, serving

_MAX_WAIT_SECONDS = 60.0


class Answer:
    """Something to be served: its pieces, sent one by one.

    ``release()`` lets the next piece go; ``held`` is how many pieces wait for that (the last ones;
    those before are sent at once).
    """

    def __init__(self, *pieces: str, content_type: str = "text/html", held: int = 0) -> None:
        self.pieces = [piece.encode() for piece in pieces]
        self.content_type = content_type
        self._held = held
        self._released = threading.Semaphore(0)

    def release(self, pieces: int = 1) -> None:
        """Let as many more pieces go."""
        self._released.release(pieces)

    def sent(self) -> Iterator[bytes]:
        """Each piece when it may go."""
        for number, piece in enumerate(self.pieces):
            if number >= len(self.pieces) - self._held:
                self._released.acquire(timeout=_MAX_WAIT_SECONDS)
            yield piece


class StreamingServer:
    """Answers by path, on loopback."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.answers = self.answers

    def serve(self, path: str, answer: Answer) -> Answer:
        """Put an answer on the server."""
        self.answers[path] = answer
        return answer

    def at(self, host: str, path: str) -> str:
        """The URL of a path under one of the names that lead here."""
        return f"http://{host}:{self._server.server_address[1]}{path}"

    @contextmanager
    def running(self) -> Iterator[StreamingServer]:
        """Serve until the end of the block."""
        with serving(self._server, self._let_go):
            yield self

    def _let_go(self) -> None:
        for answer in self.answers.values():
            answer.release(len(answer.pieces))


class _Server(LoopbackServer):
    answers: Mapping[str, Answer]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        answer = self.server.answers.get(urlsplit(self.path).path)
        self.send_response(200 if answer else 204)
        if answer:
            self.send_header("content-type", f"{answer.content_type}; charset=utf-8")
        self.end_headers()  # HTTP/1.0: the end of the connection is the end of the answer
        for piece in answer.sent() if answer else ():
            self.wfile.write(piece)
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        pass
