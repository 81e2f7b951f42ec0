"""The Lua scripts as values: text with its includes filled in, and the SHA1 that EVALSHA takes.

A line ``--@include name`` in ``lua/*.lua`` is replaced with ``lua/include/name.lua``: Redis gives
scripts no ``require``. Files are read once, at import; a missing one stops the start.

Constants are put where their names stand: a script runs from its first line at every call, and
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
    folder = files(package) / "lua"

    def included(match: re.Match[str]) -> str:
        return (folder / "include" / f"{match[1]}.lua").read_text("utf-8").rstrip("\n")

    text = _folded(_INCLUDE.sub(included, (folder / f"{name}.lua").read_text("utf-8")))
    sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return Script(name, text, sha, "no-writes" in text.split("\n", 1)[0])


def _folded(text: str) -> str:
    """Put constants in place of their names; what stays has the same line numbers."""
    values: dict[str, str] = {}

    def taken(match: re.Match[str]) -> str:
        names, literals = match[1].split(", "), match[2].split(", ")
        if len(names) != len(literals) or not values.keys().isdisjoint(names):
            raise ValueError(f"constants don't match: {match[0]}")
        values.update(zip(names, literals, strict=True))
        return "\n" * match[0].count("\n")

    text = _CONSTANTS.sub(taken, text)
    return re.sub(r"\b[A-Z_]{2,}\b", lambda match: values.get(match[0], match[0]), text)
