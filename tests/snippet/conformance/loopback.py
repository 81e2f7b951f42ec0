"""Web servers of the tests' own, on loopback and a free port."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer


class LoopbackServer(ThreadingHTTPServer):
    """A thread for each connection."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that hangs up is no failure of a test."""


@contextmanager
def serving(server: LoopbackServer, let_go: Callable[[], None]) -> Iterator[None]:
    """Serve until the end of the block; ``let_go`` ends what requests wait for, before the stop."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        let_go()
        server.shutdown()
        server.server_close()
        thread.join()
