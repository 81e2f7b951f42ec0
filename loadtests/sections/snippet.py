"""What the browser script weighs, and what it costs a page in a real Chromium.

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
from tests.snippet.conformance import browser as browsers
from tests.snippet.conformance.account import Pool
from tests.snippet.conformance.service import Service
from tests.snippet.conformance.site import SHOP, Site
from tests.snippet.conformance.view import View

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
_BODY = "<p style='font: 20px monospace'>Call 800-555-0100 now</p>"


def _measure(bench: Bench) -> list[Figure]:
    if not browsers.installed():
        raise Skipped("Chromium isn't installed")
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
        )
    ]
    with Service().running() as service, browsers.running() as browser:
        for nodes in NODES:
            for targets in TARGETS:
                rounds = _rounds(bench.rounds, nodes)
                site = Site(browser, service)
                figures += _first_swap(site, nodes, targets, rounds)
                site.close()
        site = Site(browser, service)
        figures += _latencies(site, bench.rounds)
        site.close()
    return figures


def _rounds(rounds: int, nodes: int) -> int:
    return 3 if nodes > 5_000 else rounds


def _first_swap(site: Site, nodes: int, targets: int, rounds: int) -> list[Figure]:
    """The cost of one page's first swap, cold and warm, and of a batch of new nodes."""
    site.offers(*(_pool(place) for place in range(targets)))
    figures: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        figures.setdefault(name, []).append(value)

    for _ in range(rounds):
        with _page(site, nodes) as view:
            code = bundle.with_settings(site.account.settings(_endpoint(site))).decode()
            cold = view.tab.evaluate("code => bench.cold(code)", code)
            assert cold["text"] == "Call 888-869-0000 now", cold
            note("cold", cold["swap"] / cold["bare"])
            note("ms", cold["swap"])
            warm = view.tab.evaluate(
                "([passes, uncounted]) => bench.warm(passes, uncounted)", [_PASSES, _UNCOUNTED]
            )
            assert warm["texts"] == ["Call 800-555-0000 now", "Call 888-869-0000 now"], warm
            note("warm", warm["swap"] / warm["bare"])
            batch = view.tab.evaluate(
                "([count, passes]) => bench.batch(count, passes, '800-555-0000')",
                [BATCH, _PASSES],
            )
            note("batch", batch["swap"] / batch["bare"])
        with _page(site, nodes) as view:
            pairs = [[pool.target[2:], pool.number[2:]] for pool in site.account.pools]
            naive = view.tab.evaluate(
                "([pairs, passes]) => bench.naively(pairs, passes)", [pairs, 5]
            )
            note("naive", naive["swap"] / naive["bare"])
    of = f"{nodes:,} text nodes, {targets} target{'s' * (targets > 1)}"
    size = f"{nodes}_{targets}"
    limit = Target(at_most=WARM_AT_MOST) if (nodes, targets) == (2_000, 1) else None
    made = [
        of_rounds(
            f"snippet_cold_{size}", figures["cold"], f"First swap ever, {of}", less_is_better=True
        ),
        of_rounds(
            f"snippet_warm_{size}",
            figures["warm"],
            f"Swap, warm, {of}",
            target=limit,
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
    view.tab.evaluate(_HELPER)
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
    ("snippet_size", "snippet_cold", "snippet_warm", "snippet_naive", "snippet_batch"),
    _measure,
)
