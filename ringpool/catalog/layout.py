"""Which keys there are and what is in them, as a number that the store keeps.

Versions that know the same layout run side by side on one store: scripts go by their hash, so each
runs its own. A version with another layout brings it into force at its start, and older ones then
refuse to start.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from allocator.port import Store, StoreUnavailable

LAYOUT = 1
"""What this version reads and writes. Stores of before it was written down have this one."""

RESTORING = 1 << 30
"""Stands for the layout while a restore is under way: no version works on half of a store."""

CLOSED = 1 << 29
"""Is added to the layout of a store that was closed for its last backup."""

Migration = Callable[[Store], Awaitable[None]]
"""Brings a store from one layout to the next; may be repeated from any point that it reached."""

MIGRATIONS: Mapping[int, Migration] = {}
"""By the layout that each leaves: one for each below ``LAYOUT``."""


class NewerLayout(StoreUnavailable):
    """A newer version has changed the store's keys: this one would misread them."""

    def __init__(self, found: int) -> None:
        if found == RESTORING:
            super().__init__("a restore into it hasn't finished: wait, or restore again")
            return
        if found > CLOSED:
            super().__init__(
                "it was closed by ringpool backup --last: use the store that this was restored "
                "into, or, if there is none, ringpool reopen"
            )
            return
        super().__init__(
            f"its keys have layout {found}, which is newer than this version's {LAYOUT}: "
            "start the version that wrote it, or a later one"
        )
