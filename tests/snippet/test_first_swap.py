"""The snippet in a real browser: one tag, and the visitor's number stands on the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from .page_service import Service, chromium, document, service, wait_for_text


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A headless browser, gone with its test: its loop would be in the way of asyncio tests."""
    with chromium() as started:
        yield started


@pytest.fixture
def mock() -> Iterator[Service]:
    """A service that gives +18888695345 for +18005550100."""
    with service() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a context of its own; any script error on it fails the test."""
    context = browser.new_context()
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


def test_text_and_link(mock: Service, page: Page) -> None:
    """The target is replaced in text as it was written there, and in tel: links as E.164."""
    page.goto(
        mock.page("/", document('<p>Call <a href="tel:1-800-555-0100">(800) 555-0100</a> now</p>'))
    )
    wait_for_text(page, "Call (888) 869-5345 now")
    assert page.get_attribute("a", "href") == "tel:+18888695345"
    assert [asked["targets"] for asked in mock.asked()] == ["+18005550100"]
    assert mock.asked()[0]["account"] == "acme"
    assert mock.asked()[0]["url"] == mock.url + "/"
