"""The browser: found or visibly missed, started once per test process, on a thread of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, sync_playwright

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP *.example 127.0.0.1, MAP *.localhost 127.0.0.1",
)


def executable() -> str | None:
    """The Chromium to use, if there is one."""
    return os.environ.get("RINGPOOL_CHROMIUM") or shutil.which("chromium")


def missing(what: str) -> None:
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


def launch(browsers: BrowserType, *, restores_pages: bool = False) -> Browser:
    """Start a real Chromium that knows no host but this machine.

    ``restores_pages``: with the back/forward cache, which Playwright switches off.
    """
    return browsers.launch(
        executable_path=executable(),
        args=list(ARGUMENTS),
        ignore_default_args=["--disable-back-forward-cache"] if restores_pages else [],
    )


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium, and Playwright with it."""
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        yield browser
        browser.close()
