"""One visit: pages that follow each other, routes of an app, and the way back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.snippet.conformance.browser import BrowserThread, launch
from tests.snippet.conformance.service import Pool, Service
from tests.snippet.conformance.site import NUMBER, SHOP, TARGET, Site

OLD, NEW = "800-555-0100", "888-869-5345"
BODY = f"<p>{OLD}</p>"


def test_next_page(site: Site) -> None:
    """The visit's next page shows the number without asking."""
    view = site.open(BODY).shows(NEW)
    path = site.serve(f"<p>Tel. {OLD}</p>", path="/next")
    view.tab.goto(site.service.at(SHOP, path))
    view.shows(f"Tel. {NEW}").settles()
    assert site.account.asked() == [TARGET]


def test_next_page_without_the_service(site: Site) -> None:
    """The visit's next page shows the number when the service is down meanwhile."""
    view = site.open(BODY).shows(NEW)
    site.account.mood = "hang up"
    view.tab.reload()
    view.shows(NEW)


def test_at_once(site: Site) -> None:
    """A known number is there before the first frame: nothing flickers."""
    view = site.open(BODY).shows(NEW)
    path = site.serve(
        f"{BODY}<script>requestAnimationFrame(() => {{ "
        "window.first = document.querySelector('p').textContent })</script>",
        path="/next",
        tag=site.tag().replace("async ", ""),
    )
    view.tab.goto(site.service.at(SHOP, path))
    view.becomes(NEW, "() => window.first")


def test_guarantee_over(site: Site) -> None:
    """A number whose guarantee is over is asked for again."""
    site.offers(Pool(TARGET, NUMBER, guarantee_ms=1))
    view = site.open(BODY).shows(NEW).settles()
    site.offers(Pool(TARGET, "+18777001234"))
    view.tab.reload()
    view.shows("877-700-1234")
    assert site.account.asked() == [TARGET, TARGET]


def test_another_campaign(site: Site) -> None:
    """A page opened with another click id is another touch: the number is asked for again."""
    path = site.serve(BODY)
    view = site.visit(path, query="gclid=one").shows(NEW)
    site.offers(Pool(TARGET, "+18777001234"))
    view.tab.goto(site.service.at(SHOP, path + "?gclid=two"))
    view.shows("877-700-1234")
    assert [call.params["url"].split("?")[1] for call in site.account.heard("/v1/swap")] == [
        "gclid=one",
        "gclid=two",
    ]


def test_inner_page_of_a_campaign(site: Site) -> None:
    """A page of the same visit without the click id keeps the campaign's number."""
    path = site.serve(BODY)
    view = site.visit(path, query="gclid=one").shows(NEW)
    view.tab.goto(site.service.at(SHOP, path))
    view.shows(NEW).settles()
    assert site.account.asked() == [TARGET]


ROUTER = """
  window.route = (path, html) => {
    history.pushState({path}, '', path);
    document.querySelector('main').innerHTML = html;
  };
"""


def test_route(site: Site) -> None:
    """A route change of an app that renders a number again shows it swapped, without asking."""
    view = site.open(BODY, before=[ROUTER]).shows(NEW)
    view.run(f"() => route('contact', '<h1>Contact</h1>{OLD}')")
    view.shows(f"Contact{NEW}").settles()
    assert site.account.asked() == [TARGET]


def test_history(site: Site) -> None:
    """The page's own use of history works as before: state, length, and back."""
    view = site.open(BODY, before=[ROUTER]).shows(NEW)
    before = view.run("() => [history.length, location.pathname]")
    view.run(f"() => route('contact', '{BODY}')")
    view.shows(NEW)
    assert view.run("() => [history.state.path, history.length]") == ["contact", before[0] + 1]
    view.run("() => new Promise(done => { onpopstate = done; history.back() }).then(() => 0)")
    assert view.run("() => location.pathname") == before[1]
    assert view.keeps(NEW).run("() => history.replaceState(null, '', '?a=1')") is None


def test_back_to_a_page(site: Site) -> None:
    """Back to a page that is loaded anew shows the number without asking again."""
    view = site.open(BODY).shows(NEW)
    other = site.serve("<p>Other</p>", path="/other", tag="")
    view.tab.goto(site.service.at(SHOP, other))
    view.tab.go_back()
    view.shows(NEW).settles()
    assert site.account.asked() == [TARGET]


@pytest.fixture
def restoring_site(
    browser_thread: BrowserThread, browser: Browser, service: Service
) -> Iterator[Site]:
    """A site in a browser with a back/forward cache."""
    restoring: Browser = browser_thread.run(
        lambda: launch(browser.browser_type, restores_pages=True)
    )
    site: Site = browser_thread.run(Site, browser=restoring, service=service)
    yield site
    browser_thread.run(restoring.close)
    assert site.errors == []


def test_restored_page(restoring_site: Site) -> None:
    """A page restored from the back/forward cache shows its number without asking."""
    site = restoring_site
    note = "addEventListener('pageshow', event => { window.restored = event.persisted })"
    site.offers(Pool(TARGET, NUMBER, hold_ms=60_000))
    view = site.open(BODY, before=[note]).shows(NEW)
    other = site.serve("<p>Other</p>", path="/other", tag="")
    view.tab.goto(site.service.at(SHOP, other))
    view.tab.evaluate("() => history.back()")
    view.becomes(True, "() => window.restored").shows(NEW).settles()
    assert site.account.asked() == [TARGET]
