"""A failed request is reported with all that is known of it."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from loadtests.locust.failures import Failures


def _fail(failures: Failures, exception: Exception | None) -> None:
    failures.record(
        request_type="GET",
        name="/t/{pool}",
        response_time=251.2,
        exception=exception,
        response=SimpleNamespace(status_code=503, content=b"\x1b[2Jthe store " + b"x" * 1000),
        context={"user": "LinkClicker"},
        response_length=7,
    )


def test_a_failure_says_when_who_what_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """The body cut and escaped: it goes to a terminal."""
    monkeypatch.setattr("loadtests.locust.failures.time", SimpleNamespace(monotonic=lambda: 112.34))
    failures = Failures(100)
    _fail(failures, None)
    assert list(failures.report()) == []
    _fail(failures, OSError("reset"))
    [line] = failures.report()
    assert line.startswith(
        "second 12.3: LinkClicker, GET /t/{pool}: OSError('reset'), status 503 after 251 ms, "
        r"body b'\x1b[2Jthe store x"
    )
    assert len(line) < 300


def test_a_failure_without_an_answer_is_reported_too() -> None:
    """The connection broke: there is no status and no body."""
    failures = Failures(time.monotonic())
    failures.record("GET", "/", 3.0, OSError("refused"), None, {})
    [line] = failures.report()
    assert "OSError('refused'), status 0 after 3 ms, body b''" in line


def test_many_failures_are_counted() -> None:
    """The first twenty are reported."""
    failures = Failures(time.monotonic())
    for _ in range(1234):
        _fail(failures, OSError("reset"))
    lines = list(failures.report())
    assert len(lines) == 21
    assert lines[-1] == "and 1,214 more"
