"""Candidates of a call: who is listed, in which order, and how probable."""

from __future__ import annotations

import re

import pytest

from ringpool.attribution.candidates import Candidate, ranked
from ringpool.attribution.fit import Posterior
from ringpool.attribution.suspects import (
    CLICK,
    RETURNING,
    Earlier,
    Suspect,
    group_of,
    holders_of,
    shown_of,
    suspects_of,
)

AT = 1_764_000_000_000
CALL = {"account": "a", "started_at": AT, "overflow": False}


def suspect(source: int, since: int = AT - 60_000, why: str = CLICK) -> Suspect:
    name = f"website={source}"
    return Suspect(why=why, pool="p", tuple=name, source=source, since=since, last_at=since)


def listed(candidates: list[Candidate]) -> list[tuple[str, int, float]]:
    return [
        (each.why, each.suspect.source if each.suspect else 0, each.probability)
        for each in candidates
    ]


def test_a_source_is_listed_once_with_all_its_ways() -> None:
    """By the way that is the most probable; nobody always; the improbable left out."""
    holders = [suspect(1), suspect(2, AT - 90_000), suspect(1, AT - 900_000), suspect(3)]
    earlier = [Earlier(suspect(2, why=RETURNING), 0.9, AT - 80_000, True)]
    known = suspects_of(CALL, holders, earlier)
    found = ranked(known, Posterior((0.4, 0.1, 0.05, 0.0005), (0.4495,), 0.0))
    assert listed(found) == [
        (RETURNING, 2, 0.5498),
        (CLICK, 1, 0.4502),
        ("nobody", 0, 0.0),
    ]


@pytest.mark.parametrize("parts", [3, 7, 999])
def test_probabilities_add_up_to_one(parts: int) -> None:
    """As they are written, rounded, and with those that aren't listed shared out."""
    holders = [suspect(place) for place in range(1, parts)]
    found = ranked(
        suspects_of(CALL, holders, []), Posterior((1 / parts,) * (parts - 1), (), 1 / parts)
    )
    assert sum(each.probability for each in found) == pytest.approx(1, abs=1e-9)
    assert [each.probability for each in found] == sorted(
        (each.probability for each in found), reverse=True
    )
    alone = ranked(suspects_of(CALL, [], []), Posterior((), (), 1.0))
    assert listed(alone) == [("nobody", 0, 1.0)]


def row(since: int, **more: object) -> dict[str, object]:
    own = {"account": "a", "pool": "p", "tuple": "website=1", "source": 1, "since": since}
    clicks = {"clicks": 1, "last_click_at": since, "first_click": '{"n":"1"}', "last_click": ""}
    return own | clicks | more


def test_clicks_after_the_call_do_not_count() -> None:
    """Those in between are taken to have come evenly; when the last one was isn't known then."""
    (found,) = holders_of(CALL, "", [row(AT - 50, clicks=11, last_click_at=AT + 50)])
    assert (found.clicks, found.last_at, found.last_click_at) == (6, AT, 0)
    assert (found.first_click, found.last_click) == ('{"n":"1"}', "")
    (found,) = holders_of(CALL, "", [row(AT, clicks=2, last_click_at=AT + 50)])
    assert (found.clicks, found.last_at) == (1, AT)
    late = row(AT - 50, clicks=3, last_click_at=AT, last_click='{"n":"3"}')
    (found,) = holders_of(CALL, "", [late])
    assert (found.clicks, found.last_click_at, found.last_click) == (3, AT, '{"n":"3"}')


def test_who_held_the_number_when_the_call_was_told_goes_first() -> None:
    """Before the row of the same assignment; later holders and other accounts' aren't listed."""
    told = (
        f'{{"pool":"p","account":"a","tuple":"website=1","serial":7,"since":{AT - 50},"until":0,'
        f'"clicks":2,"first_click":"","last_click":"","last_click_at":{AT - 20}}}'
    )
    rows = [
        row(AT + 1),
        row(AT - 50, clicks=9, last_click_at=AT + 100),
        row(AT - 90, source=2),
        row(AT - 91, account="b"),
    ]
    found = holders_of(CALL, told, rows)
    assert [(each.since, each.clicks) for each in found] == [(AT - 50, 2), (AT - 90, 1)]
    assert (found[0].source, found[0].made_of) == (1, None)  # its row knows where it came from
    (alone,) = holders_of(CALL, told, [])
    assert alone.made_of is not None
    assert alone.made_of.id == alone.source
    others = holders_of(CALL | {"account": "b"}, told, rows)
    assert [each.since for each in others] == [AT - 91]
    assert holders_of(CALL | {"started_at": AT - 60}, told, rows)[0].since == AT - 90


def test_who_was_shown_the_overflow_number() -> None:
    """By source, with all the times it was."""
    shown = [
        {"account": "a", "pool": "p", "tuple": "website=1", "source": source, "at": at, "click": at}
        for source, at in ((1, AT + 1), (1, AT - 1), (2, AT - 2), (1, AT - 3))
    ]
    first, second = shown_of(CALL, shown)
    assert (first.source, first.clicks, first.since, first.last_click_at) == (1, 2, AT - 3, AT - 1)
    assert (second.source, second.clicks) == (2, 1)


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (("website=one", '{"search_keywords":"solar"}'), ("website=one", ""), True),
        (("website=one", ""), ("website=two", ""), False),
        (
            ("visitor=v1", '{"search_keywords":"solar","utm_campaign":"c"}'),
            ("visitor=v2", '{"search_keywords":"solar"}'),
            True,
        ),
        (
            ("visitor=v1&publisher=x", '{"utm_campaign":"c"}'),
            ("visitor=v2", '{"publisher":"x"}'),
            True,
        ),
        (("visitor=v1&publisher=x", ""), ("visitor=v1", '{"utm_campaign":"x"}'), False),
        (
            ("visitor=v1", '{"landing_page":"https://a.example/b?visitor=v1"}'),
            ("visitor=v2", '{"landing_page":"https://a.example/b"}'),
            True,
        ),
        (("visitor=v1", ""), ("visitor=v2", ""), True),
    ],
)
def test_visitors_share_a_rate(
    one: tuple[str, str], other: tuple[str, str], together: bool
) -> None:
    """By where they came from, and never by who they are; no name is in it."""
    assert (group_of(*one) == group_of(*other)) is together
    assert re.fullmatch("[0-9a-f]{16}", group_of(*one))
