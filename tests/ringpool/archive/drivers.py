"""Threads of SQLite's driver, which end some time after a connection could not be opened."""

from __future__ import annotations

import asyncio
import threading

_NAMED = "(_connection_worker_thread)"


async def drivers_end() -> None:
    """Wait for them: one that outlives the event loop fails whatever test runs then."""
    for thread in threading.enumerate():
        if thread.name.endswith(_NAMED):
            await asyncio.to_thread(thread.join, 5)
