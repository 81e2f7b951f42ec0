"""Firefox: Debian's ``firefox-esr``, driven by Playwright over WebDriver BiDi.

Playwright calls that support experimental and leaves some things out or does them otherwise than
with Chromium; the classes here are its own objects with those repaired.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import urlsplit

from playwright.sync_api import Browser as PlaywrightBrowser
from playwright.sync_api import BrowserContext, BrowserType, Page, sync_playwright

from tests.snippet.engines.protocol import START_MS, Stage
from tests.snippet.engines.protocol import Browser as BrowserProtocol
from tests.snippet.engines.protocol import Context as ContextProtocol
from tests.snippet.engines.protocol import Tab as TabProtocol

NAME = "firefox"
TITLE = "Firefox"
_FOLLOW_LINK = """url => {
  const link = document.createElement('a');
  link.href = url;
  link.referrerPolicy = 'unsafe-url';
  document.documentElement.append(link);
  link.click();
}"""
# Made ahead, so that a page which looks for new globals doesn't find Playwright's among them.
_PLAYWRIGHTS_GLOBAL = """Object.defineProperty(window, '__pw_bidiInsertText',
  {value: undefined, writable: true, configurable: true})"""
_EXCEPTION = re.compile(r"uncaught exception|\w+")


def _executable() -> str | None:
    return os.environ.get("RINGPOOL_FIREFOX") or shutil.which("firefox-esr")


def missing() -> str | None:
    """What isn't installed."""
    if _executable():
        return None
    return "Firefox isn't installed (Debian's firefox-esr, or RINGPOOL_FIREFOX)"


class Tab:
    """Playwright's page, but for what is defined here."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.add_init_script(_PLAYWRIGHTS_GLOBAL)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._page, name)

    def on(self, event: str, f: Callable[[Any], object]) -> None:
        """Call ``f`` with each page error, without what Firefox adds: refusals, failed requests.

        Those come as errors, too, but have no ``Name: `` in front of their text.
        """
        if event == "pageerror":
            self._page.on(
                "pageerror", lambda error: f(error) if _EXCEPTION.fullmatch(error.name) else None
            )
        else:
            cast(Any, self._page).on(event, f)

    def add_init_script(self, script: str) -> None:
        """Run this ahead of each later page's own scripts, the blank first page left out."""
        self._page.add_init_script(
            f"if (document.URL != 'about:blank' || parent != self) {{ {script} }}"
        )

    def goto(self, url: str, *, wait_until: Stage = "load", referer: str | None = None) -> None:
        """Open a page; from a link on ``referer`` if that is given."""
        if referer is None:
            self._page.goto(url, wait_until=wait_until)
            return
        self._page.goto(referer)
        with self._page.expect_navigation(url=url, wait_until=wait_until):
            self._page.evaluate(_FOLLOW_LINK, url)


class Context:
    """Playwright's context, but for its pages."""

    def __init__(self, context: BrowserContext) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def new_page(self) -> TabProtocol:
        """A new tab."""
        return cast(TabProtocol, Tab(self._context.new_page()))


class Browser:
    """Playwright's browser, but for its contexts."""

    def __init__(self, browser: PlaywrightBrowser) -> None:
        self._browser = browser

    def __getattr__(self, name: str) -> Any:
        return getattr(self._browser, name)

    def new_context(self, *, is_mobile: bool = False, **options: Any) -> ContextProtocol:
        """A new profile; Firefox has no mobile layout to emulate."""
        return cast(ContextProtocol, Context(self._browser.new_context(**options)))


class Launcher:
    """Starts Firefoxes."""

    def __init__(self, browsers: BrowserType, proxy: str) -> None:
        self._browsers = browsers
        self._proxy = urlsplit(proxy)

    def launch(self, *, restores_pages: bool = False) -> BrowserProtocol:
        """Start one."""
        browser = self._browsers.launch(
            channel="moz-firefox",
            executable_path=_executable(),
            timeout=START_MS,
            firefox_user_prefs={
                "browser.chrome.site_icons": False,  # no requests that no page makes
                "dom.ipc.processPrelaunch.enabled": False,  # processes that a test never uses
                # Going back, Playwright waits for an event that restored pages don't have.
                "browser.sessionhistory.max_total_viewers": -1 if restores_pages else 0,
                "network.proxy.type": 1,
                "network.proxy.http": self._proxy.hostname or "",
                "network.proxy.http_port": self._proxy.port or 0,
                "network.proxy.allow_hijacking_localhost": True,
                "network.proxy.no_proxies_on": "",
            },
        )
        return cast(BrowserProtocol, Browser(browser))


@contextmanager
def launcher(proxy: str) -> Iterator[Launcher]:
    """A launcher of browsers that send every request to ``proxy``."""
    with sync_playwright() as playwright:
        yield Launcher(playwright.firefox, proxy)
