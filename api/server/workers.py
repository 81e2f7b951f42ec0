"""Several worker processes, each with a listening socket of its own on the service's port.

The kernel spreads new connections over sockets that are bound with SO_REUSEPORT. From one socket
that all listen on, the first to wake takes all that came at once: an ad server that opens its
connections together would keep one worker busy and the others idle.

The parent holds the sockets too, so that what comes while a worker is replaced waits for its
successor.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence

import uvicorn
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process


def listen(host: str, port: int, count: int, backlog: int) -> list[socket.socket]:
    """``count`` sockets on one port (0: a free one); raises OSError.

    Nobody else may listen there. A system that can't spread connections gets one socket.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without SO_REUSEPORT this fails beside any other listener, another service of ours too.
    only = socket.create_server((host, port), family=family, backlog=backlog)
    if count == 1 or not hasattr(socket, "SO_REUSEPORT"):
        return [only]
    port = only.getsockname()[1]
    only.close()
    return [
        socket.create_server((host, port), family=family, backlog=backlog, reuse_port=True)
        for _ in range(count)
    ]


class Workers(Multiprocess):
    """uvicorn's worker processes, as many as there are listeners."""

    def __init__(self, config: uvicorn.Config, listeners: Sequence[socket.socket]) -> None:
        self._listeners = listeners
        super().__init__(config, sockets=[])

    @property
    def sockets(self) -> list[socket.socket]:
        """What the process that is about to start listens on: what a dead one did, or none yet."""
        place = next(
            (i for i, process in enumerate(self.processes) if not process.process.is_alive()),
            len(self.processes),
        )
        return [self._listeners[place % len(self._listeners)]]

    @sockets.setter
    def sockets(self, _sockets: list[socket.socket]) -> None:
        """uvicorn's own assignment."""

    def terminate_all(self) -> None:
        """Let go of the port first, so that no connection is taken in that nobody would answer."""
        for listener in self._listeners:
            listener.close()
        super().terminate_all()

    def restart_all(self) -> None:
        """On SIGHUP: end one worker after the other; each one's successor takes its socket over."""
        for place, process in enumerate(self.processes):
            process.terminate()
            process.join()
            self.processes[place] = Process(self.config, self.sockets)
            self.processes[place].start()

    def handle_ttin(self) -> None:
        """The number of workers is that of the sockets, so it stays."""

    def handle_ttou(self) -> None:
        """As ``handle_ttin``: connections to a socket without a worker would wait for ever."""
