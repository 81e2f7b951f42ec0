"""Scripts that go through a whole hash page by page, so that no call holds the store for long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

SHELVED_A_CALL = 500
"""About how many numbers one call puts on the shelves of their areas."""


async def every_page(page: Callable[[str], Awaitable[str]]) -> None:
    """Call ``page`` with the cursor that it returned before, from "0" until it returns "0"."""
    cursor = await page("0")
    while cursor != "0":
        cursor = await page(cursor)
