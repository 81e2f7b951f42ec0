"""The files in which several workers keep their counts together: where they are, and their space.

Each is mapped into its worker's memory. A page of it that the file system has no room for when it
is first written ends the process by SIGBUS, so every byte is allocated before it is mapped, and
they aren't on the data directory's disk, which may fill: they are in memory where there is a tmpfs,
else in a directory for temporary files.

A worker writes its place's files: its successor counts on where it ended.
prometheus_client has no interface for this: its classes for mapped files are replaced by
subclasses. ``tests/api/server/test_metric_files.py`` says when another version has changed them.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, values
from prometheus_client.mmap_dict import MmapedDict

from api.metrics import worker_deaths

_log = logging.getLogger(__name__)

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_PREFIX = "ringpool-metrics-"
_KINDS = ("counter", "histogram")
_FIRST_BYTES = 1 << 18
"""What a file has room for at the start: some 1,500 counts. It doubles when it is full."""

_MEMORY = Path("/dev/shm")  # noqa: S108 - each service makes a directory of its own in it


@contextmanager
def folder(workers: int, last_resort: Path) -> Iterator[None]:
    """A directory for the files of so many workers, until the context is left.

    Raises OSError when no place has room for them, the directory ``last_resort`` neither.
    """
    folders = [_MEMORY, Path(tempfile.gettempdir()), last_resort]
    for number, parent in enumerate(folders):
        try:
            made, lock = _make(parent, workers)
        except OSError:
            if number + 1 == len(folders):
                raise
        else:
            break
    os.environ[VARIABLE] = str(made)
    try:
        yield
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(lock)


def use(place: int) -> None:
    """Count in the files of a place from now on. Before any metric is made."""
    values.MmapedDict = _AllocatedDict  # type: ignore[attr-defined]
    values.ValueClass = values.MultiProcessValue(lambda: place)  # type: ignore[no-untyped-call]


def death_counter() -> Callable[[str], None]:
    """How the parent process counts a worker that ended, and why, in a file of its own."""
    use(-1)
    deaths = worker_deaths(CollectorRegistry())
    return lambda cause: deaths.labels(cause).inc()


def _make(parent: Path, workers: int) -> tuple[Path, int]:
    """The directory, and a lock on it that says that it is in use. Raises OSError."""
    _remove_left_behind(parent)
    made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    lock = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for place in range(-1, workers):
            for kind in _KINDS:
                with open(made / f"{kind}_{place}.db", "wb") as file:
                    _allocate(file.fileno(), _FIRST_BYTES)
    except OSError:
        shutil.rmtree(made, ignore_errors=True)
        os.close(lock)
        raise
    return made, lock


def _remove_left_behind(parent: Path) -> None:
    """Remove the directories of services that were killed: nobody holds their lock."""
    for old in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            lock = os.open(old, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(lock).st_uid == os.geteuid():
                    shutil.rmtree(old, ignore_errors=True)
            finally:
                os.close(lock)


def _allocate(file: int, size: int) -> None:
    """Have the file system give a file so many bytes; raises OSError when it has no room."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        present = os.fstat(file).st_size
        os.pwrite(file, bytes(max(0, size - present)), present)


class _AllocatedDict(MmapedDict):
    """Counts in a mapped file that has all its space. One that there is no space for isn't kept."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if not read_mode:
            with open(filename, "ab") as file:
                if os.fstat(file.fileno()).st_size == 0:
                    _allocate(file.fileno(), _FIRST_BYTES)
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]
        self._full = False

    def _init_value(self, key: str) -> None:
        needed = self._used + len(key.encode()) + 32  # its length, padding and two doubles
        capacity = self._capacity
        while capacity < needed:
            capacity *= 2
        if capacity > self._capacity:
            _allocate(self._f.fileno(), capacity)
        super()._init_value(key)  # type: ignore[no-untyped-call]

    def read_value(self, key: str) -> tuple[float, float]:
        try:
            value: tuple[float, float] = super().read_value(key)  # type: ignore[no-untyped-call]
        except OSError as error:
            if not self._full:
                _log.error("no space for more metrics in %s: %s", self._fname, error.strerror)
            self._full = True
            return 0.0, 0.0
        return value

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        if key in self._positions:
            super().write_value(key, value, timestamp)  # type: ignore[no-untyped-call]
