"""What the suite needs to use a browser, whichever engine it is (``tests/snippet/engines``)."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import pytest

PHONE: dict[str, Any] = {
    "is_mobile": True,
    "has_touch": True,
    "user_agent": (
        "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Mobile Safari/537.36"
    ),
}
"""Options of a profile that looks like a phone's."""


def missing(what: str) -> NoReturn:
    """Skip visibly; fail where everything must be there."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


class BrowserThread:
    """Runs browser work on one thread.

    Playwright's synchronous API keeps an asyncio loop running in the thread that it is used in,
    and pytest-asyncio needs the main thread's for the tests of other packages.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="browser")

    def run(self, work: Callable[..., Any], /, **arguments: object) -> Any:
        """The result of ``work``, or what it raised."""
        return self._threads.submit(work, **arguments).result()

    def close(self) -> None:
        """Wait for the thread's end."""
        self._threads.shutdown()
