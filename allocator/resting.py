"""Pools that give nothing new for a while: their store forgot what it may have answered.

After a repair of the store's files, a number that looks free may be promised to a tuple that the
store no longer knows. Whatever was promised is over after the pool's longest guarantee.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

_FILE = "store.rest"
_OTHERS = "*"
FOR_EVER = 1 << 53


class Resting:
    """Until when which pool rests, by the file in a data directory as it is now."""

    def __init__(self, folder: Path) -> None:
        self._until: dict[str, int] = {}
        try:
            self._until = json.loads((folder / _FILE).read_text("utf-8"))
        except FileNotFoundError:
            pass
        except ValueError:
            self._until = {_OTHERS: FOR_EVER}

    @property
    def all(self) -> Mapping[str, int]:
        """Until when which pool rests, ms; ``*``: all others."""
        return self._until

    def until(self, pool_id: str) -> int:
        """When a pool's rest is over, ms; 0 when it doesn't rest now."""
        until = self._until.get(pool_id, self._until.get(_OTHERS, 0))
        return until if until > time.time() * 1000 else 0


def rest(folder: Path, until: Mapping[str, int], others: int) -> None:
    """Have pools rest until those times (ms), all others until ``others``; raises OSError.

    A rest that ends later stays. A service that runs already doesn't hear of it.
    """
    path = folder / _FILE
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump({**until, _OTHERS: others}, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
