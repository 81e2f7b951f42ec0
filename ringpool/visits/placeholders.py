"""Placeholders that an ad network should have filled in and didn't: they count as missing.

Google's ``{keyword}`` and ``{lpurl}``, Facebook's ``{{ad.name}}``, Ad Manager's ``%%KEYWORD%%``,
TikTok's ``__CAMPAIGN_ID__``, ``[keyword]`` and ``${keyword}`` of many tracking tools. Only a value
that is nothing but a placeholder counts: `[red shoes]` and `size {L}` are values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

AD_MANAGERS = r"%%[A-Za-z0-9_.:=-]{1,100}%%"
"""A pattern: none of its signs begins an escape, whatever stands behind it."""

_OPENING = frozenset("{[$%_")
_NO_NAMES: frozenset[str] = frozenset()
_PLACEHOLDER = re.compile(
    r"""\{[^{}]{1,100}\} | \{\{[^{}]{1,100}\}\} | \$\{[^{}]{1,100}\}
    | \[[A-Za-z_][A-Za-z0-9_.:-]{0,99}\] | __[A-Z][A-Z0-9_]{0,99}__ | """
    + AD_MANAGERS,
    re.VERBOSE,
)


def is_placeholder(value: str) -> bool:
    """Whether a value is nothing but a placeholder."""
    return value[:1] in _OPENING and _PLACEHOLDER.fullmatch(value) is not None


def unfilled(values: Mapping[str, str]) -> frozenset[str]:
    """The names whose values are placeholders."""
    names = _NO_NAMES
    for name, value in values.items():
        if value[:1] in _OPENING and _PLACEHOLDER.fullmatch(value):
            names |= {name}
    return names


def without(values: Mapping[str, str], names: frozenset[str]) -> Mapping[str, str]:
    """All but these names."""
    if not names or names.isdisjoint(values):
        return values
    return {name: value for name, value in values.items() if name not in names}
