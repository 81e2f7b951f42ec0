"""Phone numbers: reads what people type into E.164, and writes E.164 for pages and reports.

A number is kept as E.164 text, with an extension as in RFC 3966: ``+18888695345;ext=12``.

What is accepted is a *possible* number (its length fits its numbering plan), not only one that
the plan has assigned: numbers for examples and tests (``+18001238888``, ``+447700900123``) and
ranges newer than this machine's phone number data are refused by the stricter check, and a wrong
refusal costs more here than a wrong digit that the carrier would notice.
"""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from msgspec import Struct
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult

from ringpool.model import NumberFormat

_MAX_BLOCKS = 16_384
"""Blocks of a hundred numbers whose written forms are cached (~0.7 KB each), so that an answer
costs a look-up and not the 40 µs that phonenumbers takes. Pools have numbers by the block."""

_BLOCK_DIGITS = 2
"""Last digits that a number's punctuation doesn't depend on, in any country (tested)."""

_PLAUSIBLE_START = re.compile(r"\s*(?:tel:)?[+\uff0b(\[\d]", re.IGNORECASE)
_DIGIT = re.compile(r"[0-9]")
_SEPARATORS = re.compile(r"\D+")

_PARSE_FAULTS = {
    NumberParseException.INVALID_COUNTRY_CODE: "lacks a known country calling code (+1…)",
    NumberParseException.NOT_A_NUMBER: "is not a phone number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "is too short for a phone number",
    NumberParseException.TOO_SHORT_NSN: "is too short for a phone number",
    NumberParseException.TOO_LONG: "is too long for a phone number",
}
_LENGTH_FAULTS = {
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "lacks its area code",
    ValidationResult.INVALID_COUNTRY_CODE: "lacks a known country calling code (+1…)",
    ValidationResult.TOO_SHORT: "is too short for its country",
    ValidationResult.INVALID_LENGTH: "has a length that its country doesn't use",
    ValidationResult.TOO_LONG: "is too long for its country",
}


class _Forms(Struct, frozen=True, gc=False):
    """One number in every form. ``extension`` (`` ext. 12`` or "") is in none of the others."""

    country_code: str
    national: str
    international: str
    digits: str  # of the national form
    dashed: str  # the national form with a hyphen for every separator
    extension: str


def parse(text: str) -> str:
    """Read a number as people write it and return it as E.164 with ``;ext=`` if it has one.

    Raises ValueError that quotes the text and explains what is wrong; a number without its country
    calling code is refused.
    """
    return _e164(_read(text))


def in_every_country(text: str) -> list[str]:
    """Read a number that lacks its country calling code: E.164 for each country that it may be of.

    Digits as dialled in the country or without its trunk prefix (``020 7946 0123``). Empty for a
    text that is no number anywhere.
    """
    found: dict[str, None] = {}
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        try:
            number = phonenumbers.parse(text, regions[0])
        except NumberParseException:
            continue
        if number.country_code == code and not _length_fault(number):
            found[_e164(number)] = None
    return list(found)


def display(number: str, style: NumberFormat) -> str:
    """Write ``number`` (E.164, as ``parse`` returns it) for a page.

    Under ``as_found`` it is written nationally: the page's script knows the text that it replaces,
    and follows its punctuation. Contains no character but digits, punctuation and ``ext.``.
    """
    match style:
        case NumberFormat.NATIONAL | NumberFormat.AS_FOUND:
            return national(number)
        case NumberFormat.INTERNATIONAL:
            return international(number)
        case NumberFormat.E164:
            return number


def national(number: str) -> str:
    """The form for callers in its own country: ``(888) 869-5345``, ``020 7946 0123``."""
    forms = _forms(number)
    return forms.national + forms.extension


def international(number: str) -> str:
    """The form for callers from abroad: ``+1 888-869-5345``."""
    forms = _forms(number)
    return forms.international + forms.extension


def digits_and_dashed(number: str) -> tuple[str, str]:
    """The number as dialled in its country, trunk prefix included; and with hyphens between groups.

    ``8888695345`` and ``888-869-5345``; ``02079460123`` and ``020-7946-0123``. An extension
    follows the second as in the other forms: ``888-869-5345 ext. 12``.
    """
    if (split := _split(number)) is None:
        forms = _parsed(number)
        return forms.digits, forms.dashed + forms.extension
    block, last_digits = split
    return block.digits % last_digits, block.dashed % last_digits


def country_code(number: str) -> str:
    """The country calling code without a plus: ``1``, ``44``."""
    return _forms(number).country_code


def area(number: str) -> str:
    """The start that numbers of the same telephone area have in common: ``+1212``, ``+4420``.

    "" for a number of no area: toll-free, mobile where mobiles have none of their own, or of a
    range that the phone number data doesn't know.
    """
    return area_of_block(number.partition(";")[0][:-_BLOCK_DIGITS])


@lru_cache(maxsize=_MAX_BLOCKS)
def area_of_block(block: str) -> str:
    """The same, of what a number begins with: all but its last two digits."""
    parsed = phonenumbers.parse(block + "0" * _BLOCK_DIGITS)
    length = phonenumbers.length_of_geographical_area_code(parsed)
    if not length:
        return ""
    return f"+{parsed.country_code}{phonenumbers.national_significant_number(parsed)[:length]}"


def _read(text: str) -> PhoneNumber:
    # phonenumbers skips leading words, and would read a number out of "call me: 1234…".
    if not _PLAUSIBLE_START.match(text):
        raise ValueError(f"{text[:60]!r} is not a phone number")
    try:
        number = phonenumbers.parse(text)
    except NumberParseException as error:
        raise ValueError(f"{text[:60]!r} {_PARSE_FAULTS[error.error_type]}") from None
    fault = _length_fault(number)
    if fault is not None:
        raise ValueError(f"{text[:60]!r} {fault}")
    return number


def _length_fault(number: PhoneNumber) -> str | None:
    return _LENGTH_FAULTS.get(phonenumbers.is_possible_number_with_reason(number))


def _e164(number: PhoneNumber) -> str:
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return f"{e164};ext={number.extension}" if number.extension else e164


def _forms(number: str) -> _Forms:
    if (split := _split(number)) is None:
        return _parsed(number)
    block, last_digits = split
    return _Forms(
        block.country_code,
        block.national % last_digits,
        block.international % last_digits,
        block.digits % last_digits,
        block.dashed % last_digits,
        "",
    )


def _split(number: str) -> tuple[_Forms, tuple[str, ...]] | None:
    """The forms of the number's block and its last digits; None for a number with an extension."""
    if not number[-_BLOCK_DIGITS:].isdecimal() or ";" in number:
        return None
    return _block(number[:-_BLOCK_DIGITS]), tuple(number[-_BLOCK_DIGITS:])


@lru_cache(maxsize=_MAX_BLOCKS)
def _block(start: str) -> _Forms:
    """The forms of all numbers that start so, with ``%s`` for each digit to come."""
    forms = _parsed(start + "0" * _BLOCK_DIGITS)
    return _Forms(
        forms.country_code,
        _pattern(forms.national),
        _pattern(forms.international),
        _pattern(forms.digits),
        _pattern(forms.dashed),
        "",
    )


def _pattern(text: str) -> str:
    reversed_pattern = _DIGIT.sub("s%", text[::-1], count=_BLOCK_DIGITS)
    return reversed_pattern[::-1]


@lru_cache(maxsize=1024)
def _parsed(number: str) -> _Forms:
    parsed = _read(number)
    extension = f" ext. {parsed.extension}" if parsed.extension else ""
    parsed.extension = None
    national = phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL)
    return _Forms(
        country_code=str(parsed.country_code),
        national=national,
        international=phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL),
        digits=_digits(national),
        dashed=_SEPARATORS.sub("-", national).strip("-"),
        extension=extension,
    )


def _digits(text: str) -> str:
    return _SEPARATORS.sub("", text)
