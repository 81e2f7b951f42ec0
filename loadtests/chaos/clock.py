"""A clock that can be stepped, for processes that are started with it (libfaketime).

Only the time of day steps; the time that passes (the monotonic clock) goes on, as in a kernel.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.servers.process import NotInstalled, Place


class SteppedClock:
    """The clock of every process that runs at ``place``. ``folder``: where its offset is kept.

    ``rate``: how fast it goes, 1 being right. Raises NotInstalled without Debian's faketime.
    """

    def __init__(self, folder: Path, rate: float = 1.0) -> None:
        libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        if not libraries:
            raise NotInstalled("libfaketime (Debian's faketime package) isn't installed")
        self._offset, self._rate = folder / "clock", rate
        self.step_to(0)
        self.place = Place(
            command=(
                "env",
                f"LD_PRELOAD={libraries[0]}",
                f"FAKETIME_TIMESTAMP_FILE={self._offset}",
                "FAKETIME_NO_CACHE=1",
                "FAKETIME_DONT_FAKE_MONOTONIC=1",
                "NO_FAKE_STAT=1",
            )
        )

    def step_to(self, seconds: int) -> None:
        """Be so far ahead of this machine's clock (negative: behind) from now on."""
        new = self._offset.with_suffix(".new")
        new.write_text(f"{seconds:+d} x{self._rate}\n")
        os.replace(new, self._offset)
