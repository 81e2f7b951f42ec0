"""What a report is asked for: days and hours of a zone, and what can't be read."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ringpool.faults import Fault
from ringpool.reports.question import read
from tests.ringpool.reports.archived import ms


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("America/Santiago", "2026-09-06", 23),  # it has no midnight
        ("Asia/Kathmandu", "2026-11-01", 24),
        ("UTC", "2026-10-25", 24),
    ],
)
def test_a_day_is_as_long_as_the_zone_has_it(zone: str, day: str, hours: int) -> None:
    """From its first moment to its last, when the clocks change too."""
    question = read("campaign", {"from": day, "to": day, "timezone": zone})
    assert question.since is not None
    assert question.until is not None
    assert question.until - question.since == hours * 3_600_000


def test_times_have_an_offset_or_are_the_zones() -> None:
    """A plus that wasn't escaped is one; to the millisecond."""
    for text in ("2026-11-21T15:32:00+01:00", "2026-11-21T15:32:00 01:00", "2026-11-21T14:32Z"):
        assert read("hour", {"from": text}).since == ms("2026-11-21T14:32:00Z")
    local = read("hour", {"to": "2026-11-21T09:32:00.250", "timezone": "America/New_York"})
    assert local.until == ms("2026-11-21T14:32:00.250Z")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-02-30"}, "from"),
        ({"from": "٢٠٢٦-11-21"}, "from"),
        ({"from": "1969-12-31"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"to": "0001-01-01T00:00:00+14:00"}, "to"),
        ({"from": "2026-11-03", "to": "2026-11-01"}, "to"),
        ({"timezone": "Europe"}, "timezone"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"timezone": "/etc/localtime"}, "timezone"),
        ({"timezone": "Europe/Berlin\0"}, "timezone"),
        ({"timezone": "A" * 1000}, "timezone"),
        ({"limit": "0"}, "limit"),
        ({"limit": "10001"}, "limit"),
        ({"limit": "٣"}, "limit"),
        ({"account": "No Such"}, "account"),
        ({"pool": "x" * 64}, "pool"),
        ({"start_after_transaction_id": "x" * 129}, "start_after_transaction_id"),
    ],
)
def test_what_can_not_be_read_is_named(given: dict[str, str], field: str) -> None:
    """A fault of the field that it is about."""
    with pytest.raises(Fault) as raised:
        read("campaign", given)
    assert raised.value.field == field


@pytest.mark.parametrize(("field", "day"), [("from", "0001-01-01"), ("to", "9999-12-31")])
def test_a_time_that_nobody_counts_in(field: str, day: str) -> None:
    """It is well written, so what is said is which times are known."""
    with pytest.raises(Fault, match="from 1970 to 9999"):
        read("campaign", {field: day})


def test_a_parameter_is_named() -> None:
    """For the report by parameter alone, in whichever case."""
    assert read("parameter", {"name": " WebSite "}).name == "website"
    assert read("campaign", {"name": "website"}).name == ""
    with pytest.raises(Fault, match="name: is needed"):
        read("parameter", {})
    with pytest.raises(Fault, match="limit: expected 1 to 1000"):
        read("transactions", {"limit": "1001"})


def test_zones_need_nothing_of_the_system() -> None:
    """A slim container has no zones of its own: the package tzdata has them."""
    program = """
from ringpool.faults import Fault
from ringpool.reports.question import read

for zone in ("Asia/Kolkata", "Europe", "Mars/Olympus"):
    try:
        print(read("hour", {"timezone": zone}).zone)
    except Fault as fault:
        print(fault.field)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONTZPATH": ""},
        capture_output=True,
        text=True,
    )
    assert (ran.stdout.split(), ran.stderr) == (["Asia/Kolkata", "timezone", "timezone"], "")
