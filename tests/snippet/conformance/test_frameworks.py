"""Real pages of React and Vue: the framework keeps working, and what it renders is swapped."""

from __future__ import annotations

import pytest

from tests.snippet.conformance import frameworks
from tests.snippet.conformance.site import NEW, OLD, TARGET, Site
from tests.snippet.conformance.view import View

OTHER = "212-555-0199"
PAGE = '<div id="app"></div>'
FRAMEWORKS = ("react", "vue")


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> str:
    """Each framework in turn, built."""
    name: str = request.param
    frameworks.built(name)
    return name


def opened(site: Site, framework: str) -> View:
    """A page of the framework."""
    script = site.serve_file(f"/{framework}.js", frameworks.built(framework))
    return site.open(f'{PAGE}<script src="{script}"></script><script>mount()</script>')


def swapped(view: View, number: str = NEW, count: int = 0) -> None:
    """Every place shows ``number``."""
    view.shows(f"Clicked {count} times, call {number} now", "#mixed")
    view.shows(f"({number[:3]}) {number[4:]}", "#split")


def test_rendered(site: Site, framework: str) -> None:
    """What {framework} renders is swapped, in texts of several nodes and in attributes."""
    view = opened(site, framework)
    swapped(view)
    view.shows(f"Tel {NEW}", "#open")
    view.becomes(
        ["tel:+18888695345", f"Call {NEW}"],
        "() => ['href', 'title'].map(name => document.querySelector('.call').getAttribute(name))",
    )
    view.shows("".join(f"{item}: {NEW}" for item in ("one", "two", "three")), "#items")
    assert view.run("() => field.value") == OLD
    assert site.account.asked() == [TARGET]


def test_state(site: Site, framework: str) -> None:
    """{framework}'s state changes beside a swapped number, and the number stays swapped."""
    view = opened(site, framework)
    for count in range(3):
        swapped(view, count=count)
        view.click("#more")
    swapped(view, count=3)


def test_number_changed(site: Site, framework: str) -> None:
    """{framework} changes the number to another and back: the page shows each rightly."""
    view = opened(site, framework)
    swapped(view)
    view.click("#other")
    swapped(view, OTHER)
    view.shows(f"Tel {OTHER}", "#open")
    view.click("#again")
    swapped(view)
    view.shows(f"Tel {NEW}", "#open")


def test_removed_and_back(site: Site, framework: str) -> None:
    """{framework} removes elements whose number was swapped, and makes them again."""
    view = opened(site, framework)
    swapped(view)
    view.click("#toggle")
    view.becomes(None, "() => document.querySelector('#open')")
    view.click("#toggle")
    view.shows(f"Tel {NEW}", "#open")


def test_reordered(site: Site, framework: str) -> None:
    """{framework} reorders a list of swapped items."""
    view = opened(site, framework)
    swapped(view)
    view.click("#reverse")
    view.shows("".join(f"{item}: {NEW}" for item in ("three", "two", "one")), "#items")


def test_unmounted(site: Site, framework: str) -> None:
    """{framework} takes its page down and puts it up again."""
    view = opened(site, framework)
    swapped(view)
    view.run("() => unmount()")
    view.shows("", "#app")
    view.run("() => mount()")
    swapped(view)


def rendered(site: Site) -> str:
    """What a server would send: React's own markup."""
    script = site.serve_file("/react.js", frameworks.built("react"))
    view = site.open(f'{PAGE}<script src="{script}"></script><script>mount()</script>', tag="")
    view.shows(f"Clicked 0 times, call {OLD} now", "#mixed")
    # A server separates neighbouring texts by empty comments, which a browser doesn't need.
    return str(
        view.run(
            """() => {
              const page = document.querySelector('#app');
              const separate = node => [...node.childNodes].forEach(child => {
                if (child.nodeType == 3 && child.previousSibling?.nodeType == 3) {
                  node.insertBefore(document.createComment(' '), child);
                }
                separate(child);
              });
              separate(page);
              return page.outerHTML;
            }"""
        )
    )


def test_hydrated_before(site: Site) -> None:
    """A page rendered on a server is swapped after React took it over, as Next loads scripts."""
    frameworks.built("react")
    body = rendered(site)
    script = site.serve_file("/react.js", frameworks.built("react"))
    view = site.open(f'{body}<script src="{script}"></script><script>hydrate()</script>', tag="")
    view.settles().inject(site.script)
    swapped(view)
    view.click("#more")
    swapped(view, count=1)
    assert view.run("() => window.recovered || []") == []


def test_hydrated_after(site: Site) -> None:
    """A page that React takes over after the number is known is swapped then, and works."""
    frameworks.built("react")
    body = rendered(site)
    script = site.serve_file("/react.js", frameworks.built("react"))
    view = site.open(f'{body}<script src="{script}"></script>')
    site.requests("/v1/swap")
    view.keeps(f"Clicked 0 times, call {OLD} now", "#mixed").run("() => hydrate()")
    swapped(view)
    assert view.run("() => window.recovered || []") == []
    view.click("#more")
    swapped(view, count=1)
    view.click("#other")
    swapped(view, OTHER, count=1)
