"""Chromium: Debian's ``chromium``, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserType, sync_playwright

NAME = "chromium"
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def _executable() -> str | None:
    return os.environ.get("RINGPOOL_CHROMIUM") or shutil.which("chromium")


def missing() -> str | None:
    """What isn't installed."""
    if _executable():
        return None
    return "Chromium isn't installed (Debian's chromium, or RINGPOOL_CHROMIUM)"


class Launcher:
    """Starts Chromiums."""

    def __init__(self, browsers: BrowserType, proxy: str) -> None:
        self._browsers = browsers
        self._proxy = proxy

    def launch(self, *, restores_pages: bool = False) -> Browser:
        """Start one. ``restores_pages``: with the cache that Playwright switches off."""
        return self._browsers.launch(
            executable_path=_executable(),
            args=list(_ARGUMENTS),
            ignore_default_args=["--disable-back-forward-cache"] if restores_pages else [],
            # Without the bypass rule Chromium would resolve names under localhost itself.
            proxy={"server": self._proxy, "bypass": "<-loopback>"},
        )


@contextmanager
def launcher(proxy: str) -> Iterator[Launcher]:
    """A launcher of browsers that send every request to ``proxy``."""
    with sync_playwright() as playwright:
        yield Launcher(playwright.chromium, proxy)
