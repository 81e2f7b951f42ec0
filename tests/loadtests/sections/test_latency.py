"""The client that sends by the clock."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator

import pytest

from loadtests.sections.latency import constant_rate, percentile


@pytest.fixture
def server() -> Iterator[tuple[str, list[bytes]]]:
    """Answers each connection's requests one by one; its URL and what it was sent."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    seen: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        with connection:
            while request := connection.recv(65536):
                seen.append(request)
                status = b"500 No" if b"/bad" in request else b"200 OK"
                connection.sendall(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_it_sends_as_many_as_the_rate_says(server: tuple[str, list[bytes]]) -> None:
    """200 a second for half a second are 100, each answered and timed."""
    url, seen = server
    took = constant_rate(url, (f"/{n}" for n in itertools.count()), 200, 0.5)
    assert len(took) == len(seen) == 100
    assert min(took) > 0


def test_a_refusal_ends_it(server: tuple[str, list[bytes]]) -> None:
    """Times of errors are no times."""
    with pytest.raises(RuntimeError, match="other than 200"):
        constant_rate(server[0], itertools.repeat("/bad"), 100, 0.1)


def test_percentiles() -> None:
    """Of a hundred values, the 50th and the 99th from below, or the one after it."""
    values = [float(n) for n in range(100)]
    assert (percentile(values, 0.5), percentile(values, 0.99)) == (50, 99)
