"""Looks at a page in a real browser: a Chromium driven by Playwright (the extra ``check``).

The page runs with ``?rp_test=1``: the script swaps made-up numbers in and asks for none, so that a
check takes nothing from a pool. ``ringpool('restore')`` then puts the site's own numbers back, and
what differs is what was swapped.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from ringpool.page_check.look import TIMEOUT_S, CannotLook, Look
from ringpool.page_check.tree import DEEPEST, Element

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright, Route

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_SNAPSHOT = (files("ringpool.page_check") / "snapshot.js").read_text("utf-8")
_REACH_LOOPBACK = "--disable-features=LocalNetworkAccessChecks"
"""A page from a file comes from no network, so that Chromium would keep it from a service on this
machine."""

_TEST_RUN = "rp_test=1"
_IDLE_MS = 5_000
_ABOUT_US = ("dni.js", "dni-debug.js", "ringpool", "/v1/swap")


class NoBrowser(Exception):
    """There is no browser to look with; the message says what is missing."""


class _Seen(msgspec.Struct):
    """What ``snapshot.js`` gives, as JSON."""

    ran: bool
    page: Element
    swapped: Element | None = None
    consent: dict[str, str] = {}


def look(url: str, body: bytes | None, executable: str | None) -> Look:
    """Open the page at ``url``; ``body``: what is there, when it isn't to be fetched.

    ``executable``: the browser; None: the first one found. Raises NoBrowser or CannotLook.
    """
    try:
        from playwright import sync_api  # an extra, and slow to import
    except ImportError:
        message = "Playwright isn't installed: pip install 'ringpool[check]'"
        raise NoBrowser(message) from None
    with sync_api.sync_playwright() as playwright:
        arguments = [_REACH_LOOPBACK] if body is not None else []
        browser = _started(playwright, executable, arguments, sync_api.Error)
        try:
            return _opened(browser, url, body, sync_api.Error)
        finally:
            browser.close()


def _started(
    playwright: Playwright, executable: str | None, arguments: list[str], error: type[Exception]
) -> Browser:
    path = executable or next(filter(None, map(shutil.which, _NAMES)), None)
    try:
        # Chromium's sandbox doesn't work for root.
        sandbox = os.geteuid() != 0
        return playwright.chromium.launch(
            executable_path=path, args=arguments, chromium_sandbox=sandbox
        )
    except error as caught:
        cause = str(caught).strip().splitlines()[0]
        raise NoBrowser(f"{path or 'Chromium'} doesn't start: {cause}") from None


def _opened(browser: Browser, url: str, body: bytes | None, error: type[Exception]) -> Look:
    page = browser.new_page()
    page.set_default_timeout(TIMEOUT_S * 1000)
    address = _with_test_run(url)
    if body is not None:
        page.route(lambda asked: asked == address, _fulfilled(body))
    complaints: list[str] = []
    requested: list[str] = []

    def note(text: str) -> None:
        if any(word in text for word in _ABOUT_US) and len(complaints) < 20:
            complaints.append(" ".join(text.split())[:400])

    page.on("console", lambda message: note(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda raised: note(str(raised)))
    page.on("requestfailed", lambda request: note(f"{request.url}: {request.failure}"))
    page.on("response", lambda response: requested.append(response.url))
    try:
        answer = page.goto(address, wait_until="domcontentloaded")
        if answer is None or answer.status >= 400:
            status = answer.status if answer else "nothing"
            raise CannotLook(f"{url} answers {status}")
        kind = answer.headers.get("content-type", "text/html")
        if "html" not in kind:
            raise CannotLook(f"{url} is no web page, but {kind}")
        _until_idle(page, error)
        seen = msgspec.json.decode(page.evaluate(_SNAPSHOT, DEEPEST), type=_Seen)
        headers = [(one["name"].lower(), one["value"]) for one in answer.headers_array()]
    except error as caught:
        raise CannotLook(f"{url}: {str(caught).strip().splitlines()[0]}") from None
    return Look(
        url=_without_test_run(page.url),
        headers=headers,
        page=seen.page,
        swapped=seen.swapped,
        browser=f"Chromium {browser.version}",
        ran=seen.ran,
        complaints=tuple(dict.fromkeys(complaints)),
        requested=tuple(requested),
        consent=seen.consent,
    )


def _until_idle(page: Page, error: type[Exception]) -> None:
    """Wait until nothing is loading; a page that never rests is looked at as it is then."""
    for state in ("load", "networkidle"):
        try:
            page.wait_for_load_state(state, timeout=_IDLE_MS)
        except error:
            return


def _fulfilled(body: bytes) -> Callable[[Route], Any]:
    def fulfil(route: Route) -> None:
        route.fulfill(status=200, content_type="text/html; charset=utf-8", body=body)

    return fulfil


def _with_test_run(url: str) -> str:
    parts = urlsplit(url)
    query = f"{parts.query}&{_TEST_RUN}" if parts.query else _TEST_RUN
    return urlunsplit(parts._replace(path=parts.path or "/", query=query, fragment=""))


def _without_test_run(url: str) -> str:
    parts = urlsplit(url)
    kept = [part for part in parts.query.split("&") if part != _TEST_RUN]
    return urlunsplit(parts._replace(query="&".join(kept)))
