"""The browser that the tests use: the one place that knows which engine runs and how it starts."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from playwright import async_api
from playwright.sync_api import Browser, sync_playwright

NAME = "Chromium"

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP *.example 127.0.0.1, MAP *.localhost 127.0.0.1",
)
"""The browser reaches no host but this machine."""

START_MS = 60_000
"""How long the browser may take to start on a busy machine."""

PHONE: dict[str, Any] = {
    "is_mobile": True,
    "has_touch": True,
    "user_agent": (
        "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Mobile Safari/537.36"
    ),
}
"""Options of a profile that looks like a phone's."""


def installed() -> bool:
    """Whether there is a browser to run."""
    return _executable() is not None


def require() -> None:
    """Skip the test visibly where the browser is missing; fail it where it must be there."""
    if not installed():
        missing("Chromium isn't installed (Debian's chromium, or RINGPOOL_CHROMIUM)")


def missing(what: str) -> None:
    """Skip visibly; fail where everything must be there."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@contextmanager
def running() -> Iterator[Browser]:
    """A browser, and Playwright with it, until the end of the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**_options())
        yield browser
        browser.close()


@asynccontextmanager
async def running_async() -> AsyncIterator[async_api.Browser]:
    """The same for tests that run in an event loop."""
    async with async_api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(**_options())
        yield browser
        await browser.close()


def launch_beside(browser: Browser, *, restores_pages: bool) -> Browser:
    """A second browser under the Playwright of the first one.

    ``restores_pages``: with the back/forward cache, which Playwright switches off.
    """
    return browser.browser_type.launch(**_options(restores_pages))


def _executable() -> str | None:
    return os.environ.get("RINGPOOL_CHROMIUM") or shutil.which("chromium")


def _options(restores_pages: bool = False) -> dict[str, Any]:
    return {
        "executable_path": _executable(),
        "args": list(_ARGUMENTS),
        "ignore_default_args": ["--disable-back-forward-cache"] if restores_pages else [],
        "timeout": START_MS,
    }


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
