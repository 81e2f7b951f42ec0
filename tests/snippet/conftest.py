"""The browser, the service on loopback, and a fresh site for each case."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.snippet.conformance import browser as browsers
from tests.snippet.conformance.browser import BrowserThread
from tests.snippet.conformance.service import Service
from tests.snippet.conformance.site import Site

_in_browser = pytest.StashKey[BrowserThread]()


@pytest.fixture(scope="session")
def browser_thread(request: pytest.FixtureRequest) -> Iterator[BrowserThread]:
    """The thread that all browser work is done on."""
    if browsers.executable() is None:
        browsers.missing("Chromium isn't installed (Debian's chromium, or RINGPOOL_CHROMIUM)")
    thread = BrowserThread()
    request.config.stash[_in_browser] = thread
    yield thread
    thread.close()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that uses the browser on the browser's thread."""
    if "browser_thread" not in pyfuncitem.fixturenames:
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    pyfuncitem.config.stash[_in_browser].run(pyfuncitem.obj, **arguments)
    return True


@pytest.fixture(scope="session")
def browser(browser_thread: BrowserThread) -> Iterator[Browser]:
    """One Chromium per test process."""
    running = browsers.chromium()
    yield browser_thread.run(running.__enter__)
    browser_thread.run(lambda: running.__exit__(None, None, None))


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """One service per test process."""
    with Service().running() as service:
        yield service
    assert service.faults == []


@pytest.fixture
def site(browser_thread: BrowserThread, browser: Browser, service: Service) -> Iterator[Site]:
    """A site in a profile of its own, on which no page error may happen."""
    site: Site = browser_thread.run(Site, browser=browser, service=service)
    yield site
    browser_thread.run(site.close)
    assert site.errors == []
