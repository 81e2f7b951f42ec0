"""Attributes of the script's tag that came in the script's address instead.

Tag managers load a script by its address alone, and drop the tag's ``data-`` attributes:
``/dni.js?account=media-buyer-7&data-click-to-call&data-days=7`` says the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ringpool.faults import Fault

_ANY = r"(?s:.*)"

_VALUES = {
    "data-targets": r"[+\d,\s]+",
    "data-selector": _ANY,
    "data-format": "national|international|e164",
    "data-timeout": r"\d{1,6}",
    "data-hide-until": _ANY,
    "data-show": _ANY,
    "data-hide": _ANY,
    "data-invisible": _ANY,
    "data-click-to-call": _ANY,
    "data-jsonld": _ANY,
    "data-params": _ANY,
    "data-cookies": _ANY,
    "data-consent": "required",
    "data-days": r"\d{1,4}",
    "data-debug": _ANY,
}
"""Each attribute with the values that it may have. Those that say which account it is, where its
service is and whom to believe aren't among them: the address says that itself."""

NAMES = tuple(_VALUES)
"""The attributes that an address may carry."""


def tag_options(parameters: Mapping[str, str]) -> dict[str, str]:
    """The attributes among a query's parameters, named as in ``dataset``: ``hideUntil``.

    Raises Fault for one that isn't known, and for a value that can't be meant.
    """
    options: dict[str, str] = {}
    for name, value in parameters.items():
        if not name.startswith("data-"):
            continue
        if name not in _VALUES:
            raise Fault(name, "the script's address can't carry such an attribute")
        if not re.fullmatch(_VALUES[name], value):
            raise Fault(name, f"it can't be {value[:40]!r}")
        options[_in_dataset(name)] = value
    return options


def _in_dataset(name: str) -> str:
    first, *others = name.removeprefix("data-").split("-")
    return first + "".join(word.capitalize() for word in others)
