"""Cases as data, and the ways to write them: a markup, and what must stand there after the swap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from tests.snippet.conformance.account import Pool
from tests.snippet.conformance.site import NEW, NUMBER, OLD, TARGET


class Case(NamedTuple):
    """``html`` becomes ``expected``; without ``expected`` it stays as it is, byte by byte."""

    name: str
    html: str
    expected: str | None = None


@dataclass(frozen=True)
class Group:
    """Cases that share a page: they have the same account and the same tag.

    ``asked``: the targets that the service is asked for, once each; it may not be asked for others.
    """

    title: str
    cases: tuple[Case, ...]
    pools: tuple[Pool, ...] = (Pool(TARGET, NUMBER),)
    asked: tuple[str, ...] = (TARGET,)
    tag: str = ""


def swapped(name: str, html: str) -> Case:
    """``@`` stands for the number, before and after."""
    return Case(name, html.replace("@", OLD), html.replace("@", NEW))


def kept(name: str, html: str) -> Case:
    """``@`` stands for the number, which stays."""
    return Case(name, html.replace("@", OLD))


def rewritten(name: str, pairs: Iterable[tuple[str, str]]) -> tuple[Case, ...]:
    """For each pair, the first writing becomes the second in running text.

    ``name``: with ``{}`` for the first one.
    """
    return tuple(
        Case(name.format(found), f"Call {found} now", f"Call {expected} now")
        for found, expected in pairs
    )
