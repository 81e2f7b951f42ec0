"""Pages that a framework hydrates: it finds what its server sent, and the number is swapped then.

Each page is rendered by the framework's own server code and hydrated by its own browser code, in
development and production builds, at different moments: at once, after the script has got its
number, and 3 s after the page has loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import ConsoleMessage
from playwright.sync_api import Page as Tab

from snippet import bundle
from tests.snippet.conformance.site import SHOP, Site, View
from tests.snippet.hydration.rendered import rendered
from tests.snippet.hydration.streaming import Answer, StreamingServer

pytestmark = pytest.mark.skipif(
    b"__react" not in bundle.SOURCE, reason="the script doesn't wait for hydration yet"
)

OLD, NEW = "800-555-0100", "888-869-5345"
BEFORE_PAGE = """
window.faults = [];
window.painted = [];
const look = () => {
  const text = document.querySelector('#mixed')?.textContent;
  if (text && text != painted.at(-1)) painted.push(text);
  requestAnimationFrame(look);
};
look();
"""
TYPED = "() => [kept == field, kept.isConnected, document.activeElement == kept, kept.value]"

CONTAINERS = ("react18", "react19", "vue", "svelte", "angular")
PAGES = [
    *((framework,) for framework in CONTAINERS),
    *((framework, "streamed") for framework in ("react18", "react19")),
    ("vue", "suspended"),
    *((framework, "document", "tag") for framework in ("react18", "react19")),
    *((framework, "document", "tag", "streamed") for framework in ("react18", "react19")),
    *((framework, "document", "tag", "streamed", "transition") for framework in ("react19",)),
]


@dataclass
class Visit:
    """One page of a site, on its way to a browser, and what became of it there."""

    site: Site
    server: StreamingServer
    page: Answer
    bundle: Answer
    view: View
    faults: list[str] = field(default_factory=list)

    def types(self) -> None:
        """The visitor writes something before the page is hydrated."""
        self.view.tab.wait_for_selector("#more", timeout=20_000)
        self.view.tab.click("#field")
        self.view.tab.keyboard.type("Jane")
        self.view.run("() => { window.kept = field }")

    def is_whole(self, *more: str) -> None:
        """The number is swapped everywhere, once; nothing was mended, and nothing lost."""
        self.view.becomes(True, "() => window.hydrated")
        self.view.shows(f"Call {NEW} now", "#plain")
        self.view.shows(f"Clicked 0 times, call {NEW} now", "#mixed")
        self.view.becomes(
            ["tel:+18888695345", f"Call {NEW}", NEW],
            "() => [link.getAttribute('href'), link.title, link.textContent]",
        )
        for selector in more:
            self.view.shows(f"Later: call {NEW}", selector)
        self.view.becomes(f"Your name, or call {NEW}", "() => field.ariaLabel")
        assert self.view.run(TYPED) == [True, True, True, "Jane"]
        self.view.tab.click("#more")
        self.view.shows(f"Clicked 1 times, call {NEW} now", "#mixed")
        self.view.settles()
        painted = self.view.run("() => painted")
        assert painted == sorted(painted, key=lambda text: NEW in text), "flickers"
        assert self.faults + self.view.run("() => faults") == []

    def note(self, message: ConsoleMessage) -> None:
        """Keep what a framework complains about."""
        if message.type in ("error", "warning"):
            self.faults.append(message.text)


@pytest.fixture(scope="session")
def server() -> Iterator[StreamingServer]:
    """One server of pages per test process."""
    with StreamingServer().running() as server:
        yield server


def visit(
    site: Site,
    server: StreamingServer,
    page: tuple[str, ...],
    mode: str,
    start: str,
    *,
    bundle_held: int = 0,
    bundle_path: str = "/bundle.js",
    cut: str = "",
    script: str = "",
) -> Visit:
    """Open a page whose bundle runs ``start``; ``cut``: the document stops after it at first."""
    framework, *options = page
    made = rendered(framework, mode, *options)
    root = f"/{site.account.id}"

    def placed(text: str) -> str:
        return text.replace("SCRIPT_URL", script or site.script).replace(
            "BUNDLE_URL", root + bundle_path
        )

    chunks = [placed(chunk) for chunk in made.chunks]
    if cut:
        before, after = chunks[0].split(cut, 1)
        chunks[:1] = [before + cut, after]
    document = server.serve(root + "/", Answer(*chunks, held=len(chunks) - 1))
    bundle = server.serve(
        root + bundle_path,
        Answer(f"{placed(made.script)};{start}", content_type="text/javascript", held=bundle_held),
    )
    tab: Tab = site.context.new_page()
    tab.add_init_script(BEFORE_PAGE)
    opened = Visit(site, server, document, bundle, View(tab))
    tab.on("console", opened.note)
    tab.on("pageerror", lambda error: opened.faults.append(str(error)))
    tab.goto(server.at(SHOP, root + "/"), wait_until="commit")
    return opened


LATER = ("#slow",)
START = "Promise.resolve(hydrate()).then(() => (window.hydrated = true))"
AFTER_3_S = f"addEventListener('load', () => setTimeout(() => {{ {START} }}, 3000))"


def ids(page: tuple[str, ...]) -> str:
    """A page's name in a test's."""
    return "-".join(page)


@pytest.mark.parametrize("mode", ["development", "production"])
@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_after_the_answer(
    site: Site, server: StreamingServer, page: tuple[str, ...], mode: str
) -> None:
    """{page} is hydrated after the script has got its number: nothing was swapped before."""
    opened = visit(site, server, page, mode, START, bundle_held=1)
    opened.types()
    site.hears("/v1/swap")
    if page[0] not in ("svelte", "angular") and "document" not in page:
        opened.view.shows(f"Outside: {NEW}", "#outside")
    opened.view.keeps(f"Call {OLD} now", "#plain")
    opened.bundle.release()
    if "streamed" in page:
        opened.view.shows(f"Call {NEW} now", "#plain")
        opened.page.release()
    if "suspended" in page:
        opened.view.becomes(True, "() => !!document.querySelector('#app').__vue_app__")
        opened.view.settles().run("() => release()")
    opened.is_whole(*(LATER if "streamed" in page else ()))


@pytest.mark.parametrize("mode", ["development", "production"])
@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_at_once(site: Site, server: StreamingServer, page: tuple[str, ...], mode: str) -> None:
    """{page} is hydrated as soon as its bundle is there."""
    opened = visit(site, server, page, mode, f"{START}; window.release && release()")
    opened.types()
    opened.page.release()
    opened.is_whole(*(LATER if "streamed" in page else ()))


@pytest.mark.parametrize("mode", ["development", "production"])
@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_late(site: Site, server: StreamingServer, page: tuple[str, ...], mode: str) -> None:
    """{page} is hydrated 3 s after it has loaded."""
    opened = visit(site, server, page, mode, AFTER_3_S)
    opened.page.release()
    opened.types()
    if "suspended" in page:
        opened.view.becomes(True, "() => !!document.querySelector('#app').__vue_app__")
        opened.view.run("() => release()")
    opened.is_whole(*(LATER if "streamed" in page else ()))


@pytest.mark.parametrize("mode", ["development", "production"])
@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_without_the_script(
    site: Site, server: StreamingServer, page: tuple[str, ...], mode: str
) -> None:
    """{page} is hydrated without a complaint where our script is missing: a check of the pages."""
    opened = visit(site, server, page, mode, f"{START}; window.release && release()", script="/no")
    opened.types()
    opened.page.release()
    opened.view.becomes(True, "() => window.hydrated")
    opened.view.settles()
    assert opened.view.run(TYPED) == [True, True, True, "Jane"]
    opened.view.tab.click("#more")
    opened.view.shows(f"Clicked 1 times, call {OLD} now", "#mixed")
    assert opened.faults + opened.view.run("() => faults") == []


@pytest.mark.parametrize("page", [("react19",), ("vue",), ("react19", "document", "tag")], ids=ids)
def test_never(site: Site, server: StreamingServer, page: tuple[str, ...]) -> None:
    """{page} isn't hydrated after all: the number is swapped all the same, some seconds late."""
    opened = visit(site, server, page, "production", "")
    opened.view.shows(f"Call {NEW} now", "#plain")
    assert (
        opened.view.run(
            "() => performance.now() - performance.getEntriesByType('navigation')[0].loadEventStart"
        )
        < 20_000
    )


@pytest.mark.parametrize("page", [("react18",), ("react19",), ("vue",)], ids=ids)
def test_rendered_in_the_browser(
    site: Site, server: StreamingServer, page: tuple[str, ...]
) -> None:
    """What {page} renders in the browser alone waits for nothing, the page's load included."""
    made = rendered(page[0], "production")
    root = f"/{site.account.id}"
    server.serve(
        root + "/bundle.js", Answer(f"{made.script};mount()", content_type="text/javascript")
    )
    image = server.serve(root + "/image", Answer("", held=1, content_type="image/png"))
    server.serve(
        root + "/",
        Answer(
            f"<!doctype html><title>Shop</title>{site.tag()}<img src={root}/image>"
            f"<div id={'app' if page[0] == 'vue' else 'root'}></div>"
            f"<script src={root}/bundle.js></script>"
        ),
    )
    tab = site.context.new_page()
    tab.goto(server.at(SHOP, root + "/"), wait_until="commit")
    view = View(tab)
    view.shows(f"Clicked 0 times, call {NEW} now", "#mixed")
    assert view.run("() => document.readyState") != "complete"
    image.release()


@pytest.mark.parametrize("mode", ["development", "production"])
@pytest.mark.parametrize(
    ("page", "path"),
    [
        (("react18",), "/bundle.js"),
        (("react19",), "/bundle.js"),
        (("vue",), "/bundle.js"),
        (("react19", "document", "tag", "transition"), "/_next/bundle.js"),
    ],
    ids=lambda value: ids(value) if isinstance(value, tuple) else "",
)
def test_known_number(
    site: Site, server: StreamingServer, page: tuple[str, ...], path: str, mode: str
) -> None:
    """The number is known before, and {page} comes in pieces: its first text waits already."""
    root = f"/{site.account.id}"
    server.serve(root + "/first", Answer(f"<!doctype html>{site.tag()}<p id=plain>Call {OLD} now"))
    tab = site.context.new_page()
    tab.goto(server.at(SHOP, root + "/first"))
    View(tab).shows(f"Call {NEW} now", "#plain")
    tab.close()
    opened = visit(
        site, server, page, mode, START, bundle_held=1, bundle_path=path, cut=f"Call {OLD} now</p>"
    )
    opened.view.tab.wait_for_selector("#plain")
    opened.view.becomes(True, "() => !!window.ringpool?.running")
    opened.view.keeps(f"Call {OLD} now", "#plain")
    opened.page.release()
    opened.types()
    opened.bundle.release()
    opened.is_whole()
