"""One visit: pages that follow each other, routes of an app, and the way back."""

from __future__ import annotations

import pytest

from tests.snippet.conformance.account import Pool
from tests.snippet.conformance.site import NEW, NUMBER, OLD, TARGET, Site

OTHER_NUMBER, OTHER = "+18777001234", "877-700-1234"
BODY = f"<p>{OLD}</p>"


def test_next_page(site: Site) -> None:
    """The visit's next page shows the number without asking."""
    view = site.open(BODY).shows(NEW)
    path = site.serve(f"<p>Tel. {OLD}</p>", path="/next")
    view.goes_to(site.at(path))
    view.shows(f"Tel. {NEW}").settles()
    assert site.account.asked() == [TARGET]


def test_a_number_without_a_guarantee(site: Site) -> None:
    """A number that no tuple holds (a static pool's) is shown, and asked for again on each page."""
    site.offers(Pool(TARGET, NUMBER, guarantee_ms=0))
    view = site.open(BODY).shows(NEW)
    for asked in (2, 3):
        view.reload()
        view.shows(NEW).settles()
        assert site.account.asked() == [TARGET] * asked


def test_next_page_without_the_service(site: Site) -> None:
    """The visit's next page shows the number when the service is down meanwhile."""
    view = site.open(BODY).shows(NEW)
    site.account.behaviour = "hang up"
    view.reload()
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
    view.goes_to(site.at(path))
    view.becomes(NEW, "() => window.first")


def test_guarantee_over(site: Site) -> None:
    """A number whose guarantee is over is asked for again."""
    site.offers(Pool(TARGET, NUMBER, guarantee_ms=1))
    view = site.open(BODY).shows(NEW).settles()
    site.offers(Pool(TARGET, "+18777001234"))
    view.reload()
    view.shows("877-700-1234")
    assert site.account.asked() == [TARGET, TARGET]


def test_another_campaign(site: Site) -> None:
    """A page opened with another click id is another touch: the number is asked for again."""
    path = site.serve(BODY)
    view = site.visit(path, query="gclid=one").shows(NEW)
    site.offers(Pool(TARGET, "+18777001234"))
    view.goes_to(site.at(path + "?gclid=two"))
    view.shows("877-700-1234")
    assert [call.params["url"].split("?")[1] for call in site.account.requests("/v1/swap")] == [
        "gclid=one",
        "gclid=two",
    ]


def test_inner_page_of_a_campaign(site: Site) -> None:
    """A page of the same visit without the click id keeps the campaign's number."""
    path = site.serve(BODY)
    view = site.visit(path, query="gclid=one").shows(NEW)
    view.goes_to(site.at(path))
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


def _campaigns(site: Site) -> list[str]:
    """The query of each page that a number was asked for, in the order of asking."""
    return [call.params["url"].partition("?")[2] for call in site.account.requests("/v1/swap")]


@pytest.mark.parametrize("how", ["pushState", "replaceState"])
def test_route_of_another_campaign(site: Site, how: str) -> None:
    """A route of an app ({how}) with another click id asks again, once, and shows that number."""
    view = site.visit(site.serve(BODY), query="gclid=one").shows(NEW)
    site.offers(Pool(TARGET, OTHER_NUMBER))
    view.run("how => history[how](null, '', '?gclid=two')", how)
    view.shows(OTHER).keeps(OTHER)
    assert _campaigns(site) == ["gclid=one", "gclid=two"]


def test_back_to_the_campaign_before(site: Site) -> None:
    """Back from a route of another campaign the first campaign's number is asked for again."""
    view = site.visit(site.serve(BODY), query="utm_source=one").shows(NEW)
    site.offers(Pool(TARGET, OTHER_NUMBER))
    view.run("() => history.pushState(null, '', '?utm_source=two')")
    view.shows(OTHER)
    site.offers(Pool(TARGET, NUMBER))
    view.run("() => history.back()")
    view.shows(NEW).keeps(NEW)
    assert _campaigns(site) == ["utm_source=one", "utm_source=two", "utm_source=one"]


def test_route_with_other_content(site: Site) -> None:
    """A route of another campaign that renders the number again shows that campaign's number."""
    view = site.visit(site.serve(BODY), query="gclid=one", before=[ROUTER]).shows(NEW)
    site.offers(Pool(TARGET, OTHER_NUMBER))
    view.run(f"() => route('?gclid=two', '<b>{OLD}</b>')")
    view.shows(OTHER).keeps(OTHER)
    assert _campaigns(site) == ["gclid=one", "gclid=two"]


def test_late_answer_of_the_campaign_before(site: Site) -> None:
    """An answer that comes when another campaign's number was asked for is never shown."""
    site.account.behaviour = "slow"
    view = site.visit(site.serve(BODY), query="gclid=one")
    site.requests("/v1/swap")
    view.run("() => history.pushState(null, '', '?gclid=two')")
    site.requests("/v1/swap", 2)
    site.offers(Pool(TARGET, OTHER_NUMBER))
    site.account.wake.set()
    view.shows(OTHER).keeps(OTHER)
    assert _campaigns(site) == ["gclid=one", "gclid=two"]


@pytest.mark.parametrize("query", ["?page=2", "#gclid=two", "?utm_source=one&gclid=one"])
def test_route_without_a_change(site: Site, query: str) -> None:
    """A route to {query} that changes nothing of the campaign keeps the number, without asking."""
    path = site.serve(BODY)
    view = site.visit(path, query="gclid=one&utm_source=one", before=[ROUTER]).shows(NEW)
    site.offers(Pool(TARGET, OTHER_NUMBER))
    view.run(f"query => route(query, '<b>{OLD}</b>')", query)
    view.shows(NEW).keeps(NEW)
    assert _campaigns(site) == ["gclid=one&utm_source=one"]


def test_route_after_restore(site: Site) -> None:
    """After ringpool('restore') a route of another campaign leaves the printed number."""
    view = site.visit(site.serve(BODY), query="gclid=one").shows(NEW)
    view.run("() => { ringpool('restore'); history.pushState(null, '', '?gclid=two') }")
    view.keeps(OLD)
    assert _campaigns(site) == ["gclid=one"]


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
    """Going back to a page that is loaded again shows the number without asking again."""
    view = site.open(BODY).shows(NEW)
    other = site.serve("<p>Other</p>", path="/other", tag="")
    view.goes_to(site.at(other))
    view.go_back()
    view.shows(NEW).settles()
    assert site.account.asked() == [TARGET]


RESTORED = "addEventListener('pageshow', event => { window.restored = event.persisted })"


def test_restored_page(restoring_site: Site) -> None:
    """A page restored from the back/forward cache shows its number without asking."""
    site = restoring_site
    site.offers(Pool(TARGET, NUMBER, hold_ms=60_000))
    view = site.open(BODY, before=[RESTORED]).shows(NEW)
    other = site.serve("<p>Other</p>", path="/other", tag="")
    view.goes_to(site.at(other))
    view.leave_by_history()
    view.becomes(True, "() => window.restored").shows(NEW).settles()
    assert site.account.asked() == [TARGET]


def test_restored_after_the_guarantee(restoring_site: Site) -> None:
    """A page restored after its guarantee is over shows the printed number until it has asked."""
    site = restoring_site
    site.offers(Pool(TARGET, NUMBER, guarantee_ms=1))
    view = site.open(BODY, before=[RESTORED]).shows(NEW)
    site.offers(Pool(TARGET, OTHER_NUMBER))
    other = site.serve("<p>Other</p>", path="/other", tag="")
    view.goes_to(site.at(other))
    site.account.behaviour = "slow"
    view.leave_by_history()
    view.becomes(True, "() => window.restored").shows(OLD)
    site.account.wake.set()
    view.shows(OTHER).keeps(OTHER)
    assert site.account.asked() == [TARGET, TARGET]


def test_keeps_what_a_sticky_pool_gave(site: Site) -> None:
    """With another campaign, on another page, the service hears what the visitor may keep."""
    site.offers(Pool(TARGET, NUMBER, keep="sealed"))
    path = site.serve(BODY)
    view = site.visit(path, query="gclid=one").shows(NEW)
    assert "held" not in site.account.requests("/v1/swap")[0].params
    for campaign in ("two", "three"):
        view.goes_to(site.at(f"{path}?gclid={campaign}"))
        view.shows(NEW).settles()
        assert site.account.requests("/v1/swap")[-1].params["held"] == "sealed"
    assert len(site.account.requests("/v1/swap")) == 3


def test_keeps_it_in_an_app(site: Site) -> None:
    """The same where an app changes the address."""
    site.offers(Pool(TARGET, NUMBER, keep="sealed"))
    view = site.open(BODY, query="gclid=one").shows(NEW)
    view.run("() => history.pushState(null, '', '?gclid=two')")
    _, second = site.requests("/v1/swap", 2)
    assert second.params["held"] == "sealed"


def test_keeps_nothing_whose_guarantee_is_over(site: Site) -> None:
    """A number that isn't held any more isn't asked for."""
    site.offers(Pool(TARGET, NUMBER, keep="sealed", guarantee_ms=1))
    path = site.serve(BODY)
    view = site.visit(path, query="gclid=one").shows(NEW).settles()
    view.goes_to(site.at(path + "?gclid=two"))
    view.shows(NEW).settles()
    assert "held" not in site.account.requests("/v1/swap")[-1].params


def test_several_numbers_wait_once(site: Site) -> None:
    """A text with two numbers whose answers come one after the other is tried once for each."""
    other = "+18005550177"
    site.offers(Pool(TARGET, NUMBER), Pool(other, "+18777001234", id="support"))
    site.account.behaviour = "slow"
    count = """
      window.reads = 0;
      const { get } = Object.getOwnPropertyDescriptor(Node.prototype, 'nodeValue');
      const { set } = Object.getOwnPropertyDescriptor(Node.prototype, 'nodeValue');
      Object.defineProperty(Node.prototype, 'nodeValue',
        { get() { reads++; return get.call(this); }, set, configurable: true });
    """
    view = site.open(f"<p>{OLD} or 800-555-0177</p>", before=[count])
    site.requests("/v1/swap")
    reads = view.run(
        "() => { for (let i = 0; i < 14; i++) ringpool('consent', true); return reads }"
    )
    assert reads < 1_000  # it doubled each time
    site.account.wake.set()
    view.shows(f"{NEW} or {OTHER}")
