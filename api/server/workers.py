"""Several worker processes, each with a listening socket of its own on the service's port.

The kernel spreads new connections over sockets that are bound with SO_REUSEPORT. From one socket
that all listen on, the first to wake takes all that came at once: an ad server that opens its
connections together would keep one worker busy and the others idle.

The parent holds the sockets too, so that connections that come while a worker is replaced wait for
its successor.

uvicorn has no interface for this: ``Workers`` overrides parts of its supervisor.
``tests/api/server/test_uvicorn_connection.py`` says which of them another version has changed.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence

import uvicorn
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

RECEIVE_BYTES = 32 * 1024
SEND_BYTES = 128 * 1024
"""What the kernel may keep of one connection (Linux doubles both, for its own needs).

A turn of the event loop reads all that came on every connection before it answers anybody, and
answers until nothing more can be sent. Requests and responses are small; of long ones this is still
megabytes a second.
"""


def listen(host: str, port: int, count: int, backlog: int) -> list[socket.socket]:
    """``count`` sockets on one port (0: a free one); raises OSError.

    No other process may listen there. A system that can't spread connections gets one socket.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without SO_REUSEPORT this fails beside any other listener, even one that shares its port.
    only = socket.create_server((host, port), family=family, backlog=backlog)
    if count == 1 or not hasattr(socket, "SO_REUSEPORT"):
        listeners = [only]
    else:
        port = only.getsockname()[1]
        only.close()
        listeners = [
            socket.create_server((host, port), family=family, backlog=backlog, reuse_port=True)
            for _ in range(count)
        ]
    for listener in listeners:  # the connections that it accepts have it from there
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
    return listeners


class Workers(Multiprocess):
    """uvicorn's worker processes, as many as there are listeners.

    ``shared``: sockets on which all of them listen.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        listeners: Sequence[socket.socket],
        shared: Sequence[socket.socket] = (),
    ) -> None:
        self._listeners = listeners
        self._shared = shared
        super().__init__(config, sockets=[])

    @property
    def sockets(self) -> list[socket.socket]:
        """The sockets of the process that is about to start: its own, and the shared ones.

        Its own is that of a process that died or, at the start, one that no process listens on yet.
        """
        place = next(
            (i for i, process in enumerate(self.processes) if not process.process.is_alive()),
            len(self.processes),
        )
        return [self._listeners[place % len(self._listeners)], *self._shared]

    @sockets.setter
    def sockets(self, _sockets: list[socket.socket]) -> None:
        """uvicorn assigns them; they are the listeners'."""

    def terminate_all(self) -> None:
        """Close the listeners first, so that no connection waits there without an answer."""
        for listener in (*self._listeners, *self._shared):
            listener.close()
        super().terminate_all()

    def restart_all(self) -> None:
        """On SIGHUP: end one worker after the other; its successor listens on the same sockets."""
        for place, process in enumerate(self.processes):
            process.terminate()
            process.join()
            self.processes[place] = Process(self.config, self.sockets)
            self.processes[place].start()

    def handle_ttin(self) -> None:
        """Nothing: there are as many workers as sockets."""

    def handle_ttou(self) -> None:
        """Nothing: connections to a socket without a worker would wait for ever."""
