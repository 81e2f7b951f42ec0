"""The cases that are data: each group is one page in the browser, each case one test."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.snippet.conformance import country_cases, number_cases, place_cases
from tests.snippet.conformance.case import Case, Group
from tests.snippet.conformance.site import Site

GROUPS = (*number_cases.GROUPS, *country_cases.GROUPS, *place_cases.GROUPS)

# Markup as the parser makes it, so that both sides are written alike.
_PARSED = """htmls => htmls.map(html => new DOMParser()
  .parseFromString(`<section>${html}</section>`, 'text/html').body.firstChild.innerHTML)"""
_SECTIONS = "() => [...document.querySelectorAll('section')].map(section => section.innerHTML)"


class Outcome(NamedTuple):
    """What a case's markup became, and what it should have."""

    now: str
    expected: str


class Opened(NamedTuple):
    """A group's page after the swap: each case by name, and the targets asked for."""

    outcomes: dict[str, Outcome]
    asked: list[str]


@pytest.fixture(scope="session")
def opened(new_site: Callable[[], Site]) -> Callable[[Group], Opened]:
    """Open a group's page, once per test process."""
    known: dict[str, Opened] = {}

    def of(group: Group) -> Opened:
        if group.title not in known:
            known[group.title] = _open(group, new_site())
        return known[group.title]

    return of


def _open(group: Group, site: Site) -> Opened:
    site.offers(*group.pools)
    body = "".join(f"<section>{case.html}</section>" for case in group.cases)
    view = site.open(body, tag=site.tag(group.tag))
    expected = view.run(
        _PARSED, [case.html if case.expected is None else case.expected for case in group.cases]
    )
    # Until all is as it should be: or, where it isn't, until the page has long been quiet.
    try:
        view.becomes(expected, _SECTIONS)
    except AssertionError:
        view.settles()
    now = view.settles().run(_SECTIONS)
    asked = sorted(site.account.asked())
    site.close()
    assert site.errors == []
    names = (case.name for case in group.cases)
    outcomes = (Outcome(*pair) for pair in zip(now, expected, strict=True))
    return Opened(dict(zip(names, outcomes, strict=True)), asked)


@pytest.mark.parametrize(
    ("group", "case"),
    [
        pytest.param(group, case, id=f"{group.title}: {case.name}")
        for group in GROUPS
        for case in group.cases
    ],
)
def test_case(group: Group, case: Case, opened: Callable[[Group], Opened]) -> None:
    """What stands in the case's markup becomes what the case expects, and nothing else changes."""
    outcome = opened(group).outcomes[case.name]
    assert outcome.now == outcome.expected


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.title)
def test_asked(group: Group, opened: Callable[[Group], Opened]) -> None:
    """The service is asked once for each target that stands on the page, and for no other."""
    assert opened(group).asked == sorted(group.asked)
