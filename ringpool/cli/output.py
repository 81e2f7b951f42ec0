"""Output: lines and tables for people, JSON for programs.

All that a command writes goes through here, where what others named can't steer the terminal.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click
import msgspec
from rich.bar import Bar
from rich.console import Console
from rich.table import Table

from ringpool.config.codec import encode_hook
from ringpool.findings import Finding
from ringpool.printable import printable, printable_json

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}

_BAR_WIDTH = 50

as_json = click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
"""The option every command has."""


def say(line: str = "", *, error: bool = False) -> None:
    """Write one line; ``error``: on stderr."""
    click.echo(printable(line), err=error)


def warn(line: str) -> None:
    """Write what may surprise, on stderr."""
    say(f"Warning: {line}", error=True)


def failure(error: Exception | str) -> click.ClickException:
    """An expected error as click ends a command with it: one line on stderr, exit code 1."""
    return click.ClickException(printable(str(error)))


class _NotAsked(click.ClickException):
    exit_code = 2


def not_asked_is_2(function: Callable[..., None]) -> Callable[..., None]:
    """Have a command that fails end with 2: its exit code 1 is an answer."""

    @functools.wraps(function)
    def run(**options: object) -> None:
        try:
            function(**options)
        except click.UsageError:
            raise
        except click.ClickException as error:
            raise _NotAsked(error.message) from None

    return run


def print_document(text: str) -> None:
    """Write lines that are printable already."""
    click.echo(text, nl=False)


def print_json(value: Any) -> None:
    """Write a value, structs included, as indented JSON."""
    text = msgspec.json.encode(value, enc_hook=encode_hook)
    click.echo(printable_json(msgspec.json.format(text, indent=2).decode()))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows under headings; numbers are aligned right."""
    rows = [list(row) for row in rows]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        right = any(isinstance(row[index], int | float) for row in rows)
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    _console().print(table)


def print_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """Write names and values, each pair on a line."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(_cell(name), _cell(value))
    _console().print(table)


def print_bars(names: tuple[str, str], places: Sequence[str], values: Sequence[float]) -> None:
    """Write a bar a line, with where it is and how long."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(_cell(name), justify="right")
    table.add_column()
    longest = max(values, default=0.0)
    for place, value in zip(places, values, strict=True):
        bar = Bar(longest or 1.0, 0, value, width=_BAR_WIDTH)
        table.add_row(_cell(place), f"{value:,.4g}", bar)
    _console().print(table)


def print_findings(findings: Iterable[Finding]) -> None:
    """Write each result of a check on a line of its own."""
    for finding in findings:
        level = click.style(f"{finding.level:4}", fg=_COLOURS[finding.level])
        click.echo(f"{level}  {printable(f'{finding.subject}: {finding.message}')}")


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    text = f"{value:.2f}" if isinstance(value, float) else str(value)
    return printable(text).replace("[", "\\[")  # rich would read it as markup


def _console() -> Console:
    """Return a console on the current stdout; what isn't a terminal is written 200 wide."""
    console = Console(highlight=False, soft_wrap=False)
    return console if console.is_terminal else Console(highlight=False, width=200)
