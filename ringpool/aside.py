"""Long work beside the event loop: one piece at a time, on a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

SHORT = 1_000
"""Numbers, or values of a document, that take milliseconds: a thread isn't worth it."""

_thread = ThreadPoolExecutor(1, "aside")


async def aside(size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What ``work`` returns or raises; meanwhile the event loop goes on if the work is long.

    ``size``: how many numbers or values it is about. What is given to it may not be changed.
    """
    if size <= SHORT:
        return work(*args, **kwargs)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_thread, lambda: work(*args, **kwargs))
