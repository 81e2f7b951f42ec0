"""Processes that tests and measurements start: waited for by condition, stopped by their pid."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import redis

T = TypeVar("T")

READY_SECONDS = 60.0
_STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Place:
    """Where a process runs: its address, and the words that its command begins with."""

    address: str = "127.0.0.1"
    command: tuple[str, ...] = ()


LOOPBACK = Place()


class NotInstalled(Exception):
    """A program of the machine is missing; the text says which, and how to get it."""


def until(condition: Callable[[], T], seconds: float = READY_SECONDS) -> T:
    """Wait until the condition holds, errors of the server counting as "not yet"."""
    limit = time.monotonic() + seconds
    while True:
        error: Exception | None = None
        try:
            if result := condition():
                return result
        except ChildProcessError:  # it has ended: there is nothing to wait for
            raise
        except (redis.RedisError, OSError) as caught:
            error = caught
        if time.monotonic() > limit:
            raise TimeoutError(f"not within {seconds} s: {condition}") from error
        time.sleep(0.01)


def free_port() -> int:
    """A TCP port that is free now. Another process may take it: starters try again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new folder, removed in the end."""
    folder = Path(tempfile.mkdtemp(prefix="ringpool-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(
    command: Sequence[str | os.PathLike[str]],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    cores: frozenset[int] | None = None,
    stop: signal.Signals = signal.SIGTERM,
    **options: Any,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the context is left; what it prints is appended to ``log``.

    ``cores``: those that it and what it starts are kept on. ``stop``: what it is sent in the end;
    it is killed when it doesn't end by that. ``options``: more of ``subprocess.Popen``, such as
    ``stdout`` for what isn't to go to the log.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            **{"stdout": output, "stderr": output, **options},
        )
    try:
        if cores:
            os.sched_setaffinity(process.pid, cores)
        yield process
    finally:
        process.send_signal(stop)  # does nothing when it has ended
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until_answered(
    process: subprocess.Popen[bytes], log: Path, answers: Callable[[], object]
) -> None:
    """Wait until ``answers`` does without an error; raises RuntimeError if the process ends."""

    def answered() -> bool:
        if process.poll() is not None:
            raise ChildProcessError
        answers()
        return True

    try:
        until(answered)
    except (ChildProcessError, TimeoutError) as error:
        raise RuntimeError(f"{process.args!r}:\n{log.read_text()[-2000:]}") from error
