"""The service is down, slow, or answers nonsense: the printed number stays."""

from __future__ import annotations

import json

import pytest

from tests.snippet.conformance.account import TEN_MINUTES_MS, Pool
from tests.snippet.conformance.service import Page
from tests.snippet.conformance.site import NEW, NUMBER, OLD, QUEUE, SERVICE, TARGET, Site
from tests.snippet.conformance.view import View

BODY = f'<p>{OLD}</p><a href="tel:8005550100" title="{OLD}">Call</a>'


@pytest.mark.parametrize(
    "answer", ["error", "garbage", "html", "empty", "500", "hang up", "foreign"]
)
def test_answer(site: Site, answer: str) -> None:
    """The printed number stays when the service answers: {answer}."""
    site.account.behaviour = answer
    view = site.open(BODY)
    before = view.html()
    site.requests("/v1/swap")
    view.settles().settles()
    assert view.html() == before
    assert set(site.account.asked()) == {TARGET}


def test_down(site: Site) -> None:
    """The printed number stays when nothing answers at the service's address."""
    view = site.open(BODY, tag=site.tag('data-endpoint="http://127.0.0.1:9"'))
    view.keeps(f"{OLD}Call")


def test_script_missing(site: Site) -> None:
    """Without the script itself the page is as it was."""
    view = site.open(BODY, tag=site.tag(src=site.service.at(SERVICE, "/nowhere/dni.js")))
    view.keeps(f"{OLD}Call")


def test_exhausted(site: Site) -> None:
    """The printed number stays when the pool has no number, and onNoNumber is called."""
    site.offers(Pool(TARGET, ""))
    tag = (
        f"<script>{QUEUE} ringpool('onNoNumber', target => {{ window.without = target }})</script>"
    )
    view = site.open(BODY, tag=tag + site.tag())
    view.becomes(TARGET, "() => window.without").keeps(f"{OLD}Call")


def test_load_event(site: Site) -> None:
    """A service that is slow to answer doesn't hold up the page's load event."""
    site.account.behaviour = "slow"
    view = site.open(BODY)
    site.requests("/v1/swap")
    view.becomes("complete", "() => document.readyState")


_VISIBILITY = "() => getComputedStyle(document.querySelector('p')).visibility"


def open_slowly(site: Site) -> View:
    """A page whose timeout is over while the service is still silent."""
    site.account.behaviour = "slow"
    view = site.open(BODY, tag=site.tag('data-hide-until="p" data-timeout=150'))
    site.requests("/v1/swap")
    return view.becomes("visible", _VISIBILITY).keeps(f"{OLD}Call")


def test_late(site: Site) -> None:
    """An answer after the timeout is shown when it comes, and nothing is asked again."""
    view = open_slowly(site)
    site.account.wake.set()
    view.shows(f"{NEW}Call")
    view.becomes("tel:+18888695345", "() => document.querySelector('a').getAttribute('href')")
    assert site.account.asked() == [TARGET]


def test_late_on_the_next_page(site: Site) -> None:
    """A number that came late is known on the visit's next pages: one is taken in all."""
    view = open_slowly(site)
    site.account.wake.set()
    view.shows(f"{NEW}Call")
    for path in ("/second", "/third"):
        view.goes_to(site.at(site.serve(BODY, path=path)))
        view.shows(f"{NEW}Call")
    assert site.account.asked() == [TARGET]


def test_late_and_not_held_longer(site: Site) -> None:
    """The guarantee of an answer that was long on its way counts from when it was asked for."""
    view = open_slowly(site)
    asked_before = view.run("() => Date.now()")
    site.account.wake.set()
    view.shows(f"{NEW}Call")
    until = view.run(
        "name => Object.values(JSON.parse(sessionStorage[name]))[0][0].until",
        f"rp_{site.account.id}",
    )
    assert until <= asked_before + TEN_MINUTES_MS


@pytest.mark.parametrize("answer", ["empty", "html", "hang up"])
def test_no_script(site: Site, answer: str) -> None:
    """Where a policy allows no fetch and the script is none ({answer}), onNoNumber is called."""
    site.account.behaviour = answer
    tag = (
        f"<script>{QUEUE} ringpool('onNoNumber', target => {{ window.without = target }})</script>"
    )
    policy = {"content-security-policy": "connect-src 'none'"}
    view = site.open(BODY, tag=tag + site.tag(), headers=policy)
    view.becomes(TARGET, "() => window.without").keeps(f"{OLD}Call")


@pytest.mark.parametrize(
    "number",
    [
        "Call us",
        "<b>1</b>",
        "8888695345",
        "+1888",
        "+1888869534512345",
        "+1 888 869 5345",
        "+1x",
        "",
    ],
)
def test_no_number(site: Site, number: str) -> None:
    """An answer that isn't a number in E.164 ({number!r}) is ignored: the printed one stays."""
    swap = {"target": TARGET, "number": number, "national": number, "hold_ms": 1000}
    path = f"/{site.account.id}/v1/swap"
    site.service.pages[path] = Page(json.dumps({"swaps": [swap]}).encode(), "application/json")
    tag = f"<script>{QUEUE} ringpool('onNoNumber', t => {{ window.without = t }})</script>"
    endpoint = f'data-endpoint="{site.at(f"/{site.account.id}")}" data-format=national'
    view = site.open(BODY, tag=tag + site.tag(endpoint))
    view.becomes(TARGET, "() => window.without").keeps(f"{OLD}Call")


def test_within_the_timeout(site: Site) -> None:
    """An answer just before the timeout counts."""
    site.account.behaviour = "slow"
    view = site.open(BODY, tag=site.tag("data-timeout=20000"))
    site.requests("/v1/swap")
    view.keeps(f"{OLD}Call")
    site.account.wake.set()
    view.shows(f"{NEW}Call")


def test_hidden_until(site: Site) -> None:
    """data-hide-until holds an element invisible until its number is there."""
    site.account.behaviour = "slow"
    tag = site.tag('data-hide-until="p" data-timeout=20000')
    view = site.open(f"{BODY}<b>Hello</b>", tag=tag)
    site.requests("/v1/swap")
    view.becomes("hidden", "() => getComputedStyle(document.querySelector('p')).visibility")
    assert view.run("() => getComputedStyle(document.querySelector('b')).visibility") == "visible"
    site.account.wake.set()
    view.becomes("visible", "() => getComputedStyle(document.querySelector('p')).visibility")
    assert view.text("p") == NEW


def test_hidden_no_longer_than_the_timeout(site: Site) -> None:
    """data-hide-until shows the printed number when the timeout is over."""
    site.account.behaviour = "slow"
    view = site.open(BODY, tag=site.tag('data-hide-until="p" data-timeout=150'))
    view.becomes("visible", "() => getComputedStyle(document.querySelector('p')).visibility")
    view.keeps(OLD, "p")


def test_hidden_without_service(site: Site) -> None:
    """data-hide-until shows the printed number when the service can't be reached."""
    attributes = 'data-hide-until="p" data-endpoint="http://127.0.0.1:9" data-timeout=200'
    view = site.open(BODY, tag=site.tag(attributes))
    view.becomes("visible", "() => getComputedStyle(document.querySelector('p')).visibility")


def test_markup_in_an_answer(site: Site) -> None:
    """Whatever an answer holds is text: it never becomes markup."""
    hostile = (
        '{"swaps":[{"target":"+18005550100","number":"+18888695345","cc":"1",'
        '"display":"<img src=x onerror=alert(1)>","national":"<img src=x onerror=alert(1)>",'
        '"international":"<b>1</b>","state":"held","hold_ms":1000,"pool":"main"}]}'
    )
    path = f"/{site.account.id}/v1/swap"
    site.service.pages[path] = Page(hostile.encode(), "application/json")
    endpoint = site.at(f"/{site.account.id}")
    # JSON isn't a script: the browser refuses it as JSONP, and the fetch of the same origin is on.
    view = site.open(
        "<p>(800) 55-501-00</p>", tag=site.tag(f'data-endpoint="{endpoint}"')
    ).settles()
    assert view.run("() => document.querySelectorAll('img, b').length") == 0


def test_unknown_target_in_an_answer(site: Site) -> None:
    """A number for a target that wasn't asked for changes nothing."""
    site.offers(Pool("+18005550199", NUMBER), Pool(TARGET, NUMBER))
    view = site.open("<p>800-555-0199</p>").shows(NEW)
    view.keeps(NEW)
    assert site.account.asked() == ["+18005550199"]


def test_back_again(site: Site) -> None:
    """The next page asks again after a failure, and swaps."""
    site.account.behaviour = "500"
    view = site.open(BODY)
    site.requests("/v1/swap")
    view.keeps(f"{OLD}Call")
    site.account.behaviour = "well"
    view.reload()
    view.shows(f"{NEW}Call")
