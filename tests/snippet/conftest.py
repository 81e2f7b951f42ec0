"""The browsers, the service on loopback, and a fresh site for each case."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.snippet.conformance.browser import PHONE, BrowserThread
from tests.snippet.conformance.service import Service
from tests.snippet.conformance.site import Site
from tests.snippet.engines.available import ENGINES, required
from tests.snippet.engines.protocol import Browser, Launcher

_in_browser = pytest.StashKey[BrowserThread]()

_FIRST = next(iter(ENGINES))
_EVERY_ENGINE = "RINGPOOL_EVERY_ENGINE"
_IN_CHROMIUM = frozenset(
    {
        *("test_apps", "test_frameworks", "test_hydration", "test_loader", "test_react"),
        *("test_fuzz", "test_landing_pages", "test_late_changes", "test_owner", "test_plugin"),
        "test_service_failures",
    }
)
"""Modules that take minutes in each engine: `make conformance` and `RINGPOOL_EVERY_ENGINE=1 make
test` run them in all three, `make test` in the first."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the time of a run in bounds: what takes long runs in the first engine, Chromium."""
    if os.environ.get(_EVERY_ENGINE):
        return
    kept, left_out = [], []
    for item in items:
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        elsewhere = parameters.get("launcher", _FIRST) != _FIRST
        (left_out if elsewhere and item.path.stem in _IN_CHROMIUM else kept).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def browser_thread(request: pytest.FixtureRequest) -> Iterator[BrowserThread]:
    """The thread that all browser work is done on."""
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
def service() -> Iterator[Service]:
    """One service per test process."""
    with Service().running() as service:
        yield service
    assert service.faults == []


@pytest.fixture(scope="session", params=ENGINES)
def launcher(
    request: pytest.FixtureRequest, browser_thread: BrowserThread, service: Service
) -> Iterator[Launcher]:
    """Starts browsers of each engine in turn, so that every test of a browser runs in each."""
    opened = required(request.param).launcher(service.at("127.0.0.1"))
    yield browser_thread.run(opened.__enter__)
    browser_thread.run(lambda: opened.__exit__(None, None, None))


@pytest.fixture(scope="session")
def browser(browser_thread: BrowserThread, launcher: Launcher) -> Iterator[Browser]:
    """One browser per test process and engine."""
    browser: Browser = browser_thread.run(launcher.launch)
    yield browser
    browser_thread.run(browser.close)


@contextmanager
def _opened(
    thread: BrowserThread, browser: Browser, service: Service, **options: Any
) -> Iterator[Site]:
    """A site in a profile of its own, on which no page error may happen."""
    site: Site = thread.run(Site, browser=browser, service=service, **options)
    yield site
    thread.run(site.close)
    assert site.errors == []


@pytest.fixture
def site(browser_thread: BrowserThread, browser: Browser, service: Service) -> Iterator[Site]:
    """A site, looked at on a desktop computer."""
    with _opened(browser_thread, browser, service) as site:
        yield site


@pytest.fixture(scope="session")
def new_site(browser: Browser, service: Service) -> Callable[[], Site]:
    """Makes sites for cases that share one, when called on the browser's thread."""
    return lambda: Site(browser, service)


@pytest.fixture
def phone_site(browser_thread: BrowserThread, browser: Browser, service: Service) -> Iterator[Site]:
    """A site, looked at on a phone."""
    with _opened(browser_thread, browser, service, **PHONE) as site:
        yield site


@pytest.fixture
def restoring_site(
    browser_thread: BrowserThread, launcher: Launcher, service: Service
) -> Iterator[Site]:
    """A site in a browser with a back/forward cache."""
    restoring: Browser = browser_thread.run(launcher.launch, restores_pages=True)
    with _opened(browser_thread, restoring, service) as site:
        yield site
    browser_thread.run(restoring.close)
