"""The engines by name, each found or visibly missed."""

from __future__ import annotations

from tests.snippet.conformance import browser
from tests.snippet.engines import chromium, firefox, webkit
from tests.snippet.engines.protocol import Engine

ENGINES: dict[str, Engine] = {engine.NAME: engine for engine in (chromium, firefox, webkit)}


def required(name: str) -> Engine:
    """The engine, or a skip that says what is missing; a failure where everything must be there."""
    engine = ENGINES[name]
    if what := engine.missing():
        browser.missing(what)
    return engine
