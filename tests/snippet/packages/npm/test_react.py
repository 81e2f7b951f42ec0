"""The npm package's React hooks: rendered on a server, hydrated, and rendered in the browser."""

from __future__ import annotations

import pytest

from tests.snippet.conformance.account import Pool
from tests.snippet.conformance.site import NEW, NUMBER, OLD, TARGET, Site
from tests.snippet.conformance.view import View
from tests.snippet.packages.npm.project import project

SETTLE_SWAP = "() => new Promise(done => ringpool('number', '+18005550100', () => done()))"


@pytest.fixture(params=["production", "development"])
def mode(request: pytest.FixtureRequest) -> str:
    """React as it is shipped, and as it warns."""
    name: str = request.param
    return name


def opened(site: Site, mode: str = "production", *, tag: str | None = None) -> View:
    """The page as the server rendered it; nothing of React runs yet."""
    script = site.serve_file("/app.js", project().built("client.jsx", mode))
    page = f'<div id="app">{project().rendered}</div><script src="{script}"></script>'
    return site.open(page, tag=tag)


def test_server(site: Site) -> None:
    """The server renders the printed number, and no script is needed to read it."""
    html = project().rendered
    assert '<a id="call" href="tel:+18005550100" data-rp-noswap="">800-555-0100</a>' in html
    assert "Or call <!-- -->800-555-0100" in html
    assert 'id="runs">waits<' in html


def test_hydrated_after_the_script(site: Site, mode: str) -> None:
    """The script is there first: no mismatch, what was typed stays; the number comes after all."""
    view = opened(site, mode)
    view.becomes(True, "() => !!window.ringpool.running")
    view.click("#field").type("as I wrote")
    view.keeps(OLD, "#call")
    view.run("() => hydrate()")
    view.run(SETTLE_SWAP)  # the number is known, and a part inside isn't hydrated: its code is late
    view.keeps(OLD, "#call").keeps(f"Or call {OLD}", "#late")
    view.run("() => loadRest()")
    view.shows(NEW, "#call").shows("main", "#state").shows("runs", "#runs")
    view.shows(f"Or call {NEW}", "#late")
    assert view.run("() => document.querySelector('#call').href") == f"tel:{NUMBER}"
    assert view.run("() => recovered") == []
    assert view.run("() => [field.value, document.activeElement.id]") == ["as I wrote", "field"]
    # A lone "Hydrated" is React's mark on the time line, which Firefox shows among the lines.
    lines = [line for line in view.console if line != "Hydrated"]
    assert not [line for line in lines if "hydrat" in line.lower()]
    assert TARGET in site.account.asked()


def test_hydrated_before_the_script(site: Site, mode: str) -> None:
    """The script comes last: the same."""
    view = opened(site, mode, tag="")
    view.run("() => { hydrate(); loadRest(); }")
    view.keeps(OLD, "#call")
    view.shows("waits", "#runs")
    view.inject(site.script)
    view.shows(NEW, "#call").shows(f"Or call {NEW}", "#late").shows("runs", "#runs")
    assert view.run("() => recovered") == []


def test_the_server_s_elements_stay(site: Site) -> None:
    """Hydration keeps the very nodes that the server sent."""
    view = opened(site)
    view.run(
        "() => { window.sent = ['#call', '#field', '#late'].map(s => document.querySelector(s)); }"
    )
    view.becomes(True, "() => !!window.ringpool.running")
    view.run("() => { hydrate(); loadRest(); }")
    view.shows(NEW, "#call").shows(f"Or call {NEW}", "#late")
    assert view.run("() => sent.every(node => node.isConnected)")


def test_loaded_by_the_hook(site: Site) -> None:
    """A component loads the script; the number is shown in what React renders in the browser."""
    view = opened(site, tag="")
    view.run("src => { app.textContent = ''; mount({ src, timeout: 20000 }); }", site.script)
    view.shows(NEW, "#call").shows("runs", "#runs")


def test_a_wrong_option_is_told_on_the_console(site: Site) -> None:
    """The app goes on with the printed number."""
    view = opened(site, tag="")
    view.run("() => { app.textContent = ''; mount({ src: '/other.js', account: 'acme' }); }")
    view.logs("src: it must lead to")
    view.shows(OLD, "#call").shows("waits", "#runs")


def test_another_target(site: Site) -> None:
    """A component that goes over to another number shows it as printed, then its own."""
    site.offers(Pool(TARGET, NUMBER), Pool("+18005550177", "+18777001234", id="support"))
    view = opened(site)
    view.run("() => { hydrate(); loadRest(); }")
    view.shows(NEW, "#call").click("#other")
    view.shows("+18777001234", "#call").shows("support", "#state")


def test_no_number(site: Site) -> None:
    """An exhausted pool leaves the printed number, and a target of nobody's does."""
    site.offers(Pool(TARGET, ""))
    view = opened(site)
    view.run("() => { hydrate(); loadRest(); }")
    view.shows("runs", "#runs")
    view.run(SETTLE_SWAP)
    view.keeps(OLD, "#call")
    view.keeps("1-800-FLOWERS", "#without")
    view.keeps("printed", "#state")


def test_unmounted(site: Site) -> None:
    """Nothing is left behind by components that go away before their number comes."""
    site.account.behaviour = "slow"
    view = opened(site)
    view.run("() => { hydrate(); loadRest(); }")
    view.shows("runs", "#runs")
    view.run("() => root.unmount()")
    site.account.behaviour = "well"
    site.account.wake.set()
    view.run(SETTLE_SWAP)
    view.keeps("", "#app")
