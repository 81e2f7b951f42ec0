"""The Lua scripts as values: text with its includes filled in, and the SHA1 that EVALSHA takes.

A line ``--@include name`` in ``lua/*.lua`` is replaced with ``lua/include/name.lua``: Redis gives
scripts no ``require``. Files are read once, at import; a missing one stops the start.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

_INCLUDE = re.compile(r"^--@include (\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """One script. ``read_only`` scripts carry ``flags=no-writes`` in their first line."""

    name: str
    text: str
    sha: str
    read_only: bool


def load(name: str) -> Script:
    """Read ``lua/<name>.lua``; raises FileNotFoundError when the package data is incomplete."""
    folder = files("allocator") / "lua"

    def included(match: re.Match[str]) -> str:
        return (folder / "include" / f"{match[1]}.lua").read_text("utf-8").rstrip("\n")

    text = _INCLUDE.sub(included, (folder / f"{name}.lua").read_text("utf-8"))
    sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return Script(name, text, sha, "no-writes" in text.split("\n", 1)[0])
