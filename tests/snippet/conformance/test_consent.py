"""What is stored and sent, with and without the visitor's consent."""

from __future__ import annotations

import pytest

from tests.snippet.conformance.account import Pool
from tests.snippet.conformance.site import (
    NEW,
    NUMBER,
    OLD,
    QUEUE,
    SUPPORT,
    SUPPORT_NUMBER,
    TARGET,
    Site,
)
from tests.snippet.conformance.view import View

BODY = f"<p>{OLD}</p><i>800-555-0177</i>"
BOTH = f"{NEW}877-700-1234"
ONE = f"{NEW}800-555-0177"
VISITORS = Pool(SUPPORT, SUPPORT_NUMBER, id="visitors", visitor=True)
GTAG = "window.dataLayer = window.dataLayer || []; function gtag() { dataLayer.push(arguments) }"


def stored(view: View) -> list[int]:
    """How many entries there are in the cookies, the local and the session storage."""
    return view.run(
        "() => [document.cookie ? document.cookie.split(';').length : 0, "
        "localStorage.length, sessionStorage.length]"
    )


def open_with(site: Site, attributes: str = "", before: tuple[str, ...] = ()) -> View:
    site.offers(Pool(TARGET, NUMBER), VISITORS)
    return site.open(BODY, tag=site.tag(attributes), before=before)


def visitors(site: Site) -> set[str]:
    """The visitor ids that the service was sent; "" for a request without one."""
    return {call.params.get("visitor", "") for call in site.account.calls}


def refused(site: Site, view: View) -> None:
    """Nothing is stored, no visitor id is sent, only the pool that needs none gives a number."""
    view.shows(ONE).keeps(ONE)
    assert stored(view) == [0, 0, 0]
    assert site.account.asked() == [TARGET]
    assert visitors(site) == {""}


def test_not_required(site: Site) -> None:
    """Where consent isn't required both pools swap, and one of them is sent a visitor id."""
    view = open_with(site).shows(BOTH)
    assert stored(view.settles())[0] == 1
    assert sorted(site.account.asked()) == [TARGET, SUPPORT]
    assert len(visitors(site) - {""}) == 1


def test_same_visitor(site: Site) -> None:
    """The visitor's next visit has the same visitor id."""
    url = open_with(site).shows(BOTH).url
    site.tab().goes_to(url).shows(BOTH)
    assert len(visitors(site) - {""}) == 1


def test_visitor_is_random(site: Site) -> None:
    """A visitor id is long and random."""
    open_with(site).shows(BOTH)
    (visitor,) = visitors(site) - {""}
    assert len(visitor) >= 16
    assert visitor.isalnum()


def test_required(site: Site) -> None:
    """data-consent=required: before consent nothing is stored, and only tuple pools swap."""
    refused(site, open_with(site, "data-consent=required"))


def test_given_later(site: Site) -> None:
    """Consent given later swaps the rest without loading the page again."""
    view = open_with(site, "data-consent=required")
    refused(site, view)
    view.run("() => ringpool('consent', true)")
    view.shows(BOTH)
    assert site.account.asked() == [TARGET, SUPPORT]
    assert len(visitors(site) - {""}) == 1
    assert stored(view.settles())[0] == 1


def test_given_in_the_queue(site: Site) -> None:
    """Consent given before the script loaded counts."""
    queued = f"{QUEUE} ringpool('consent', true)"
    view = open_with(site, "data-consent=required", before=(queued,)).shows(BOTH)
    assert stored(view.settles())[0] == 1


def test_withdrawn(site: Site) -> None:
    """Consent withdrawn removes what was stored."""
    view = open_with(site).shows(BOTH).settles()
    view.run("() => ringpool('consent', false)")
    assert stored(view.settles()) == [0, 0, 0]


def test_refused_before(site: Site) -> None:
    """Consent refused before the script loaded counts, also where none is required."""
    queued = f"{QUEUE} ringpool('consent', false)"
    refused(site, open_with(site, before=(queued,)))


def test_consent_mode_denied(site: Site) -> None:
    """Google Consent Mode denied: nothing is stored."""
    denied = "gtag('consent', 'default', {ad_storage: 'denied', analytics_storage: 'denied'})"
    refused(site, open_with(site, before=(f"{GTAG}; {denied}",)))


def test_consent_mode_granted_later(site: Site) -> None:
    """Google Consent Mode granted later swaps the rest."""
    denied = "gtag('consent', 'default', {ad_storage: 'denied', analytics_storage: 'denied'})"
    view = open_with(site, before=(f"{GTAG}; window.gtag = gtag; {denied}",))
    refused(site, view)
    view.run(
        "() => { gtag('consent', 'update', {ad_storage: 'granted', analytics_storage: 'granted'}) }"
    )
    view.shows(BOTH)
    assert site.account.asked() == [TARGET, SUPPORT]


def test_consent_mode_withdrawn(site: Site) -> None:
    """Google Consent Mode denied later removes what was stored."""
    view = open_with(site, before=(f"{GTAG}; window.gtag = gtag",)).shows(BOTH)
    assert stored(view.settles())[0] == 1
    view.run("() => { gtag('consent', 'update', {ad_storage: 'denied'}) }")
    view.becomes([0, 0], "() => [document.cookie ? 1 : 0, sessionStorage.length]")


def test_data_layer_untouched(site: Site) -> None:
    """The page's data layer works as before for scripts that read it and push to it."""
    view = open_with(site, before=(GTAG,)).shows(BOTH)
    assert view.run("() => dataLayer.push({event: 'a'}, {event: 'b'})") == 2
    assert view.run("() => dataLayer.map(entry => entry.event).join()") == "a,b"


@pytest.mark.parametrize("attributes", ["data-days=30", "data-consent=required"])
def test_global_privacy_control(site: Site, attributes: str) -> None:
    """Global Privacy Control is honoured on a tag with {attributes}."""
    control = "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"
    refused(site, open_with(site, attributes, before=(control,)))


def test_storage_blocked(site: Site) -> None:
    """A browser that refuses all storage still swaps."""
    block = """
      for (const name of ['localStorage', 'sessionStorage']) {
        Object.defineProperty(window, name,
          {get() { throw new DOMException('no', 'SecurityError') }});
      }
      Object.defineProperty(document, 'cookie', {
        get() { throw new DOMException('no', 'SecurityError') },
        set() { throw new DOMException('no', 'SecurityError') },
      });
    """
    open_with(site, before=(block,)).shows(BOTH)


def test_broken_storage(site: Site) -> None:
    """What other scripts wrote into the cookie and the storage of ours does no harm."""
    path = site.serve(f"<p>{OLD}</p>")
    name = f"rp_{site.account.id}"
    site.set_cookie(name, "%7Bnot json%")
    spoil = f"sessionStorage.setItem('{name}', '[1,{{\"a\":null}}]')"
    site.visit(path, before=[spoil]).shows(NEW)


def test_cookies_chosen(site: Site) -> None:
    """Only the cookies that data-cookies names are sent."""
    site.set_cookie("_ga", "GA1.2.3")
    site.set_cookie("session", "secret")
    site.set_cookie("mail", "a%40b.example")
    site.open(f"<p>{OLD}</p>", tag=site.tag("data-cookies=_ga")).shows(NEW)
    sent = site.account.requests("/v1/swap")[0].params
    assert "GA1.2.3" in sent.values()
    assert not {"secret", "a@b.example", "a%40b.example"} & set(sent.values())


def test_no_cookies(site: Site) -> None:
    """Without data-cookies none is sent."""
    site.set_cookie("s", "secret")
    site.open(f"<p>{OLD}</p>").shows(NEW)
    assert "secret" not in str(site.account.calls)


def test_what_is_sent(site: Site) -> None:
    """A request carries the page's address, referrer and targets, and what the owner adds."""
    view = site.open(
        f"<p>{OLD}</p><input id=mail>",
        path="/offer",
        query="location=footer",
        referrer="http://search.example/?q=flowers",
        tag=site.tag('data-params="section=home&author=jo"'),
    ).shows(NEW)
    params = site.account.requests("/v1/swap")[0].params
    expected = {
        "account": site.account.id,
        "url": view.url,
        "ref": "http://search.example/?q=flowers",
        "section": "home",
        "author": "jo",
        "targets": TARGET,
    }
    assert {name: params.get(name) for name in expected} == expected
    allowed = {"callback", "first", "first_url", "first_ref", "device", "visitor"}
    assert set(params) - set(expected) <= allowed


def test_fragment_stays(site: Site) -> None:
    """The page's fragment, which may hold a secret, isn't sent."""
    path = site.serve(f"<p>{OLD}</p>")
    site.visit(path + "#token=secret").shows(NEW)
    assert "secret" not in str(site.account.calls)


def test_days(site: Site) -> None:
    """The cookie is kept for the days in data-days."""
    site.open(f"<p>{OLD}</p>", tag=site.tag("data-days=7")).shows(NEW).settles()
    (cookie,) = site.cookies()
    assert 6.9 < (cookie["expires"] - site.service.now()) / 86_400 < 7.1


def test_first_and_last_touch(site: Site) -> None:
    """The first touch stays until gclid, utm_source or utm_medium change, the last one less so."""
    path = site.serve(f"<p>{OLD}</p>")
    queries = ("utm_source=a", "", "utm_source=a&utm_term=t", "utm_source=b")
    site.offers(Pool(TARGET, NUMBER, guarantee_ms=1))
    for count, query in enumerate(queries, 1):
        site.visit(path, query=query).shows(NEW)
        site.requests("/v1/swap", count)
    calls = [call.params for call in site.account.requests("/v1/swap")]
    touches = [[call[name].partition("?")[2] for name in ("first_url", "url")] for call in calls]
    assert touches == [
        ["utm_source=a", "utm_source=a"],
        ["utm_source=a", "utm_source=a"],
        ["utm_source=a", "utm_source=a&utm_term=t"],
        ["utm_source=b", "utm_source=b"],
    ]


def test_one_of_the_pools_is_for_visitors(site: Site) -> None:
    """A target that other pools have, too, waits for no consent; the id is sent only with it."""
    site.offers(Pool(TARGET, NUMBER, visitor=1))
    view = site.open(f"<p>{OLD}</p>", tag=site.tag("data-consent=required")).shows(NEW)
    view.settles()
    assert "visitor" not in site.account.requests("/v1/swap")[0].params


def test_one_of_the_pools_is_for_visitors_who_consent(site: Site) -> None:
    """With consent such a target is asked for with the visitor's id."""
    site.offers(Pool(TARGET, NUMBER, visitor=1))
    site.open(f"<p>{OLD}</p>").shows(NEW)
    assert site.account.requests("/v1/swap")[0].params["visitor"]
