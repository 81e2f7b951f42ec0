"""Real apps, built with their framework's own tools, find what their server sent, and keep it.

Beside ``test_hydration``, which drives each framework's hydration by itself: here are the marks,
streams and chunks of Next, Astro and Nuxt as they come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

import pytest

from tests.snippet.conformance.site import NEW, NUMBER, OLD, SHOP, Site
from tests.snippet.conformance.view import View
from tests.snippet.hydration.apps.builds import (
    ASTRO,
    NEXT,
    NUXT,
    App,
    developed,
    served,
)
from tests.snippet.hydration.apps.front import LATER, Front
from tests.snippet.hydration.visitor import BEFORE_PAGE, finds_all_well, types

pytestmark = pytest.mark.timeout(900)  # the first test of a process builds what isn't built yet

TAGS = ("head", "script", "package")
"""Where Next has our script from: a tag in the head, its <Script>, our npm package."""
HAS_ANSWER = """async () => {
  while (!window.ringpool?.running) await new Promise(requestAnimationFrame);
  await new Promise(done => ringpool('number', '+18005550100', done));
}"""
WAITED_ENOUGH = """() => {
  const { loadEventEnd } = performance.timing;
  return loadEventEnd > 0 && Date.now() > loadEventEnd + 5500;
}"""
"""No text but one that waits to be seen waits any more."""
NEXT_CHUNKS = r"/_next/static/chunks/turbopack-.*\.js"
ASTRO_RENDERER = r"/_astro/client\..*\.js"
NUXT_CHUNKS = r"/_nuxt/.*\.js"


@dataclass
class Opening:
    """A page of an app that is going to be opened."""

    site: Site
    front: Front

    def goes_to(self, path: str) -> View:
        """Open it; the visitor writes something at once."""
        view = self.site.tab([BEFORE_PAGE]).goes_to(self.front.at(SHOP, path), until="commit")
        types(view)
        return view


Opener = Callable[..., Opening]


@pytest.fixture(scope="session")
def ports() -> Iterator[Callable[..., int]]:
    """The port of each app's server, started when it is asked for; one per test process."""
    started: dict[tuple[str, object], int] = {}
    with ExitStack() as stack:

        def port(app: App, how: Callable[[App], AbstractContextManager[int]]) -> int:
            key = (app.name, how)
            if key not in started:
                started[key] = stack.enter_context(how(app))
            return started[key]

        yield port


@pytest.fixture
def opening(site: Site, ports: Callable[..., int]) -> Iterator[Opener]:
    """Puts a front with this site's account before an app."""
    with ExitStack() as stack:

        def before(app: App, how: Callable[[App], AbstractContextManager[int]] = served) -> Opening:
            front = Front(ports(app, how), site)
            return Opening(site, stack.enter_context(front.running()))

        yield before


def next_chunk_with(text: str) -> str:
    """The name of the one script of the built Next app that has ``text``."""
    scripts = (NEXT.folder / NEXT.output / "static").rglob("*.js")
    (found,) = (path.name for path in scripts if text in path.read_text("utf-8"))
    return found


def shows_the_rest(view: View) -> None:
    """What isn't in the part that the visitor uses is swapped as well."""
    view.shows(f"From the server: {NEW}", "#server")
    if "/package" in view.url:
        view.becomes([NEW, f"tel:{NUMBER}"], "() => [hook.textContent, hook.getAttribute('href')]")


def waits_for_late_chunks(opened: Opening, chunks: str, path: str) -> None:
    """The app's scripts come after the number, which waits for them."""
    held = opened.front.hold(chunks)
    view = opened.goes_to(path)
    view.run(HAS_ANSWER)
    view.keeps(f"Call {OLD} now", "#plain").keeps(f"From the server: {OLD}", "#server")
    held.open()
    finds_all_well(view)
    shows_the_rest(view)


@pytest.mark.parametrize("tag", TAGS)
def test_next(opening: Opener, tag: str) -> None:
    """Next: a page rendered when it was built, the script from the {tag}."""
    view = opening(NEXT).goes_to(f"/{tag}")
    finds_all_well(view)
    shows_the_rest(view)


@pytest.mark.parametrize("tag", TAGS)
def test_next_streamed(opening: Opener, tag: str) -> None:
    """Next: a part comes when the rest of the page has its number, the script from the {tag}."""
    opened = opening(NEXT)
    later = opened.front.hold(LATER)
    view = opened.goes_to(f"/{tag}/streamed")
    view.shows(f"Call {NEW} now", "#plain")
    later.open()
    finds_all_well(view, "#slow")
    shows_the_rest(view)


def test_next_chunks_late(opening: Opener) -> None:
    """Next: its scripts come after the number, which waits for them."""
    waits_for_late_chunks(opening(NEXT), NEXT_CHUNKS, "/head")


@pytest.mark.parametrize("first", ["part", "chunks"])
def test_next_streamed_chunks_late(opening: Opener, first: str) -> None:
    """Next: its scripts come after the number, and a part of the page last; or before them."""
    opened = opening(NEXT)
    chunks, later = opened.front.hold(NEXT_CHUNKS), opened.front.hold(LATER)
    view = opened.goes_to("/head/streamed")
    view.run(HAS_ANSWER)
    if first == "part":
        later.open()
        view.shows(f"Later: call {OLD}", "#slow")
    view.keeps(f"Call {OLD} now", "#plain").keeps(f"From the server: {OLD}", "#server")
    chunks.open()
    view.shows(f"Call {NEW} now", "#plain")
    later.open()
    finds_all_well(view, "#slow")
    shows_the_rest(view)


@pytest.mark.parametrize("tag", TAGS)
def test_next_one_chunk_late(opening: Opener, tag: str) -> None:
    """Next: one part's code comes when the rest has its number, the script from the {tag}."""
    opened = opening(NEXT)
    chunk = opened.front.hold(f"/_next/static/.*/{next_chunk_with('Later: call')}")
    view = opened.goes_to(f"/{tag}/streamed")
    view.shows(f"Call {NEW} now", "#plain").shows(f"Later: call {OLD}", "#slow")
    view.keeps(f"Later: call {OLD}", "#slow")
    assert not view.run("() => window.hydratedLater")
    chunk.open()
    finds_all_well(view, "#slow")
    assert view.run("() => window.hydratedLater")


@pytest.mark.parametrize("path", ["/head", "/head/streamed", "/script", "/script/streamed"])
def test_next_in_development(opening: Opener, path: str) -> None:
    """Next's development server, whose React compares more and says what differs: {path}."""
    view = opening(NEXT, developed).goes_to(path)
    finds_all_well(view, *(["#slow"] if "streamed" in path else []))
    shows_the_rest(view)


def test_next_in_development_chunks_late(opening: Opener) -> None:
    """Next's development server, whose scripts come after the number."""
    opened = opening(NEXT, developed)
    chunks = opened.front.hold(NEXT_CHUNKS)
    view = opened.goes_to("/head/streamed")
    view.run(HAS_ANSWER)
    view.keeps(f"Call {OLD} now", "#plain")
    chunks.open()
    finds_all_well(view, "#slow")
    shows_the_rest(view)


def test_faults_are_seen(opening: Opener) -> None:
    """A text in a Next page that somebody swaps too early is a fault that these tests see."""
    opened = opening(NEXT)
    opened.site.own_error = "Minified React error"
    chunks = opened.front.hold(NEXT_CHUNKS)
    view = opened.goes_to("/script")  # the script comes after Next has seen the other text
    view.run("text => { plain.textContent = text }", f"Call {NEW} now")
    chunks.open()
    view.becomes(True, "() => window.hydrated").settles()
    assert view.run("() => faults.some(text => text.includes('#418'))")
    assert not view.run("() => kept.isConnected")


def test_astro(opening: Opener) -> None:
    """Astro: islands get the number when they are hydrated, the rest of the page at once."""
    view = opening(ASTRO).goes_to("/")
    view.shows(f"Outside: {NEW}", "#outside").shows(f"Call {NEW}", "#static")
    finds_all_well(view)
    view.shows(f"Call {NEW}", "#idle")
    assert view.run("() => hydratedLines") == ["idle"]


def test_astro_late(opening: Opener) -> None:
    """Astro: React comes after the page is complete and has its number: islands wait for it."""
    opened = opening(ASTRO)
    renderer = opened.front.hold(ASTRO_RENDERER)
    view = opened.goes_to("/")
    view.shows(f"Outside: {NEW}", "#outside").shows(f"Call {NEW}", "#static")
    view.becomes(True, "() => document.readyState != 'loading'")  # Firefox's load event waits
    view.keeps(f"Call {OLD} now", "#plain").keeps(f"Call {OLD}", "#idle")
    renderer.open()
    finds_all_well(view)
    view.shows(f"Call {NEW}", "#idle")


def test_astro_seen_late(opening: Opener) -> None:
    """Astro: an island that is hydrated when it is seen waits for that, however long."""
    view = opening(ASTRO).goes_to("/")
    finds_all_well(view)
    view.becomes(True, WAITED_ENOUGH).keeps(f"Call {OLD}", "#visible")
    view.run("() => visible.scrollIntoView()")
    view.shows(f"Call {NEW}", "#visible").settles()
    assert view.run("() => hydratedLines") == ["idle", "visible"]
    assert view.run("() => faults") == []


def test_nuxt(opening: Opener) -> None:
    """Nuxt: the number is swapped when the app is mounted."""
    view = opening(NUXT).goes_to("/")
    finds_all_well(view)
    shows_the_rest(view)


def test_nuxt_chunks_late(opening: Opener) -> None:
    """Nuxt: its scripts come after the number, which waits for them."""
    waits_for_late_chunks(opening(NUXT), NUXT_CHUNKS, "/")
