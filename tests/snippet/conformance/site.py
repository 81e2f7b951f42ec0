"""A website for one case: its account of the service, its pages, and a browser profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Error as PlaywrightError

from ringpool.security.signing import Signer
from tests.snippet.conformance.account import Account, Call, Pool
from tests.snippet.conformance.service import Page, Service
from tests.snippet.conformance.view import PATIENCE_MS, View
from tests.snippet.engines.protocol import Browser, Context

TARGET = "+18005550100"
NUMBER = "+18888695345"
SUPPORT = "+18005550177"
SUPPORT_NUMBER = "+18777001234"

OLD, NEW = "800-555-0100", "888-869-5345"
"""``TARGET`` as most pages print it, and ``NUMBER`` in its place."""

SHOP = "shop.localhost"
"""Names under ``localhost`` are secure contexts: WebCrypto is there, as on https."""
PLAIN_HTTP = "shop.example"
"""The same machine without WebCrypto."""
SERVICE = "dni.localhost"

QUEUE = "window.ringpool = function () { (ringpool.q = ringpool.q || []).push(arguments) };"
"""What takes commands before the script is there."""


class Site:
    """One website, one browser profile, one account of the service.

    ``errors``: what the site's pages failed with. ``own_error``: text of an error that is the
    page's own doing, and isn't counted.
    """

    def __init__(self, browser: Browser, service: Service, **options: Any) -> None:
        self.service = service
        self.account: Account = service.account([Pool(TARGET, NUMBER)])
        self.context: Context = browser.new_context(**options)
        self.context.set_default_timeout(PATIENCE_MS)
        self.errors: list[str] = []
        self.own_error = ""

    def close(self) -> None:
        """Close the profile with all its tabs."""
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
        """The tag that the owner pastes; it waits for a busy machine unless it has a timeout."""
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
        text = query if isinstance(query, str) else urlencode(query)
        url = self.at(path, host=host) + (f"?{text}" if text else "")
        return self.tab(before).goes_to(url, until="domcontentloaded", referrer=referrer)

    def tab(self, before: Sequence[str] = ()) -> View:
        """A new tab that shows nothing yet."""
        tab = self.context.new_page()
        tab.on("pageerror", self._note)
        for script in before:
            tab.add_init_script(script)
        return View(tab)

    def at(self, path: str, *, host: str = SHOP) -> str:
        """The URL of a page that was served before."""
        return self.service.at(host, path)

    def set_cookie(self, name: str, value: str) -> None:
        """Give the visitor a cookie of the site."""
        self.context.add_cookies([{"name": name, "value": value, "url": self.at("")}])

    def cookies(self) -> list[dict[str, Any]]:
        """The visitor's cookies: ``name``, ``value``, ``expires`` (Unix seconds) and so on."""
        return [dict(cookie) for cookie in self.context.cookies()]

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

    def requests(self, path: str, count: int = 1) -> list[Call]:
        """The requests for ``path``, oldest first: waits until there are ``count``."""
        self.service.until(lambda: len(self.account.requests(path)) >= count, f"{count} x {path}")
        return self.account.requests(path)

    def _note(self, error: PlaywrightError) -> None:
        text = str(error)
        if not self.own_error or self.own_error not in text:
            self.errors.append(text)
