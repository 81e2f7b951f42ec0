"""Passes a browser's request on to another server of this machine.

The browsers send every request to the suite's server, whatever its address is. Tests with servers
of their own, or with an address where none is, want theirs to arrive there.
"""

from __future__ import annotations

import socket
from email.message import Message
from typing import BinaryIO

_PIECE_BYTES = 1 << 16
_PATIENCE_S = 60.0


def relay(
    port: int, method: str, path: str, headers: Message, body: bytes, answer: BinaryIO
) -> None:
    """Write to ``answer``, piece by piece as it comes, what the server on ``port`` answers.

    It is asked to end the connection after its answer. ``OSError`` where nothing listens.
    """
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [
        f"{name}: {value}"
        for name, value in headers.items()
        if name.lower() not in ("connection", "proxy-connection")
    ]
    request = "\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1")
    with socket.create_connection(("127.0.0.1", port), _PATIENCE_S) as server:
        server.sendall(request + body)
        while piece := server.recv(_PIECE_BYTES):
            answer.write(piece)
            answer.flush()
