"""The built browser script as bytes: pinned by its hash, or with an account's settings inside.

``GET /dni/{VERSION}/dni.js`` answers ``SOURCE`` and ``GET /dni/{VERSION}/dni-debug.js`` answers
``DEBUG_SOURCE``, both immutable; ``GET /dni.js?account=`` answers ``with_settings(…)``.

Settings are what ``Settings`` in ``src/types.d.ts`` describes, as plain values that JSON knows:
``a`` the account, ``e`` the service's URL, ``k`` the public key, ``t`` the targets, ``q``
parameters, ``p`` pools that a tracking link may lead from, ``d`` domains, ``o`` defaults of the
tag's attributes. Added to them here are ``i``, the milliseconds between two pings, ``v``, the
version, and what the script looks for: patterns of each target, worked out once instead of on each
page (``_searchable``, ``_first_digits``), and those that all have in common.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

_NO_SETTINGS = b"(null);"
"""How the built script ends: a function that is called with the settings, here without any."""

SHORTEST_PING_MS = 5_000
"""A page never pings more often, however short a pool holds a number. Otherwise it pings twice in
the shortest ``hold_on_activity``."""

IDLE_PING_MS = 30_000
"""How often a page whose pools hold no number on activity checks whether there is anything to ping
for."""

DEFAULTS = {
    "timeout": "1500",
    "days": "30",
    "cookies": "",
    "attributes": "",
    "spoken": (
        "alt,aria-description,aria-label,aria-placeholder,aria-valuetext,formaction,href,label,"
        "placeholder,title,value,"
    ),
}
"""The ``data-`` attributes that always have a value, named as in JavaScript's ``dataset``.

``spoken``: the attributes of elements that are swapped on every page; ``attributes`` adds others.
"""

SEPARATORS = r"[,\s\xad\xb7\u200b-\u206f\u2212\uff08-\uff0f./()[\]\-]*"
"""What may stand between the digits of a number: blanks of all widths, soft and zero-width ones,
hyphens and dashes, dots and bullets, slashes, brackets, full-width ones too, and the invisible
marks of right-to-left text. A comma may where digits are spelled out (``standsAlone.js``)."""

VANITY = r"\d{3}(\W{0,2}[A-Z]|-[a-z])"
"""Three digits before letters that may stand for the others."""

FORBIDDEN_AFTER = (
    r"^([-\w.]*@|[-\w]*\.[a-z]{2}|(?![xXpw]\.?\s?\d)[A-Za-z](?![a-z])|_|[-=]\w"
    r"|\s?[%\xb0$\u20ac\xa3]|[-.)\u2010-\u2015]*\d|/\d+(?![-.\s\d])|[-\s]+(\d\s*){1,4}(?!\s*[\da-zA-Z:/%-]))"
)
"""Texts after digits that make them part of something else: 800…@example.com, 800….com, 800…A,
800…-A, 800…%, 800…/12, and digits that go on. An extension or another number may follow."""

INLINE = (
    r"^(#.+|a|abbr|b|bd[io]|code|data|em|font|i|label|mark|small|span|strong|su[bp]|time|tspan|u"
    r"|wbr)$"
)
"""The names of nodes that are part of the line that they stand in, in any case."""

_KEYS = ("", "", "2abc", "3def", "4ghi", "5jkl", "6mno", "7pqrs", "8tuv", "9wxyz")
"""Digit and letters of each key of a phone that has letters."""

_dist = files("snippet") / "dist"

SOURCE = (_dist / "dni.js").read_bytes()
"""The script without settings, ASCII."""

DEBUG_SOURCE = (_dist / "dni-debug.js").read_bytes()
"""What ``SOURCE`` loads from its own folder for ``?rp_test=1`` and ``data-debug``."""

VERSION = hashlib.sha256(SOURCE + DEBUG_SOURCE).hexdigest()[:12]
"""Changes whenever the built files do, so that their URLs can be cached for ever."""

INTEGRITY = "sha384-" + base64.b64encode(hashlib.sha384(SOURCE).digest()).decode()
"""For the ``integrity`` attribute of a tag that loads ``/dni/{VERSION}/dni.js``."""


def with_settings(settings: Mapping[str, Any]) -> bytes:
    """The script with ``settings`` inside: ASCII, to be answered as JavaScript."""
    return SOURCE.removesuffix(_NO_SETTINGS) + b"(" + _javascript(_completed(settings)) + b");"


def settings_in(script: bytes) -> dict[str, Any] | None:
    """The settings in a script that ``with_settings`` made, in any version; None in any other."""
    at = script.rfind(b'({"')
    try:
        settings = json.loads(script[at + 1 :].rstrip().removesuffix(b";").removesuffix(b")"))
    except ValueError:
        return None
    return settings if isinstance(settings, dict) and "t" in settings else None


def pinned_settings(settings: Mapping[str, Any]) -> str:
    """The value of ``data-settings`` for a tag that loads the pinned URL; escape it as HTML."""
    return json.dumps(_completed(settings), separators=(",", ":"))


def _completed(settings: Mapping[str, Any]) -> dict[str, Any]:
    targets = [{**target, "f": _searchable(target["f"])} for target in settings.get("t", ())]
    return {
        **settings,
        "t": targets,
        "h": _first_digits(target["f"]["w"] for target in targets),
        "s": SEPARATORS,
        "m": VANITY,
        "x": FORBIDDEN_AFTER,
        "l": INLINE,
        "o": DEFAULTS | settings.get("o", {}),
        "i": _ping_ms(target["hold"] for target in targets if target.get("hold")),
        "v": VERSION,
    }


def _searchable(plan: Mapping[str, Any]) -> dict[str, Any]:
    """How the script finds a number: ``c`` and ``n`` of its plan, ``w``: all digits that may stand
    there, the national ones first, and ``r``: a regular expression of every writing.

    In ``r``, ``_`` stands for what may stand between two digits. Its first group is what precedes
    the national digits, the second these, or letters in their place.
    """
    writings = [plan["n"], *plan.get("w", ())]
    prefixes = "|".join("".join(f"{_digit(d)}_" for d in prefix) for prefix in plan["p"])
    spaced = "|".join("_".join(map(_key, writing)) for writing in writings)
    pattern = rf"\(?({prefixes})({spaced})"
    return {"c": plan["c"], "n": plan["n"], "w": writings, "r": pattern}


def _first_digits(writings: Iterable[Sequence[str]]) -> str:
    """A regular expression, written as ``r`` is, of the first four digits of any target."""
    each = [writing for several in writings for writing in several]
    return "_".join(
        "[" + "".join(sorted({writing[place : place + 1] for writing in each})) + "]"
        for place in range(4)
    )


def _digit(digit: str) -> str:
    return "[+]" if digit == "+" else digit


def _key(digit: str) -> str:
    """A digit, or a letter of its key on a phone."""
    return f"[{_KEYS[int(digit)]}]" if _KEYS[int(digit)] else digit


def _ping_ms(holds_ms: Iterable[int]) -> int:
    shortest = min(holds_ms, default=2 * IDLE_PING_MS)
    return max(SHORTEST_PING_MS, shortest // 2)


def _javascript(value: object) -> bytes:
    """JSON that is also safe as a JavaScript expression, inside ``<script>`` too."""
    text = json.dumps(value, separators=(",", ":"))  # escapes all but ASCII, U+2028 too
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("ascii")
