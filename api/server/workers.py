"""Several worker processes, each with a listening socket of its own on the service's port.

The kernel spreads new connections over sockets that are bound with SO_REUSEPORT. From one socket
that all listen on, the first to wake takes all that came at once: an ad server that opens its
connections together would keep one worker busy and the others idle.

The parent holds the sockets too, so that connections that come while a worker is replaced wait for
its successor. They don't wait long: the parent wakes when a process ends, and a successor is forked
from a process that has loaded the app already.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait

import uvicorn

from api.server import metric_files

_log = logging.getLogger(__name__)

_TICK_SECONDS = 0.5
"""How often workers are asked whether they respond."""

_HUNG_SECONDS = 30.0
"""A worker that doesn't respond for so long is replaced. On a busy machine a working one may be
silent for a few seconds, and its visitors would lose their connections."""

_STEADY_SECONDS = 2.0
"""A worker that ran for so long is replaced at once, which costs a tenth of that; one that ran
shorter after a pause, which doubles as long as it goes on so."""

_PAUSE_SECONDS = (0.1, 5.0)  # the first pause, and the longest

_STARTUP_FAILED = 3
"""uvicorn's exit status of a process whose app doesn't start."""

_FORKS_NO_MORE = 255
"""The exit status that all processes seem to have when the one that forked them has ended."""

_SIGNALS = (
    *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP),
    *(signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU),
)
"""The first three mean something; the others would end or halt this process, and do nothing."""


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


class WorkersFailed(Exception):
    """No worker can start. One line; the log says why."""


class Workers:
    """Worker processes, as many as there are listeners, for as long as ``run`` runs.

    ``shared``: sockets on which all of them listen. ``count_death`` is called with the
    cause when a worker has ended that wasn't asked to.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        listeners: Sequence[socket.socket],
        shared: Sequence[socket.socket] = (),
        count_death: Callable[[str], None] = lambda _cause: None,
    ) -> None:
        self._config = config
        self._places = [_Place(place, [own, *shared]) for place, own in enumerate(listeners)]
        self._sockets = (*listeners, *shared)
        self._count_death = count_death
        self._signals: list[int] = []
        self._served = False
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["ringpool.cli", "uvloop", "api.app"])

    def run(self) -> None:
        """Run the workers until SIGINT or SIGTERM; raises WorkersFailed.

        SIGHUP ends one after the other; its successor listens on the same sockets.
        """
        woken, wake = os.pipe()
        os.set_blocking(woken, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        for number in _SIGNALS:
            signal.signal(number, lambda number, _frame: self._signals.append(number))
        try:
            for place in self._places:
                self._start(place)
            while self._go_on():
                pauses = [
                    place.due - time.monotonic() for place in self._places if not place.worker
                ]
                ends = [place.worker.sentinel for place in self._places if place.worker]
                wait([woken, *ends], max(0.0, min([_TICK_SECONDS, *pauses])))
                with suppress(BlockingIOError):
                    os.read(woken, 1024)
        finally:
            self._stop()
            signal.set_wakeup_fd(-1)
            os.close(woken)
            os.close(wake)

    def _go_on(self) -> bool:
        """Do what is due; False when it is time to stop."""
        while self._signals:
            number = self._signals.pop(0)
            if number in (signal.SIGINT, signal.SIGTERM):
                return False
            if number == signal.SIGHUP:
                self._restart()
        for place in self._places:
            worker = place.worker
            if worker is None:
                if time.monotonic() >= place.due:
                    self._start(place)
                continue
            if worker.is_hung():
                _log.error("worker %d hasn't responded for %d s", worker.pid, _HUNG_SECONDS)
                worker.kill()
            self._served = self._served or worker.started
            if worker.has_ended():
                self._bury(place, worker)
        return True

    def _start(self, place: _Place) -> None:
        try:
            place.worker = _Worker(self._context, self._config, place)
        except (OSError, EOFError) as error:  # no process can be made now
            _log.error("a worker can't be started: %r", error)
            place.worker, place.due = None, time.monotonic() + _PAUSE_SECONDS[1]

    def _bury(self, place: _Place, worker: _Worker) -> None:
        if worker.status == _STARTUP_FAILED and not self._served:
            raise WorkersFailed("the workers don't start: the log says why")
        pause = place.pause_after(worker)
        later = f" in {pause:.1f} s" if pause else ""
        cause = worker.cause()
        _log.error("worker %d ended (%s): another takes its place%s", worker.pid, cause, later)
        self._count_death(cause)
        place.worker, place.due = None, time.monotonic() + pause
        if not pause:
            self._start(place)

    def _restart(self) -> None:
        for place in self._places:
            if place.worker:
                place.worker.stop()
            self._start(place)

    def _stop(self) -> None:
        for listener in self._sockets:  # no connection waits there without an answer
            listener.close()
        workers = [place.worker for place in self._places if place.worker]
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.stop()


class _Place:
    """Where one worker after the other listens."""

    def __init__(self, number: int, sockets: Sequence[socket.socket]) -> None:
        self.number = number
        self.sockets = sockets
        self.worker: _Worker | None = None
        self.due = 0.0  # when the next starts, by the monotonic clock
        self._pause = 0.0

    def pause_after(self, worker: _Worker) -> float:
        """How many seconds the place of a worker that has ended stays empty."""
        first, longest = _PAUSE_SECONDS
        steady = time.monotonic() - worker.began > _STEADY_SECONDS
        self._pause = 0.0 if steady else min(max(first, 2 * self._pause), longest)
        return self._pause


class _Worker:
    """One worker process. ``started``: its app has."""

    def __init__(
        self,
        context: multiprocessing.context.ForkServerContext,
        config: uvicorn.Config,
        place: _Place,
    ) -> None:
        self.began = time.monotonic()
        self.started = False
        self._pipe, theirs = context.Pipe()
        arguments = (config, place.number, place.sockets, theirs)
        self._process = context.Process(target=_serve, args=arguments)
        self._process.start()
        theirs.close()
        self.pid = self._process.pid or 0
        self._asked: float | None = None

    @property
    def sentinel(self) -> int:
        """What is ready to be read when the process ends."""
        return self._process.sentinel

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._process.exitcode

    def cause(self) -> str:
        """Why it ended: a signal's name, or the exit status."""
        status = self.status or 0
        if status < 0:
            with suppress(ValueError):
                return signal.Signals(-status).name
        return f"status {status}"

    def has_ended(self) -> bool:
        """Whether the process is gone."""
        if self.status is None:
            return False
        if self.status == _FORKS_NO_MORE:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self._pipe.close()
        return True

    def is_hung(self) -> bool:
        """Ask whether it responds, without waiting; True when it hasn't for too long."""
        now = time.monotonic()
        with suppress(OSError, EOFError):
            if self._asked is None:
                self._asked = now
                self._pipe.send(None)
            elif self._pipe.poll():
                self.started, self._asked = self._pipe.recv(), None
        return self._asked is not None and now - self._asked > _HUNG_SECONDS

    def terminate(self) -> None:
        """Ask it to answer what it is at, and end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.join()

    def stop(self) -> None:
        """``terminate``, and wait until it has ended; one that doesn't is killed."""
        self._process.terminate()
        self._process.join(_HUNG_SECONDS)
        if self.status is None:
            self.kill()
        self._pipe.close()


def _serve(
    config: uvicorn.Config, place: int, sockets: list[socket.socket], pipe: Connection
) -> None:
    """What a worker process runs."""
    metric_files.use(place)
    server = uvicorn.Server(config)

    def respond() -> None:
        with suppress(OSError, EOFError):
            while True:
                pipe.recv()
                pipe.send(server.started)

    threading.Thread(target=respond, name="responds", daemon=True).start()
    server.run(sockets)
