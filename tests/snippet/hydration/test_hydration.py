"""Pages that a framework hydrates: it finds what its server sent, and the number is swapped then.

Each page is rendered by the framework's own server code and hydrated by its own browser code, in
development and production builds, at different moments: at once, after the script has got its
number, and 3 s after the page has loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from tests.snippet.conformance.site import NEW, OLD, SHOP, Site
from tests.snippet.conformance.view import View
from tests.snippet.hydration.rendered import rendered
from tests.snippet.hydration.streaming import Answer, StreamingServer
from tests.snippet.hydration.visitor import BEFORE_PAGE, finds_all_well, types

TIME_TAKEN = """
const later = setTimeout;
window.looks = [];
window.setTimeout = (work, ms, ...more) => later(ms < 100 || ms > 5000 ? work : () => {
  const start = performance.now();
  work();
  looks.push([start, performance.now()]);
}, ms, ...more);
"""
"""Notes when the script's looks begin and end, in ms."""

WITHOUT_COMPARISON = ("svelte", "angular")
"""They write their own text without a look at what stands there, so nothing waits for them."""

CONTAINERS = [(framework,) for framework in ("react18", "react19", "vue", *WITHOUT_COMPARISON)]
DOCUMENTS = [("react18", "document", "tag"), ("react19", "document", "tag")]
PAGES = [
    *CONTAINERS,
    *DOCUMENTS,
    ("react18", "streamed"),
    ("react19", "streamed"),
    *((*page, "streamed") for page in DOCUMENTS),
    ("react19", "document", "tag", "streamed", "transition"),
]
IN_DEVELOPMENT = [
    ("react18", "streamed"),
    ("vue",),
    ("svelte",),
    ("angular",),
    ("react19", "document", "tag", "streamed", "transition"),
]
BUILDS = [
    *((page, "production") for page in PAGES),
    *((page, "development") for page in IN_DEVELOPMENT),
]


@dataclass
class Visit:
    """One page of a site, on its way to a browser, and what became of it there."""

    site: Site
    server: StreamingServer
    page: Answer
    bundle: Answer
    view: View

    def types(self) -> None:
        """The visitor writes something before the page is hydrated."""
        types(self.view)

    def is_whole(self, *more: str, faults: Sequence[str] = ()) -> None:
        """The number is swapped everywhere, once; nothing was mended, and nothing lost."""
        finds_all_well(self.view, *more, faults=faults)


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
    cut: str = "",
    script: str = "",
) -> Visit:
    """Open a page whose bundle runs ``start``; ``cut``: the document stops after it at first."""
    framework, *options = page
    made = rendered(framework, mode, *options)
    root = f"/{site.account.id}"

    def placed(text: str) -> str:
        return text.replace("SCRIPT_URL", script or site.script).replace(
            "BUNDLE_URL", root + "/bundle.js"
        )

    chunks = [placed(chunk) for chunk in made.chunks]
    if cut:
        before, after = chunks[0].split(cut, 1)
        chunks[:1] = [before + cut, after]
    document = server.serve(root + "/", Answer(*chunks, held=len(chunks) - 1))
    bundle = server.serve(
        root + "/bundle.js",
        Answer(f"{placed(made.script)};{start}", content_type="text/javascript", held=bundle_held),
    )
    view = site.tab([BEFORE_PAGE]).goes_to(server.at(SHOP, root + "/"), until="commit")
    return Visit(site, server, document, bundle, view)


LATER = ("#slow",)
START = "Promise.resolve(hydrate()).then(() => (window.hydrated = true))"
AFTER_3_S = f"addEventListener('load', () => setTimeout(() => {{ {START} }}, 3000))"


def ids(page: tuple[str, ...] | str) -> str:
    """A page's name in a test's."""
    return page if isinstance(page, str) else "-".join(page)


@pytest.mark.parametrize(("page", "mode"), BUILDS, ids=ids)
def test_after_the_answer(
    site: Site, server: StreamingServer, page: tuple[str, ...], mode: str
) -> None:
    """{page} is hydrated after the script has got its number: nothing was swapped before."""
    opened = visit(site, server, page, mode, START, bundle_held=1)
    opened.types()
    site.requests("/v1/swap")
    if "document" not in page and page[0] != "svelte":  # its page has no id, and is the document
        opened.view.shows(f"Outside: {NEW}", "#outside")
    if page[0] not in WITHOUT_COMPARISON:
        opened.view.keeps(f"Call {OLD} now", "#plain")
    opened.bundle.release()
    if "streamed" in page:
        opened.view.shows(f"Call {NEW} now", "#plain")
        opened.page.release()
    opened.is_whole(*(LATER if "streamed" in page else ()))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_at_once(site: Site, server: StreamingServer, page: tuple[str, ...]) -> None:
    """{page} is hydrated as soon as its bundle is there."""
    opened = visit(site, server, page, "production", START)
    opened.types()
    opened.page.release()
    opened.is_whole(*(LATER if "streamed" in page else ()))


@pytest.mark.parametrize(
    "page", [("react18",), ("react19", "document", "tag", "streamed"), ("vue",)], ids=ids
)
def test_late(site: Site, server: StreamingServer, page: tuple[str, ...]) -> None:
    """{page} is hydrated 3 s after it has loaded."""
    opened = visit(site, server, page, "production", AFTER_3_S)
    opened.page.release()
    opened.types()
    opened.is_whole(*(LATER if "streamed" in page else ()))


@pytest.mark.parametrize("page", [("react18",), ("react19",), ("vue",)], ids=ids)
def test_faults_are_seen(site: Site, server: StreamingServer, page: tuple[str, ...]) -> None:
    """A text of {page} that somebody else swaps too early is a fault that these tests see."""
    opened = visit(site, server, page, "production", START, bundle_held=1, script="/missing.js")
    opened.types()
    opened.view.run("text => { plain.textContent = text }", f"Call {NEW} now")
    opened.bundle.release()
    opened.view.becomes(True, "() => window.hydrated").settles()
    assert opened.view.run("() => faults") != []


def test_begun_again(site: Site, server: StreamingServer) -> None:
    """React compares a page twice, because a part has to be waited for: nothing changes before."""
    page = ("react19", "document", "tag", "transition", "interrupted")
    opened = visit(site, server, page, "production", START)
    opened.types()
    site.requests("/v1/swap")
    opened.view.becomes(True, "() => Object.keys(plain).some(key => key.includes('reactFiber'))")
    looked = "before => performance.now() > before + 400"
    opened.view.becomes(True, looked, opened.view.run("() => performance.now()"))
    opened.view.run("() => release()")
    opened.is_whole()


def test_suspended_vue(site: Site, server: StreamingServer) -> None:
    """What Vue hydrates after its app, as Nuxt may, isn't waited for: nothing is lost all the same.

    Vue says that the text was another one, and corrects it; the script swaps it again at once.
    """
    opened = visit(site, server, ("vue", "suspended"), "production", START)
    opened.types()
    opened.view.becomes(True, "() => !!document.querySelector('#app').__vue_app__")
    opened.view.shows(f"Call {NEW} now", "#plain").run("() => release()")
    opened.is_whole(faults=["Hydration completed but contains mismatches."])


def test_island(site: Site, server: StreamingServer) -> None:
    """An island that Astro hydrates when it is seen waits for that, its page doesn't."""
    opened = visit(
        site,
        server,
        ("react19", "island"),
        "production",
        "window.see = () => { island.removeAttribute('ssr'); " + START + "}",
    )
    opened.types()
    opened.view.shows(f"Outside: {NEW}", "#outside")
    opened.view.becomes(
        True,
        "() => [performance.timing.loadEventEnd].some(end => end && Date.now() > end + 5500)",
    )
    opened.view.keeps(f"Call {OLD} now", "#plain").run("() => see()")
    opened.is_whole()


@pytest.mark.parametrize("page", [("vue",), ("react19", "document", "tag")], ids=ids)
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
    view = site.tab().goes_to(server.at(SHOP, root + "/"), until="commit")
    view.shows(f"Clicked 0 times, call {NEW} now", "#mixed")
    assert view.run("() => document.readyState") != "complete"
    image.release()


@pytest.mark.parametrize("page", [("react18",), ("react19",), ("vue",)], ids=ids)
def test_known_number(site: Site, server: StreamingServer, page: tuple[str, ...]) -> None:
    """The number is known before, and {page} comes in pieces: its first text waits already."""
    root = f"/{site.account.id}"
    server.serve(root + "/first", Answer(f"<!doctype html>{site.tag()}<p id=plain>Call {OLD} now"))
    site.tab().goes_to(server.at(SHOP, root + "/first")).shows(f"Call {NEW} now", "#plain")
    opened = visit(
        site, server, page, "production", START, bundle_held=1, cut=f"Call {OLD} now</p>"
    )
    opened.view.becomes(True, "() => !!window.ringpool?.running")
    opened.view.keeps(f"Call {OLD} now", "#plain")
    opened.page.release()
    opened.types()
    opened.bundle.release()
    opened.is_whole()


def test_many_waiting(site: Site, server: StreamingServer) -> None:
    """3,000 numbers that wait take at most a tenth of the time, and are swapped in the end."""
    items = "".join(f"<div><p>{item}<!-- -->: {OLD}</p></div>" for item in range(3000))
    path = f"/{site.account.id}/image"
    image = server.serve(path, Answer("", held=1, content_type="image/png"))
    loading = f"<img src={server.at(SHOP, path)}>"  # the page waits as long as it loads
    view = site.open(f"<div id=root>{items}</div>{loading}", before=[TIME_TAKEN])
    site.requests("/v1/swap")
    waited = view.run("() => looks.length")
    view.becomes(True, "waited => looks.length > waited + 12", waited)
    assert view.text("#root").count(NEW) == 0
    looks = view.run("waited => looks.slice(waited)", waited)
    taken = sum(end - start for start, end in looks[:-1])
    assert taken <= 0.1 * (looks[-1][0] - looks[0][0])
    image.release()
    view.becomes(3000, "text => document.body.textContent.split(text).length - 1", NEW)
