"""The npm package's loader and its watching of numbers, in a page that isn't a framework's."""

from __future__ import annotations

from tests.snippet.conformance.account import Pool
from tests.snippet.conformance.site import NEW, NUMBER, OLD, SHOP, TARGET, Site
from tests.snippet.conformance.view import View
from tests.snippet.packages.npm.project import project

LOAD = """async options => {
  const made = await page.loadRingpool(options);
  const tags = document.querySelectorAll("script[src*='dni.js']");
  return [made && made === window.ringpool, tags.length];
}"""


def opened(site: Site, body: str = OLD, tag: str = "", head: str = "", **page: str) -> View:
    """A page that has the package as ``page``, and the script's tag only if told."""
    script = site.serve_file("/app.js", project().built("client.jsx"))
    where = site.serve(body, tag=f'{tag}<script src="{script}"></script>', head=head, **page)
    return site.visit(where)


def test_loads_the_script(site: Site) -> None:
    """The script comes with its attributes, runs, and swaps; a second call adds nothing."""
    view = opened(site, '<p id="a">800-555-0100</p>')
    options = {
        "src": site.script,
        "days": 3,
        "timeout": 20_000,
        "hideUntil": ".none",
        "jsonld": True,
        "debug": False,
        "nonce": "abc",
    }
    assert view.run(LOAD, options) == [True, 1]
    view.shows(NEW, "#a")
    assert view.run(LOAD, options) == [True, 1]
    tag = "document.querySelector(\"script[src*='dni.js']\")"
    assert view.run(f"() => ({{...{tag}.dataset}})") == {
        "days": "3",
        "timeout": "20000",
        "hideUntil": ".none",
        "jsonld": "",
    }
    assert view.run(f"() => {tag}.nonce") == "abc"


def test_account_apart_from_the_address(site: Site) -> None:
    """The account's name is added to the address, which may be a path of the site's own."""
    view = opened(site)
    address = {"src": "/proxied/dni.js", "account": site.account.id}
    assert view.run(LOAD, address) == [True, 1]
    view.shows(NEW)


def test_waits_for_the_tag_that_the_page_has(site: Site) -> None:
    """A page's own tag is used, before and after it has run."""
    view = opened(site, tag=site.tag())
    assert view.run(LOAD, {"src": site.script}) == [True, 1]
    view.shows(NEW)
    assert view.run(LOAD, {"src": site.script}) == [True, 1]


def test_commands_before_the_script(site: Site) -> None:
    """What is asked while the script loads is carried out when it is there."""
    view = opened(site)
    number = view.run(
        """options => new Promise(done => {
          page.loadRingpool(options);
          ringpool("number", "+18005550100", answer => done(answer.number));
        })""",
        {"src": site.script},
    )
    assert number == NUMBER


def test_a_script_that_cannot_be_had(site: Site) -> None:
    """Null, no error of the page's, the printed number; the next call tries again."""
    view = opened(site)
    lost = {"src": site.at("/nowhere/dni.js", host=SHOP), "account": "acme"}
    assert view.run(LOAD, lost) == [None, 1]
    view.keeps(OLD)
    assert view.run(LOAD, {"src": site.script})[0] is True
    view.shows(NEW)


def test_a_script_that_is_none(site: Site) -> None:
    """What loads and doesn't start is null, too."""
    view = opened(site)
    path = site.serve_file("/other/dni.js", "void 0;")
    assert view.run(LOAD, {"src": path, "account": "acme"})[0] is None


def test_a_script_that_is_late(site: Site) -> None:
    """Patience has an end."""
    view = opened(site, tag='<script async type="text/plain" src="/dni.js"></script>')
    assert view.run(LOAD, {"src": site.script, "patience": 1}) == [None, 1]


def test_a_policy_that_refuses_it(site: Site) -> None:
    """Under a strict policy that doesn't name the service nothing happens, and nothing breaks."""
    policy = "<meta http-equiv=Content-Security-Policy content=\"script-src 'self'\">"
    view = opened(site, head=policy)
    assert view.run("options => page.loadRingpool(options)", {"src": site.script}) is None
    view.keeps(OLD)


def test_trusted_types(site: Site) -> None:
    """A page with Trusted Types allows the package's policy by its name."""
    policy = (
        "<meta http-equiv=Content-Security-Policy content=\"require-trusted-types-for 'script';"
        ' trusted-types ringpool ringpool-page">'
    )
    view = opened(site, head=policy)
    assert view.run(LOAD, {"src": site.script}) == [True, 1]
    view.shows(NEW)


def test_a_number_is_watched(site: Site) -> None:
    """It is told when it comes, to each who watches, and no more after the end."""
    view = opened(site, "", tag=site.tag())
    view.run(
        """() => {
          window.told = [[], []];
          const stops = told.map(list => page.watchNumber("+18005550100",
            answer => list.push(answer && answer.number)));
          window.stop = () => stops.forEach(stop => stop());
        }"""
    )
    view.becomes([[NUMBER], [NUMBER]], "() => told")
    assert site.account.asked() == [TARGET]
    view.run("() => stop()")
    assert (
        view.run(
            """() => new Promise(done => {
          const stop = page.watchNumber("+18005550100", answer => done(answer.number));
        })"""
        )
        == NUMBER
    )


WATCH = """() => {
  window.told = [];
  page.watchNumber("+18005550100", answer => told.push(answer && answer.number));
}"""
"""Notes each number that a page is told, null where there is none."""


def test_another_campaign(site: Site) -> None:
    """When a route brings another campaign, the number that it gets is told."""
    view = opened(site, "", tag=site.tag())
    view.run(WATCH)
    view.becomes([NUMBER], "() => told")
    site.offers(Pool(TARGET, "+18888695346"))
    view.run("() => history.pushState({}, '', '?utm_source=other')")
    view.becomes([NUMBER, "+18888695346"], "() => told")


def test_a_number_that_is_taken_back(site: Site) -> None:
    """When there is none for the next campaign, the printed number is told: null."""
    view = opened(site, "", tag=site.tag())
    view.run(WATCH)
    view.becomes([NUMBER], "() => told")
    site.offers(Pool(TARGET, ""))
    view.run("() => history.pushState({}, '', '?utm_source=other')")
    view.becomes([NUMBER, None], "() => told")
