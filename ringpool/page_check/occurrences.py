"""Finds a target in a text, however it is written: the script's own reading
(``snippet/src/numbers/``), but that digits which the script leaves alone are found, too."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

_SEPARATORS = r"[,\s\xad\xb7\u200b-\u206f\u2212\uff08-\uff0f./()\[\]\-]{0,9}"
"""What may stand between two digits; the bound keeps the search linear."""

_WORD = "[A-Za-z0-9_]"
_FORBIDDEN_BEFORE = re.compile(
    rf"((://|{_WORD}\.[a-z]{{2,9}}[/?#:]|@|(^|\s)/{_WORD})[^\s<>\"',;|]*|{_WORD}[-_]|[#=&%~]"
    r"|[$€£]\s?|\d[-.()]*|(^|\D)\d{1,3}/|\+(\d[^\w,;|]*){0,5})$",
    re.IGNORECASE,
)
"""Texts before digits that make them part of something else: an address, a code, an amount, other
digits, the number of another country."""

_FORBIDDEN_AFTER = re.compile(
    r"[-\w.]*@|[-\w]*\.[a-z]{2}|(?![xXpw]\.?\s?\d)[A-Za-z](?![a-z])|_|[-=]\w|\s?[%°$€£]"
    r"|[-.)\u2010-\u2015]*\d|/\d+(?![-.\s\d])|[-\s]+(\d\s*){1,4}(?!\s*[\da-zA-Z:/%-])"
)
_FORBIDDEN_NUMBER = re.compile(
    r"^[1-9]\d*\.\d+$|^[1-9]\d?([.\s]\d{3})+$|,(\S|.*\d\d)|\d\d.*,", re.DOTALL
)
"""A decimal number, thousands, or a list; commas may group digits that are spelled out."""

_GLUED = re.compile(rf"{_WORD}$")
_LABEL = re.compile(r"[a-z]{2}$|[A-Z]{4}$")
"""A label may stand before a number without a blank (Tel800-555-0100); SKU800… is a code."""
_OTHER_PREFIX = re.compile(r"(^|[^\d\s./:-][\s(]*)([078]|00\d*|011)[\s(]+$")
_MORE_DIGITS = re.compile(r"(^|[^\d\s./:-][\s(]*)(\d\s*){1,4}$")
_BESIDE = 200
"""Characters on each side of a number that decide what it is."""

_CONTEXT = 60


class Target(Struct, frozen=True):
    """A number that the account's ``pools`` replace.

    ``pattern``: matches every writing of it. ``visitor``: all its pools are of type ``visitor``.
    """

    number: str
    pools: tuple[str, ...]
    visitor: bool
    pattern: re.Pattern[str]
    example: str
    """Its national digits."""
    country: str


class Occurrence(Struct, frozen=True):
    """A target in a text: from ``start`` to ``end``. ``alone``: it isn't plainly part of a longer
    number, a code, an amount or an address."""

    target: Target
    start: int
    end: int
    alone: bool


def target(settings: Mapping[str, Any]) -> Target:
    """Read a target of the script's settings (``ringpool.catalog.page_settings``, as bundled).

    Raises KeyError or TypeError for settings of another shape.
    """
    plan = settings["f"]
    return Target(
        number=settings["t"],
        pools=tuple(settings.get("pool", ())),
        visitor=settings.get("visitor") is True,
        pattern=re.compile(plan["r"].replace("_", _SEPARATORS), re.IGNORECASE),
        example=plan["n"],
        country=plan["c"],
    )


def find(text: str, targets: Sequence[Target]) -> list[Occurrence]:
    """The targets' occurrences in a text, in its order, none inside another."""
    if sum(map(str.isdigit, text)) < 3:
        return []
    plain = in_ascii_digits(text)
    found: list[Occurrence] = []
    for wanted in targets:
        at = 0
        while match := wanted.pattern.search(plain, at):
            start, end = match.span()
            if plain[start] == "(" and ")" not in match[0]:  # it encloses more than the number
                start += 1
            alone = _stands_alone(plain, start, end)
            found.append(Occurrence(wanted, start, end, alone))
            # What looked like a prefix may be other digits, with the number after them.
            at = end if alone else match.start() + 1
    kept: list[Occurrence] = []
    for one in sorted(found, key=lambda one: one.start):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
        elif one.alone and not kept[-1].alone:
            kept[-1] = one
    return kept


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether digits are a phone number where they stand, as ``standsAlone.js`` judges."""
    before, number, after = text[max(0, start - _BESIDE) : start], text[start:end], text[end:]
    after = after[:_BESIDE]
    if _FORBIDDEN_NUMBER.search(number) or _FORBIDDEN_BEFORE.search(before):
        return False
    if _FORBIDDEN_AFTER.match(after) or (_GLUED.search(before) and not _LABEL.search(before)):
        return False
    if re.search(r"[^\d\s]", number):
        return not _OTHER_PREFIX.search(before)
    return not (_MORE_DIGITS.search(before) or re.match(r",\d", after))


def in_ascii_digits(text: str) -> str:
    """The text with every decimal digit as 0 to 9, at the same place."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def excerpt(text: str, start: int, end: int) -> str:
    """The text around a place in one line."""
    cut = text[max(0, start - _CONTEXT) : end + _CONTEXT]
    shown = " ".join(cut.split())
    return ("…" if start > _CONTEXT else "") + shown + ("…" if end + _CONTEXT < len(text) else "")
