"""Types of options that several commands have."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from ringpool.times import Duration


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
            at = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2026-11-21T14:32:00+01:00", param, ctx)
        return at if at.tzinfo else at.replace(tzinfo=UTC)


SPAN, INSTANT = Span(), Instant()

overlap = click.option(
    "--overlap",
    type=SPAN,
    default="24h",
    show_default=True,
    help="How long the present key goes on working; 0s: it ends at once.",
)
"""The option of commands that replace a key."""
