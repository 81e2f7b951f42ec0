"""Numbers of a call, as carriers give them."""

from __future__ import annotations

import re
from functools import lru_cache

from ringpool.numbers import phone

_DIGITS = re.compile(r"[0-9]{5,20}")
_E164 = re.compile(r"\+?([1-9][0-9]{6,14})")


@lru_cache(maxsize=16_384)
def called_number(text: str) -> str:
    """The number that is called, in E.164; raises ValueError.

    Its plus may be missing, or have become a blank: carriers write digits alone, and a plus that is
    not escaped in a query is a blank.
    """
    text = text.strip()
    return phone.parse(f"+{text}" if _DIGITS.fullmatch(text) else text)


def calling_number(text: str) -> str:
    """The caller's number in E.164, by its form alone; "" for none: ``anonymous``, an extension."""
    match = _E164.fullmatch(text.strip())
    return f"+{match[1]}" if match else ""
