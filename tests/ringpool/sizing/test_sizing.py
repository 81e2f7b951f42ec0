"""Questions of a pool's size, and the real allocation's answers next to the formula's."""

from __future__ import annotations

import math

import pytest

from ringpool.faults import Fault
from ringpool.sizing import load
from ringpool.sizing.reading import read
from ringpool.sizing.simulation import simulate
from ringpool.sizing.sizing import Question, Traffic, size


def test_a_question_is_read() -> None:
    """Texts of a command or a request."""
    question = read(
        {"clicks": "48000/d", "peak": "2", "distinct": "60%", "min_duration": "10m", "other": "x"}
    )
    assert question == Question(
        traffic=Traffic(clicks=48000 / 86400, peak=2.0, distinct=0.6), seconds=600.0
    )
    sizing = size(question)
    assert sizing.load == pytest.approx(400)
    assert (sizing.needed, sizing.numbers) == (426, 426)
    assert sizing.life_seconds == pytest.approx(426 / (400 / 600 * (1 - sizing.overflow)))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"clicks": "48000"}, "clicks"),
        ({"clicks": ""}, "clicks"),
        ({"clicks": "0/h"}, "clicks"),
        ({"clicks": "9" * 12 + "/s"}, "clicks"),
        ({"clicks": "1e9/s"}, "clicks"),
        ({"min_duration": "10"}, "min_duration"),
        ({"min_duration": "0s"}, "min_duration"),
        ({"distinct": "120%"}, "distinct"),
        ({"distinct": "0"}, "distinct"),
        ({"keywords": "1000001"}, "keywords"),
        ({"keywords": "-1"}, "keywords"),
        ({"keywords": "١"}, "keywords"),
        ({"keywords": "10", "zipf": "0"}, "zipf"),
        ({"peak": "nan"}, "peak"),
        ({"peakedness": "0.5"}, "peakedness"),
        ({"renewed": "yes"}, "renewed"),
        ({"extension": "long"}, "extension"),
        ({"extension": "3m", "renewed": "0"}, "extension"),
        ({"overflow": "0"}, "overflow"),
        ({"overflow": "100%"}, "overflow"),
        ({"numbers": "0"}, "numbers"),
        ({"call_delay": "0s"}, "call_delay"),
    ],
)
def test_what_cannot_be_is_named(given: dict[str, str], field: str) -> None:
    """Each by its field."""
    with pytest.raises(Fault) as raised:
        size(read({"clicks": "1/s", "min_duration": "10m", **given}))
    assert raised.value.field == field


def test_the_example_of_wikipedia() -> None:
    """3 million impressions a month on 500 numbers for 45 minutes: 6.25 pages a number at a time.

    Its 3.5 % overflow come with as many tuples at a time as numbers: each stands on 6.25 pages.
    """
    given = {"clicks": "100000/d", "min_duration": "45m", "numbers": "500"}
    every_page_its_own = size(read(given))
    assert every_page_its_own.load / 500 == pytest.approx(6.25)
    assert every_page_its_own.overflow == pytest.approx(0.84, abs=0.001)
    shared = size(read({**given, "distinct": "16%"}))  # 1 / 6.25
    assert shared.load == pytest.approx(500)
    assert round(shared.overflow, 3) == 0.035


def test_calls_come_too_late() -> None:
    """At most e^(-D/m), and fewer after the mean life."""
    sizing = size(read({"clicks": "1/m", "min_duration": "10m", "call_delay": "5m"}))
    assert sizing.late_calls == pytest.approx(math.exp(-2))
    assert sizing.late_calls_mean is not None
    assert sizing.late_calls_mean < math.exp(-2)


def test_tuples_that_come_again_need_fewer_numbers() -> None:
    """At the extremes: rare ones are like new ones, busy ones take a number each."""
    for renewed in (False, True):
        rare = load.of_tuples([1e-6] * 1000, 600, renewed=renewed)
        assert rare.erlangs == pytest.approx(0.6, rel=1e-3)
        assert rare.begun == pytest.approx(1e-3, rel=1e-3)
        assert rare.peakedness == pytest.approx(1, rel=1e-3)
    busy = load.of_tuples([10.0] * 1000, 600, renewed=True)
    assert busy.erlangs == pytest.approx(1000)
    assert busy.begun == pytest.approx(0)
    assert busy.peakedness == pytest.approx(0, abs=1e-9)
    assert math.fsum(load.zipf_rates(3.0, 5000, 0.9)) == pytest.approx(3)


def test_all_are_always_there() -> None:
    """A load that doesn't vary takes as many numbers as there are tuples."""
    sizing = size(
        read({"clicks": "100000/s", "keywords": "50", "min_duration": "1h", "renewed": "0"})
    )
    assert sizing.needed == 50


@pytest.mark.parametrize(
    "given",
    [
        {"clicks": "20/m", "min_duration": "1m", "numbers": "26"},
        {
            "clicks": "60/m",
            "distinct": "50%",
            "min_duration": "1m",
            "renewed": "0",
            "numbers": "36",
        },
        {
            "clicks": "30/m",
            "keywords": "300",
            "min_duration": "2m",
            "numbers": "36",
        },
        {
            "clicks": "30/m",
            "keywords": "300",
            "min_duration": "2m",
            "renewed": "0",
            "numbers": "30",
        },
        {"clicks": "20/m", "min_duration": "1m", "extension": "30s", "numbers": "36"},
    ],
    ids=["visitors", "visitors who come again", "keywords", "not renewed", "visits"],
)
async def test_the_real_allocation_agrees(given: dict[str, str]) -> None:
    """Within its standard error: a run whose chance is fixed."""
    question = read(given)
    sizing = size(question)
    told: list[int] = []
    found = await simulate(question, sizing.numbers, 4000, 7, told.append)
    assert found.clicks == 4000
    assert sum(told) >= 4000
    assert found.agrees(sizing.overflow), (found, sizing.overflow)
    assert not found.agrees(sizing.overflow * 4 + 0.02)
