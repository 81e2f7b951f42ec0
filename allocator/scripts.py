"""The Lua scripts as values: text with its includes filled in, and the SHA1 that EVALSHA takes.

A line ``--@include name`` in ``lua/*.lua`` is replaced with ``lua/include/name.lua``, of the
script's own package or else of this one: Redis gives scripts no ``require``. It may stand inside a
block, for what few calls need. Files are read once, at import; a missing one stops the start.

Constants are put where their names are used: a script runs from its first line at every call, and
Lua 5.1 would set each of sixty locals and have every function capture those it uses.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

_INCLUDE = re.compile(r"^--@include (\w+)$", re.MULTILINE)
_LITERAL = r"(?:\d+|KEYS\[\d+\])"
_CONSTANTS = re.compile(
    rf"^local ([A-Z_]+(?:, [A-Z_]+)*) =\s+({_LITERAL}(?:, {_LITERAL})*)$", re.MULTILINE
)
_COMMENT = r"--\[\[[\s\S]*?\]\]|--[^\n]*"
_STRING = r"""'(?:\\[\s\S]|[^'\\])*'|"(?:\\[\s\S]|[^"\\])*"|\[\[[\s\S]*?\]\]"""
_TEXT_OR_NAME = re.compile(rf"{_COMMENT}|{_STRING}|\b[A-Z_]{{2,}}\b")


@dataclass(frozen=True, slots=True)
class Script:
    """One script. ``read_only`` scripts carry ``flags=no-writes`` in their first line."""

    name: str
    text: str
    sha: str
    read_only: bool


def load(name: str, package: str = "allocator") -> Script:
    """Read ``lua/<name>.lua`` of a package, such as ``pool/allocate``.

    Raises FileNotFoundError when the package data is incomplete.
    """

    def included(match: re.Match[str]) -> str:
        own, shared = (
            files(where) / "lua" / "include" / f"{match[1]}.lua" for where in (package, "allocator")
        )
        text = (own if own.is_file() else shared).read_text("utf-8").rstrip("\n")
        return _INCLUDE.sub(included, text)

    source = (files(package) / "lua" / f"{name}.lua").read_text("utf-8")
    text = fold_constants(_INCLUDE.sub(included, source))
    sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return Script(name, text, sha, "no-writes" in text.split("\n", 1)[0])


def looking(script: Script) -> Script:
    """The same script where it is to write nothing: the server refuses it to."""
    text = script.text.replace("#!lua", "#!lua flags=no-writes", 1)
    sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return Script(script.name, text, sha, read_only=True)


def fold_constants(text: str) -> str:
    """Put constants in place of their names; what stays has the same line numbers.

    Strings and comments stay as they are. Raises ValueError when a constant is declared twice or
    without a value.
    """
    values: dict[str, str] = {}

    def declared(match: re.Match[str]) -> str:
        names, literals = match[1].split(", "), match[2].split(", ")
        if len(names) != len(literals) or not values.keys().isdisjoint(names):
            raise ValueError(f"constants don't match: {match[0]}")
        values.update(zip(names, literals, strict=True))
        return "\n" * match[0].count("\n")

    text = _CONSTANTS.sub(declared, text)
    return _TEXT_OR_NAME.sub(lambda match: values.get(match[0], match[0]), text)


def clock_argument(now_ms: int | None) -> str:
    """The first argument of pools' and stocks' scripts: "" is the server's own clock."""
    return "" if now_ms is None else str(now_ms)
