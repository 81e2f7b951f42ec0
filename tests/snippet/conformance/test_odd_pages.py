"""Pages whose own markup and scripts get in the way."""

from __future__ import annotations

import pytest

from tests.snippet.conformance.service import Page
from tests.snippet.conformance.site import NEW, OLD, TARGET, Site

BODY = f"<p>{OLD}</p>"

SCRIPTS = {
    "a data layer that is an object": "window.dataLayer = {page: {type: 'home'}}",
    "a data layer that is a text": "window.dataLayer = 'none'",
    "a fetch that throws": "window.fetch = () => { throw new Error('no') }",
    "no fetch": "delete window.fetch",
    "frozen prototypes": "[Array, Object, Element, Node, Function, String, Promise]"
    ".forEach(type => Object.freeze(type.prototype))",
    "arrays that JSON takes for texts": "Array.prototype.toJSON = function () "
    "{ return '[' + this.map(x => JSON.stringify(x)) + ']' }",
}

MARKUP = {
    "an SVG icon": '<svg><use href="#phone"></use></svg>',
    "an SVG link": '<svg><a href="https://x.example/"><text>x</text></a></svg>',
    "a form whose fields hide its methods": (
        '<form title="a"><input name="matches"><input name="hasAttributes">'
        '<input name="getAttributeNode"><input name="closest"></form>'
    ),
    "fields that hide the document's": '<form name="cookie"></form><img name="forms" alt="">',
}


@pytest.mark.parametrize("what", SCRIPTS)
def test_scripts(site: Site, what: str) -> None:
    """Swapped on a page with {what}."""
    site.open(BODY, before=[SCRIPTS[what]]).shows(NEW)


@pytest.mark.parametrize("what", MARKUP)
def test_markup(site: Site, what: str) -> None:
    """Swapped beside {what}, which stays."""
    view = site.open(MARKUP[what] + BODY).shows(NEW, "p").settles()
    parsed = "html => new DOMParser().parseFromString(html, 'text/html').body.innerHTML"
    assert view.html() == view.run(parsed, MARKUP[what] + f"<p>{NEW}</p>")


def test_fetch_that_forgets_its_answer(site: Site) -> None:
    """A wrapper around fetch that gives nothing: the printed number stays, without an error."""
    forgets = "const real = window.fetch; window.fetch = (...a) => real(...a).then(() => {})"
    view = site.open(BODY, before=[forgets])
    site.requests("/v1/swap")
    view.keeps(OLD)


def test_enumerable_prototype(site: Site) -> None:
    """What a page adds to every object isn't sent."""
    extend = "Object.prototype.secret = function () { return 1 }"
    site.open(BODY, before=[extend]).shows(NEW)
    assert "secret" not in site.account.requests("/v1/swap")[0].params


def test_sandbox(site: Site) -> None:
    """A page in a sandbox without an origin, where every storage throws, is swapped."""
    site.open(BODY, headers={"content-security-policy": "sandbox allow-scripts"}).shows(NEW)


def test_xhtml(site: Site) -> None:
    """A page of XML, where names are in lower case, is swapped: buttons and frames, too."""
    path = site.serve_file(
        "/page.xhtml",
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Shop</title>'
        f'<script src="{site.script}"></script></head><body><main>{OLD}</main>'
        f'<input type="button" value="{OLD}"/><iframe srcdoc="{OLD}"></iframe></body></html>',
        "application/xhtml+xml",
    )
    view = site.visit(path).shows(NEW)
    view.becomes(NEW, "() => document.querySelector('input').value")
    view.becomes(NEW, "() => document.querySelector('iframe').contentDocument.body.textContent")


def test_quirks_mode(site: Site) -> None:
    """A page without a doctype is swapped."""
    path = f"/{site.account.id}/old.html"
    site.service.pages[path] = Page(f"<title>a</title>{site.tag()}<main>{OLD}".encode())
    view = site.visit(path).shows(NEW)
    assert view.run("() => document.compatMode") == "BackCompat"


def test_base(site: Site) -> None:
    """A page with a base address of another site asks our service, and keeps its links."""
    link = '<a href="x">a</a>'
    view = site.open(link + BODY, head='<base href="https://other.example/">').shows(NEW, "p")
    assert view.html() == f"{link}<p>{NEW}</p>"


def test_document_written_anew(site: Site) -> None:
    """A page that is written again with document.write is swapped again."""
    view = site.open(BODY).shows(NEW)
    view.run(
        f"() => {{ document.open(); document.write('<main>Tel {OLD}</main>'); document.close() }}"
    )
    view.shows(f"Tel {NEW}")


def test_translated(site: Site) -> None:
    """A text that a translator wraps into fonts, digits and all, shows the number."""
    view = site.open(f"<p>Call {OLD} now</p>").shows(f"Call {NEW} now")
    wrapped = f"<font dir=auto><font>Llame al {OLD} ahora</font></font>"
    view.run("html => { document.querySelector('p').innerHTML = html }", wrapped)
    view.shows(f"Llame al {NEW} ahora")
    assert site.account.asked() == [TARGET]


def test_routes_in_a_loop(site: Site) -> None:
    """A router that pushes dozens of addresses at once costs no request and no error."""
    # 90 and no more, because WebKit throws from the 101st within ten seconds on, tag or no tag.
    view = site.open(BODY).shows(NEW)
    view.run("() => { for (let i = 0; i < 90; i++) history.pushState(null, '', '?page=' + i) }")
    view.keeps(NEW)
    assert site.account.asked() == [TARGET]
