"""A website for one case: its account, its pages, and waiting for what becomes of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, BrowserContext
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page as Tab
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from ringpool.security.signing import Signer
from tests.snippet.conformance.service import Account, Page, Pool, Service

TARGET = "+18005550100"
NUMBER = "+18888695345"
SUPPORT = "+18005550177"
SUPPORT_NUMBER = "+18777001234"

SHOP = "shop.localhost"
"""Names under ``localhost`` are secure contexts: WebCrypto is there, as on https."""
PLAIN_HTTP = "shop.example"
"""The same machine without WebCrypto."""
SERVICE = "dni.localhost"

PATIENCE_MS = 20_000
_IN_TIME = f"""argument => Promise.race([
  (SCRIPT)(argument),
  new Promise((_, fail) => setTimeout(() => fail(new Error('no answer')), {PATIENCE_MS})),
])"""
_QUIET = """() => new Promise(done => {
  const frame = () => requestAnimationFrame(() => requestAnimationFrame(idle));
  const idle = () => requestIdleCallback(() => setTimeout(done, 40), {timeout: 200});
  document.hidden ? setTimeout(done, 100) : frame();
})"""


class View:
    """A tab that shows a page of the site."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab

    def text(self, selector: str = "main") -> str:
        """What stands there, markup apart."""
        return self.tab.eval_on_selector(selector, "e => e.textContent").strip()

    def html(self, selector: str = "main") -> str:
        """The markup there."""
        return self.tab.eval_on_selector(selector, "e => e.innerHTML").strip()

    def shows(self, expected: str, selector: str = "main") -> View:
        """Wait until ``expected`` is all the text that stands there."""
        return self.becomes(
            expected, "s => document.querySelector(s)?.textContent.trim()", selector
        )

    def becomes(self, expected: Any, script: str, argument: Any = None) -> View:
        """Wait until ``script`` (a function of ``argument``) gives ``expected``."""
        test = f"([a, e]) => JSON.stringify(({script})(a)) == e"
        wanted = json.dumps(expected, separators=(",", ":"), ensure_ascii=False)
        try:
            self.tab.wait_for_function(test, arg=[argument, wanted], timeout=PATIENCE_MS)
        except PlaywrightTimeout:
            now = self.tab.evaluate(script, argument)
            if now != expected:
                raise AssertionError(f"it is {now!r}, not {expected!r}") from None
        return self

    def settles(self) -> View:
        """Wait until the page has drawn and idles: what it was going to do at once, it has done."""
        self.tab.evaluate(_QUIET)
        return self

    def keeps(self, expected: str, selector: str = "main") -> View:
        """After the page settled, ``expected`` is all the text that stands there."""
        now = self.settles().text(selector)
        if now != expected:
            raise AssertionError(f"it is {now!r}, not {expected!r}")
        return self

    def run(self, script: str, argument: Any = None) -> Any:
        """What a function gives that is called in the page; an error if it takes too long."""
        return self.tab.evaluate(_IN_TIME.replace("SCRIPT", script), argument)


class Site:
    """One website, one browser profile, one account of the service.

    ``errors``: what the site's pages failed with. ``own_error``: text of an error that is the
    page's own doing, and isn't counted.
    """

    def __init__(self, browser: Browser, service: Service, **options: Any) -> None:
        self.service = service
        self.account: Account = service.account([Pool(TARGET, NUMBER)])
        self.context: BrowserContext = browser.new_context(**options)
        self.context.set_default_timeout(PATIENCE_MS)
        self.errors: list[str] = []
        self.own_error = ""

    def close(self) -> None:
        """End the profile with all its tabs."""
        self.account.wake.set()
        self.context.close()

    def offers(self, *pools: Pool) -> None:
        """Set the account's pools."""
        self.account.pools = list(pools)

    @property
    def script(self) -> str:
        """The address of the account's script."""
        return self.service.at(SERVICE, f"/dni.js?account={self.account.id}")

    def tag(self, attributes: str = "", src: str = "") -> str:
        """What the owner pastes, with more patience for a busy machine unless it says how much."""
        if "data-timeout" not in attributes:
            attributes += f" data-timeout={PATIENCE_MS}"
        return f'<script async src="{src or self.script}" {attributes}></script>'

    def serve(
        self,
        body: str,
        *,
        path: str = "/",
        tag: str | None = None,
        head: str = "",
        headers: dict[str, str] | None = None,
    ) -> str:
        """Put a page on the site; its path on the server. ``tag``: instead of the usual one."""
        where = f"/{self.account.id}{path}"
        document = (
            "<!doctype html><html lang=en><head><meta charset=utf-8><title>Shop</title>"
            f"{head}{self.tag() if tag is None else tag}</head>"
            f"<body><main>{body}</main></body></html>"
        )
        self.service.pages[where] = Page(document.encode(), headers=headers or {})
        return where

    def serve_file(self, path: str, body: str, content_type: str = "text/javascript") -> str:
        """Put a file on the site; its path on the server."""
        where = f"/{self.account.id}{path}"
        self.service.pages[where] = Page(body.encode(), content_type)
        return where

    def open(
        self,
        body: str,
        *,
        query: dict[str, str] | str = "",
        host: str = SHOP,
        before: Sequence[str] = (),
        referrer: str | None = None,
        **page: Any,
    ) -> View:
        """Serve a page and open it in a new tab. ``before``: scripts run ahead of the page's."""
        return self.visit(
            self.serve(body, **page), query=query, host=host, before=before, referrer=referrer
        )

    def visit(
        self,
        path: str,
        *,
        query: dict[str, str] | str = "",
        host: str = SHOP,
        before: Sequence[str] = (),
        referrer: str | None = None,
    ) -> View:
        """Open a page that was served before in a new tab."""
        tab = self.context.new_page()
        tab.on("pageerror", self._note)
        for script in before:
            tab.add_init_script(script)
        text = query if isinstance(query, str) else urlencode(query)
        url = self.service.at(host, path) + (f"?{text}" if text else "")
        tab.goto(url, wait_until="domcontentloaded", referer=referrer)
        return View(tab)

    def tracking_query(
        self,
        number: str = NUMBER,
        pool: str = "main",
        *,
        lives: int = 600,
        by: Signer | None = None,
    ) -> dict[str, str]:
        """What a tracking link adds to the landing page's URL."""
        expires = int(self.service.now()) + lives
        signature = (by or self.service.signer).sign(number, pool, expires)
        return {
            "rp_number": number,
            "rp_pool": pool,
            "rp_exp": str(expires),
            "rp_sig": signature,
        }

    def hears(self, path: str, count: int = 1) -> None:
        """Wait until the service got ``count`` requests for ``path``."""
        self.service.until(lambda: len(self.account.heard(path)) >= count, f"{count} x {path}")

    def _note(self, error: PlaywrightError) -> None:
        text = str(error)
        if not self.own_error or self.own_error not in text:
            self.errors.append(text)
