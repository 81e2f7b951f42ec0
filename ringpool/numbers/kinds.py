"""The kind of a number: its country, its type, and what a pool may ask of its stock.

Told by phonenumbers' data; a number that these don't know is of type ``other``, and of the country
that its calling code is first for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple, TypeVar

import phonenumbers
from phonenumbers import PhoneNumberType

from ringpool.model import NumberType, StockKind

T = TypeVar("T")

INTERNATIONAL = "001"
"""Stands for the country of numbers that belong to none, such as +800."""

SHORTEST_START = 3
"""Characters, the plus counted: as ``lua/include/areas.lua`` looks starts up."""

_MAX_BLOCKS = 16_384
_BLOCK_DIGITS = 2

_TYPES: Mapping[int, frozenset[NumberType]] = {
    PhoneNumberType.FIXED_LINE: frozenset({NumberType.LOCAL}),
    PhoneNumberType.MOBILE: frozenset({NumberType.MOBILE}),
    PhoneNumberType.FIXED_LINE_OR_MOBILE: frozenset({NumberType.LOCAL, NumberType.MOBILE}),
    PhoneNumberType.TOLL_FREE: frozenset({NumberType.TOLL_FREE}),
    PhoneNumberType.SHARED_COST: frozenset({NumberType.SHARED_COST}),
    PhoneNumberType.PREMIUM_RATE: frozenset({NumberType.PREMIUM_RATE}),
    PhoneNumberType.VOIP: frozenset({NumberType.VOIP}),
}
_OTHER = frozenset({NumberType.OTHER})


class NumberKind(NamedTuple):
    """``country``: two letters, or INTERNATIONAL. ``types``: two where a plan has no difference."""

    country: str
    types: frozenset[NumberType]

    def __str__(self) -> str:
        """For tables: ``US toll_free``; a number that may be either is shown as local."""
        return f"{self.country} {next(each for each in NumberType if each in self.types)}"


def kind(number: str) -> NumberKind:
    """The kind of a number (E.164)."""
    return _kind(block_of(number))


def block_of(number: str) -> str:
    """What a number has in common with the ninety-nine others of its block, which are as it is."""
    return number.partition(";")[0][:-_BLOCK_DIGITS]


@lru_cache(maxsize=_MAX_BLOCKS)
def _kind(block: str) -> NumberKind:
    parsed = phonenumbers.parse(block + "0" * _BLOCK_DIGITS)
    types = _TYPES.get(phonenumbers.number_type(parsed), _OTHER)
    country = None if types is _OTHER else phonenumbers.region_code_for_number(parsed)
    code = parsed.country_code or 0
    return NumberKind(country or phonenumbers.region_code_for_country_code(code), types)


def fits(asked: StockKind, block: str) -> bool:
    """Whether numbers of a block are of the kind that a pool asks of its stock."""
    found = _kind(block)
    if asked.country is not None and found.country != asked.country:
        return False
    if asked.type is not None and asked.type not in found.types:
        return False
    return asked.area is None or block.startswith(_start(asked))


def _start(asked: StockKind) -> str:
    return f"+{phonenumbers.country_code_for_region(asked.country or '')}{asked.area}"


def is_country(country: str) -> bool:
    """Whether there are numbers of it."""
    return country == INTERNATIONAL or country in phonenumbers.SUPPORTED_REGIONS


def has_type(country: str, wanted: NumberType) -> bool:
    """Whether a country's numbering plan has numbers of this type; ``other`` isn't known."""
    if country == INTERNATIONAL or wanted is NumberType.OTHER:
        return True
    known = phonenumbers.supported_types_for_region(country)
    return any(wanted in _TYPES.get(each, _OTHER) for each in known)


def starts(classes: Mapping[str, T]) -> dict[str, T]:
    """The shortest starts that tell blocks of one class from those of all others.

    ``classes``: by block. The class of a block is that of the longest start that it begins with.
    """
    return dict(_split(classes, list(classes), SHORTEST_START))


def _split(classes: Mapping[str, T], blocks: list[str], length: int) -> Iterator[tuple[str, T]]:
    groups: dict[str, list[str]] = {}
    for block in blocks:
        groups.setdefault(block[:length], []).append(block)
    for start, group in groups.items():
        if _alike(classes, group):
            yield start, classes[group[0]]
            continue
        if start in classes and len(start) == length:
            yield start, classes[start]
        yield from _split(classes, [block for block in group if block != start], length + 1)


def _alike(classes: Mapping[str, T], blocks: Iterable[str]) -> bool:
    return len({classes[block] for block in blocks}) == 1
