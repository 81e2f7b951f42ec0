"""Chromium: Debian's ``chromium``, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from playwright.sync_api import BrowserType, sync_playwright

from tests.snippet.engines.protocol import START_MS, Browser

NAME = "chromium"
TITLE = "Chromium"
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# The last --disable-features counts, so Playwright's own are in it. Beside them is what each window
# loads for its address bar, which no test sees: two pages in processes of their own, half its cost.
_WITHOUT = (
    *("AimEnabled", "AutoDeElevate", "AvoidCorsURLLoaderRestartOnRedirect"),
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "BlockOriginHeaderModificationOnRedirect"),
    *("DestroyProfileOnBrowserClose", "DialMediaRouteProvider", "GlobalMediaControls"),
    *("HttpsUpgrades", "LensOverlay", "MediaRouter", "NetworkTimeServiceQuerying"),
    *("OptimizationHints", "PaintHolding", "ThirdPartyStoragePartitioning", "Translate"),
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
)


def _executable() -> str | None:
    return os.environ.get("RINGPOOL_CHROMIUM") or shutil.which("chromium")


def missing() -> str | None:
    """What isn't installed."""
    if _executable():
        return None
    return "Chromium isn't installed (Debian's chromium, or RINGPOOL_CHROMIUM)"


def options() -> dict[str, Any]:
    """What Playwright, whichever of its two APIs, starts it with."""
    arguments = [*_ARGUMENTS, f"--disable-features={','.join(_WITHOUT)}"]
    return {"executable_path": _executable(), "args": arguments, "timeout": START_MS}


class Launcher:
    """Starts Chromiums."""

    def __init__(self, browsers: BrowserType, proxy: str) -> None:
        self._browsers = browsers
        self._proxy = proxy

    def launch(self, *, restores_pages: bool = False) -> Browser:
        """Start one. ``restores_pages``: with the cache that Playwright switches off."""
        browser = self._browsers.launch(
            ignore_default_args=["--disable-back-forward-cache"] if restores_pages else [],
            # Without the bypass rule Chromium would resolve names under localhost itself.
            proxy={"server": self._proxy, "bypass": "<-loopback>"},
            **options(),
        )
        return cast(Browser, browser)


@contextmanager
def launcher(proxy: str) -> Iterator[Launcher]:
    """A launcher of browsers that send every request to ``proxy``."""
    with sync_playwright() as playwright:
        yield Launcher(playwright.chromium, proxy)
