"""Attributes of the script's tag that came in the script's address instead.

Tag managers load a script by its address alone, and drop the tag's ``data-`` attributes:
``/dni.js?account=media-buyer-7&data-click-to-call&data-days=7`` says the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ringpool.faults import Fault

_PATTERNS = {
    "data-targets": r"^[+\d,\s]+$",
    "data-format": "^(national|international|e164)$",
    "data-timeout": r"^\d{1,6}$",
    "data-consent": "^required$",
    "data-days": r"^\d{1,4}$",
}
_FREE = (
    *("data-selector", "data-hide-until", "data-show", "data-hide", "data-invisible"),
    *("data-click-to-call", "data-jsonld", "data-params", "data-cookies", "data-debug"),
    "data-attributes",
)

NAMES = (*_PATTERNS, *_FREE)
"""The attributes that an address may carry. Those that say which account it is, where its service
is and whom to believe aren't among them: the address says that itself."""


def tag_options(parameters: Mapping[str, str]) -> dict[str, str]:
    """The attributes among a query's parameters, named as in ``dataset``: ``hideUntil``.

    Raises Fault for one that isn't known, and for a value that can't be meant.
    """
    options: dict[str, str] = {}
    for name, value in parameters.items():
        if not name.startswith("data-"):
            continue
        if name not in NAMES:
            raise Fault(name, "the script's address can't carry such an attribute")
        if name in _PATTERNS and not re.fullmatch(_PATTERNS[name], value):
            raise Fault(name, f"it can't be {value[:40]!r}")
        options[_in_dataset(name)] = value
    return options


def _in_dataset(name: str) -> str:
    first, *others = name.removeprefix("data-").split("-")
    return first + "".join(word.capitalize() for word in others)
