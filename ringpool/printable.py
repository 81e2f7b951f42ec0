"""Text of others on a terminal: what would steer it, or reorder a line, is written as an escape."""

from __future__ import annotations

import re

_STEERING = (
    "\x00-\x1f\x7f-\x9f"  # control characters, escape sequences' first ones among them
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what turns the direction of writing
    "\u2028\u2029\ufeff\ud800-\udfff"  # line ends, and what is no character
)
_IN_LINE = re.compile(f"[{_STEERING}]")
_IN_JSON = re.compile(f"[{_STEERING[3:]}]")  # JSON's own escapes are of those before


def printable(text: str) -> str:
    """Return a text as one line that says what it says: ``\\x1b`` in its place."""
    return _IN_LINE.sub(_escaped, text)


def printable_json(document: str) -> str:
    """Return the same JSON, whose strings hold nothing that steers a terminal."""
    return _IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", document)


def is_printable(text: str) -> bool:
    """Tell whether no line of a text would be changed by ``printable``."""
    return _IN_LINE.search(text.replace("\n", "")) is None


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
