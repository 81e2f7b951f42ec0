"""Types of options that several commands have."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from ringpool.times import Duration, to_unix_ms


class Span(click.ParamType[Duration]):
    """A span such as 24h."""

    name = "span"

    def convert(
        self, value: str | Duration, param: click.Parameter | None, ctx: click.Context | None
    ) -> Duration:
        if isinstance(value, Duration):
            return value
        try:
            return Duration.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Instant(click.ParamType[datetime]):
    """An ISO 8601 time; one without an offset is UTC."""

    name = "time"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return _instant(value)
        except ValueError:
            self.fail(_no_time(value), param, ctx)


class UnixTime(click.ParamType[int]):
    """The same as Unix milliseconds; without a fraction, the end of its second."""

    name = "time"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if isinstance(value, int):
            return value
        try:
            return to_unix_ms(_instant(value))
        except ValueError:
            self.fail(_no_time(value), param, ctx)


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _no_time(text: str) -> str:
    return f"{text!r} is not a time such as 2026-11-21T14:32:00+01:00"


SPAN, INSTANT, UNIX_TIME = Span(), Instant(), UnixTime()

overlap = click.option(
    "--overlap",
    type=SPAN,
    default="24h",
    show_default=True,
    help="How long the present key goes on working; 0s: it ends at once.",
)
"""The option of commands that replace a key."""
