"""How much space is left on the disk of an embedded store, and whether that is too little.

A store that can't write to its file has answered what that write holds before it refuses the next,
and a kill loses it. So it is to refuse everything that it would write, and a worker to give no new
numbers, while there is still space for what is under way. Whoever else fills the disk may do it
between two looks: so the file is given the space for some seconds ahead.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
from contextlib import suppress
from pathlib import Path

_libc = ctypes.CDLL(None)

LOOK_SECONDS = 1.0
"""How often it is looked at: what the store writes meanwhile must fit in what counts as low."""


_AHEAD_BYTES = 16 << 20
"""What the file has ahead at most: the store writes some 5 MB a second when it is busiest."""

_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE


class DiskSpace:
    """The disk of a data directory. It counts as low below ``least`` bytes, or below a tenth of the
    disk if that is less; with 0 never. ``low`` is as it was last looked at.
    """

    def __init__(self, folder: Path, least: int) -> None:
        self._folder = folder
        self._most = least
        self.low = False
        self._given: tuple[Path | None, int] = None, 0

    def free(self) -> int:
        """The bytes that this user may still write; raises OSError."""
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize

    @property
    def least(self) -> int:
        """The bytes below which it counts as low; raises OSError."""
        if not self._most:
            return 0
        disk = os.statvfs(self._folder)
        return min(self._most, disk.f_blocks * disk.f_frsize // 10)

    def look(self) -> bool:
        """Look at it now; returns ``low``. One that can't be looked at stays what it was."""
        with suppress(OSError):
            self.low = self.free() < self.least
        return self.low

    def has_room_for(self, size: int) -> bool:
        """Whether so many bytes more would leave it not low. Always, where it never counts as low,
        or can't be looked at."""
        try:
            return not self._most or self.free() - size >= self.least
        except OSError:
            return True

    def tell(self) -> str:
        """What is low, in words."""
        with suppress(OSError):
            least = self.least / (1 << 20)
            return f"less than {least:.3g} MB are free in {self._folder}: no new numbers are given"
        return f"{self._folder} can't be looked at: no new numbers are given"

    def give_ahead(self, path: Path) -> None:
        """Give a file space after its end, which it grows into. Nothing where there is no space, or
        a file system can't (only Linux's can)."""
        with suppress(AttributeError, OSError):
            ahead = min(_AHEAD_BYTES, self.least // 2)
            if not ahead:
                return
            file = os.open(path, os.O_WRONLY)
            try:
                size = os.fstat(file).st_size
                given, at = self._given
                if path == given and 0 <= size - at < ahead // 8:
                    return
                offset, length = ctypes.c_longlong(size), ctypes.c_longlong(ahead)
                if not _libc.fallocate(file, _KEEP_SIZE, offset, length):
                    self._given = path, size
            finally:
                os.close(file)

    def take_back(self, path: Path) -> None:
        """Take back what a file has ahead, when nobody writes to it any more."""
        with suppress(OSError):
            os.truncate(path, path.stat().st_size)

    async def watch(self) -> None:
        """Look at it again and again, on a thread, until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(LOOK_SECONDS)
