"""What the browser script weighs, and what it costs a page in real browsers of three engines.

The unit is a bare TreeWalker pass with a digit test over the same nodes in the same page, so that
the ratios hold on other machines. A naive regex-over-innerHTML swapper is the yardstick.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loadtests.figures import Figure, Skipped, Target, of_rounds
from loadtests.section import Bench, Section
from snippet import bundle
from tests.snippet.conformance.account import Account, Pool
from tests.snippet.conformance.service import Service
from tests.snippet.conformance.site import SHOP, Site
from tests.snippet.conformance.view import View
from tests.snippet.engines import chromium, firefox, webkit
from tests.snippet.engines.protocol import Browser, Engine

BYTES_AT_MOST = 5632
WARM_AT_MOST = 8.0
NODES = (200, 2_000, 20_000)
TARGETS = (1, 5, 200)
NUMBERS_EVERY = 100  # text nodes
BATCH = 100
_PASSES = 15
_UNCOUNTED = 4
_HELPER = (Path(__file__).parent / "snippet_page.js").read_text(encoding="utf-8")
_ISOLATED = {  # gives the page a clock of 5 µs instead of 100
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
}
_SHIFT = """
  window.shift = 0;
  new PerformanceObserver(list => list.getEntries().forEach(entry => { shift += entry.value }))
    .observe({type: 'layout-shift', buffered: true});
  document.addEventListener('ringpool:swapped', () => performance.mark('swapped'), {once: true});
"""
_ONE_NUMBER = Account("acme", [Pool("+18005550100", "")], key=87 * "B").settings(
    "https://calls.example.com"
)
_BODY = "<p style='font: 20px monospace'>Call 800-555-0100 now</p>"


def _measure(bench: Bench) -> list[Figure]:
    if what := chromium.missing():
        raise Skipped(what)
    with ThreadPoolExecutor(1) as thread:  # Playwright wants a thread without an event loop
        return thread.submit(_figures, bench).result()


def _figures(bench: Bench) -> list[Figure]:
    weight = float(len(gzip.compress(bundle.SOURCE, 9)))
    figures = [
        of_rounds(
            "snippet_size",
            [weight],
            "The whole script, gzip -9",
            unit="B",
            target=Target(at_most=BYTES_AT_MOST),
        ),
        of_rounds(
            "snippet_answer",
            [float(len(gzip.compress(bundle.with_settings(_ONE_NUMBER), 9)))],
            "What `/dni.js?account=` answers: the script and the settings of one number, gzip -9",
            unit="B",
        ),
    ]
    with Service().running() as service:
        with _running(chromium, service) as browser:
            for nodes in NODES:
                for targets in TARGETS:
                    rounds = _rounds(bench.rounds, nodes)
                    with _site(browser, service) as site:
                        figures += _first_swap(site, nodes, targets, rounds)
            with _site(browser, service) as site:
                figures += _latencies(site, bench.rounds)
        for engine in (firefox, webkit):
            if engine.missing():
                continue
            with _running(engine, service) as browser:
                for targets in TARGETS:
                    with _site(browser, service) as site:
                        figures += _elsewhere(engine, site, targets, bench.rounds)
    return figures


@contextmanager
def _running(engine: Engine, service: Service) -> Iterator[Browser]:
    with engine.launcher(service.at("127.0.0.1")) as launcher:
        browser = launcher.launch()
        yield browser
        browser.close()


@contextmanager
def _site(browser: Browser, service: Service) -> Iterator[Site]:
    site = Site(browser, service)
    yield site
    site.close()


def _rounds(rounds: int, nodes: int) -> int:
    return 3 if nodes > 5_000 else rounds


def _first_swap(site: Site, nodes: int, targets: int, rounds: int) -> list[Figure]:
    """The cost of one page's first swap, cold and warm, and of a batch of new nodes."""
    figures = _costs(site, nodes, targets, rounds)
    of = _of(nodes, targets)
    size = f"{nodes}_{targets}"
    made = [
        of_rounds(
            f"snippet_cold_{size}", figures["cold"], f"First swap ever, {of}", less_is_better=True
        ),
        of_rounds(
            f"snippet_warm_{size}",
            figures["warm"],
            f"Swap, warm, {of}",
            target=_limit(nodes, targets),
            less_is_better=True,
        ),
        of_rounds(
            f"snippet_naive_{size}",
            figures["naive"],
            f"Naive swapper, warm, {of}",
            less_is_better=True,
        ),
        of_rounds(f"snippet_cold_ms_{size}", figures["ms"], f"First swap ever, {of}", unit="ms"),
    ]
    if nodes == NODES[0]:
        meaning = f"A batch of {BATCH} new text nodes, {of.split(', ')[-1]}"
        made.append(
            of_rounds(f"snippet_batch_{targets}", figures["batch"], meaning, less_is_better=True)
        )
    return made


def _elsewhere(engine: Engine, site: Site, targets: int, rounds: int) -> list[Figure]:
    """The same in another engine, to its own bare pass, on a page of middle size."""
    nodes = NODES[1]
    figures = _costs(site, nodes, targets, rounds)
    return [
        of_rounds(
            f"snippet_{engine.NAME}_{name}_{targets}",
            figures[name],
            f"{meaning} in {engine.TITLE}, {_of(nodes, targets)}",
            target=_limit(nodes, targets) if name == "warm" else None,
            less_is_better=True,
        )
        for name, meaning in (
            ("cold", "First swap ever"),
            ("warm", "Swap, warm"),
            ("naive", "Naive swapper, warm"),
        )
        if name in figures
    ]


def _of(nodes: int, targets: int) -> str:
    return f"{nodes:,} text nodes, {targets} target{'s' * (targets > 1)}"


def _limit(nodes: int, targets: int) -> Target | None:
    return Target(at_most=WARM_AT_MOST) if (nodes, targets) == (2_000, 1) else None


def _costs(site: Site, nodes: int, targets: int, rounds: int) -> dict[str, list[float]]:
    """What a swap, a batch and the naive swapper cost, as ratios to a bare pass; ``ms`` in ms."""
    site.offers(*(_pool(place) for place in range(targets)))
    figures: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        figures.setdefault(name, []).append(value)

    def compare(name: str, took: dict[str, float]) -> None:
        if took["bare"]:  # too short for the browser's clock: that round tells no ratio
            note(name, took["swap"] / took["bare"])

    for _ in range(rounds):
        with _page(site, nodes) as view:
            code = bundle.with_settings(site.account.settings(_endpoint(site))).decode()
            cold = view.tab.evaluate("code => bench.cold(code)", code)
            assert cold["text"] == "Call 888-869-0000 now", cold
            compare("cold", cold)
            note("ms", cold["swap"])
            warm = view.tab.evaluate(
                "([passes, uncounted]) => bench.warm(passes, uncounted)", [_PASSES, _UNCOUNTED]
            )
            assert warm["texts"] == ["Call 800-555-0000 now", "Call 888-869-0000 now"], warm
            compare("warm", warm)
            batch = view.tab.evaluate(
                "([count, passes]) => bench.batch(count, passes, '800-555-0000')",
                [BATCH, _PASSES],
            )
            compare("batch", batch)
        with _page(site, nodes) as view:
            pairs = [[pool.target[2:], pool.number[2:]] for pool in site.account.pools]
            naive = view.tab.evaluate(
                "([pairs, passes]) => bench.naively(pairs, passes)", [pairs, 5]
            )
            compare("naive", naive)
    return figures


def _pool(place: int) -> Pool:
    return Pool(f"+1800555{place:04}", f"+1888869{place:04}", id=f"pool-{place}")


def _endpoint(site: Site) -> str:
    return site.service.at(SHOP)


@contextmanager
def _page(site: Site, nodes: int) -> Iterator[View]:
    """A page with text, whose numbers are known from the visit's page before."""
    numbers = [f"800-555-{place:04}" for place in range(len(site.account.pools))]
    tag = site.tag(src=f"{_endpoint(site)}/dni.js?account={site.account.id}")
    path = site.serve("".join(f"<p>{number}</p>" for number in numbers), tag=tag)
    view = site.visit(path)
    view.shows("".join(number.replace("800-555", "888-869") for number in numbers))
    site.serve("", tag="", headers=_ISOLATED)
    view.tab.goto(site.service.at(SHOP, path))
    view.execute(f"() => {{\n{_HELPER}\n}}")
    view.tab.evaluate(
        "([nodes, every, numbers]) => bench.fill(nodes, every, numbers)",
        [nodes, NUMBERS_EVERY, numbers],
    )
    yield view
    view.tab.close()


def _latencies(site: Site, rounds: int) -> list[Figure]:
    """From the script's start to the swapped number, and what moves meanwhile."""
    settings = site.account.settings(_endpoint(site))
    source = b"performance.mark('start');" + bundle.with_settings(settings)
    script = site.serve_file("/marked.js", source.decode())
    attributes = f'data-endpoint="{_endpoint(site)}"'
    tag = f'<script src="{script}" {attributes}></script>'
    path = site.serve(_BODY, tag=tag)
    times: dict[str, list[float]] = {"asked": [], "known": [], "signed": []}
    shifts: list[float] = []

    def one(name: str, view: View) -> None:
        view.shows("Call 888-869-5345 now").settles()
        marks: dict[str, Any] = view.tab.evaluate(
            "() => Object.fromEntries(performance.getEntriesByType('mark')"
            ".map(mark => [mark.name, mark.startTime]))"
        )
        times[name].append(marks["swapped"] - marks["start"])
        shifts.append(view.tab.evaluate("() => shift"))

    for _ in range(rounds):
        view = site.visit(path, before=[_SHIFT])
        one("asked", view)
        view.tab.reload()
        one("known", view)
        view.tab.close()
        view = site.visit(path, query=site.tracking_query(), before=[_SHIFT])
        one("signed", view)
        view.tab.close()
    return [
        of_rounds(f"snippet_{name}_ms", values, f"Script start to swapped, {how}", unit="ms")
        for (name, values), how in zip(
            times.items(),
            ("one round trip", "known from the visit", "signed in the URL"),
            strict=True,
        )
    ] + [
        of_rounds(
            "snippet_layout_shift",
            shifts,
            "Cumulative layout shift of a swap that keeps the width",
            target=Target(at_most=0),
        )
    ]


SECTION = Section(
    "The browser script",
    (
        *("first_swap", "snippet_size", "snippet_answer", "snippet_cold", "snippet_warm"),
        *("snippet_naive", "snippet_batch", "snippet_firefox", "snippet_webkit"),
    ),
    _measure,
)
