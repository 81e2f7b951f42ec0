"""``snippet/CONFORMANCE.md``: every case of the suite, written by the suite itself.

``python -m tests.snippet.conformance.table`` runs the suite and writes the table only when every
case passed in every engine.
"""

from __future__ import annotations

import html
import importlib
import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.snippet.conformance import test_cases
from tests.snippet.conformance.case import Case
from tests.snippet.engines.available import ENGINES

_HERE = Path(__file__).parent
FILE = _HERE.parents[2] / "snippet" / "CONFORMANCE.md"
BEHAVIOURS = (
    "late_changes",
    "documents",
    "frameworks",
    "odd_pages",
    "visits",
    "service_failures",
    "tracking_links",
    "consent",
    "policies",
    "owner",
    "landing_pages",
    "fuzz",
)
"""The modules whose cases are written as code, in the table's order."""

_HEAD = """\
# Conformance

What the script does, case by case, each tested in three real browser engines: {engines},
as Debian packages them (`chromium`, `firefox-esr`, WebKitGTK): {cases} cases, ✓ where it is tested.
`make test` runs all of them in Chromium, and in Firefox and WebKit those that don't take minutes:
numbers, places, visits, consent, documents, odd pages, policies and tracking links. `make
conformance` runs all of them in all three, and writes this file if they pass.

A case opens a page with the tag. **Requests are part of it**: each table below names the targets
that the service may be asked for. A case fails if it asks for another one, or twice, and also if
there is an uncaught error anywhere on its page.
"""


_ENGINES = " | ".join(engine.TITLE for engine in ENGINES.values())
_RULE = "|---" * len(ENGINES) + "|"
_PASSED = " | ".join("✓" for _ in ENGINES)


class Behaviour(NamedTuple):
    """A case written as code: its test function and what it claims."""

    name: str
    sentence: str


def behaviours(module: str) -> tuple[str, list[Behaviour]]:
    """The title of a module of cases, and its cases."""
    found = importlib.import_module(f"tests.snippet.conformance.test_{module}")
    tests = (
        (name, value)
        for name, value in vars(found).items()
        if name.startswith("test_") and inspect.isfunction(value)
    )
    title = (inspect.getdoc(found) or "").split("\n")[0].rstrip(".")
    return title, [
        Behaviour(name, sentence) for name, test in tests for sentence in _sentences(test)
    ]


def text() -> str:
    """The whole file."""
    parts = []
    count = 0
    for group in test_cases.GROUPS:
        asked = ", ".join(f"`{target}`" for target in group.asked) or "none"
        if len(group.asked) > 5:
            asked = f"all {len(group.asked)} that stand on the page"
        parts += [
            f"\n## {group.title}\n\nAsked for: {asked}.\n",
            f"| case | on the page | after | {_ENGINES} |",
            f"|---|---|---{_RULE}",
            *(_row(case) for case in group.cases),
        ]
        count += len(group.cases)
    for module in BEHAVIOURS:
        title, cases = behaviours(module)
        parts += [f"\n## {title}\n", f"| case | {_ENGINES} |", f"|---{_RULE}"]
        parts += [f"| {_cell(case.sentence)} | {_PASSED} |" for case in cases]
        count += len(cases)
    *most, last = (engine.TITLE for engine in ENGINES.values())
    engines = f"{', '.join(most)} and {last}"
    return _HEAD.format(cases=count, engines=engines) + "\n".join(parts) + "\n"


def _row(case: Case) -> str:
    after = "stays" if case.expected is None else _code(case.expected)
    return f"| {_plain(case.name)} | {_code(case.html)} | {after} | {_PASSED} |"


def _code(markup: str) -> str:
    """Markup in a table's cell; characters that can't be seen are named by their code."""
    shown = "".join(
        f"\\u{ord(character):04x}" if not character.isprintable() else character
        for character in markup
    )
    return f"<code>{html.escape(shown, quote=False).replace('|', '&#124;')}</code>"


def _plain(name: str) -> str:
    return _cell(html.escape(name, quote=False))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _sentences(test: object) -> Iterator[str]:
    """The docstring, once for each set of parameters, with their values in it."""
    sentence = " ".join((inspect.getdoc(test) or "").split())
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    if "{framework}" in sentence:
        yield from (sentence.replace("{framework}", name) for name in ("React", "Vue"))
        return
    if not marks:
        yield sentence
        return
    names, values = marks[0].args
    for value in values:
        several = isinstance(names, tuple)
        named = zip(names, value, strict=True) if several else ((names, value),)
        yield sentence.format(**dict(named))


def main() -> int:
    """Run the suite; write the table when it passed. A missing engine is a failure here."""
    cases = [str(_HERE), f"--ignore={_HERE / 'test_table.py'}"]
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", *cases]
    result = subprocess.run(command, check=False, env={**os.environ, "CI": "true"})
    if result.returncode == 0:
        FILE.write_text(text(), encoding="utf-8")
    return result.returncode


if __name__ == "__main__":
    raise SystemExit(main())
