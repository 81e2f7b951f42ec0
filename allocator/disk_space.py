"""How much space is left on the disk of an embedded store, and whether that is too little.

A store that can't write to its file has answered what that write holds before it refuses the next,
and a kill loses it. So it is to refuse everything that it would write, and a worker to give no new
numbers, while there is still space for what is under way.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path

LOOK_SECONDS = 1.0
"""How often it is looked at: what the store writes meanwhile must fit in what counts as low."""


class DiskSpace:
    """The disk of a data directory. ``least``: the bytes below which it counts as low; 0: never.

    ``low`` is as it was last looked at.
    """

    def __init__(self, folder: Path, least: int) -> None:
        self._folder = folder
        self.least = least
        self.low = False

    def free(self) -> int:
        """The bytes that this user may still write; raises OSError."""
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize

    def look(self) -> bool:
        """Look at it now; returns ``low``. One that can't be looked at stays what it was."""
        with suppress(OSError):
            self.low = self.free() < self.least
        return self.low

    def tell(self) -> str:
        """What is low, in words."""
        least = self.least >> 20
        return f"less than {least} MB are free in {self._folder}: no new numbers are given"

    async def watch(self) -> None:
        """Look at it again and again, on a thread, until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(LOOK_SECONDS)
