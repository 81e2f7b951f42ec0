"""What the page script needs to recognise one number in every customary form.

The script has no table of countries: whatever depends on the country is worked out here, with
phonenumbers, and given to the script with each swap target as a few short strings of digits.
"""

from __future__ import annotations

import re

import phonenumbers
from msgspec import Struct
from phonenumbers import PhoneMetadata, PhoneNumberFormat

DIALLED_ABROAD = ("00", "011", "0011", "010", "810")
"""Digits dialled before a country code: most of the world, North America, Australia, Japan,
Russia (after the trunk 8). Any of them may be on a page for readers abroad."""

SHORTEST_NATIONAL = 6
"""Shorter national forms would match prices and years; such numbers are found with their code."""

MEXICO = 52


class Plan(
    Struct,
    frozen=True,
    kw_only=True,
    rename={"country_code": "c", "national": "n", "prefixes": "p", "writings": "w"},
    omit_defaults=True,
):
    """How one number is written: ``{"c": "44", "n": "2071838750", "p": ["0", "+44", …]}``.

    ``national``: the national significant number (Italy's leading zero included, no trunk prefix).
    ``prefixes``: all digits that may precede it, separators apart; ``""`` when it may be alone,
    ``+`` only where it is customary (``+440`` is the ``+44 (0)`` of British letterheads).
    ``writings``: whole forms that aren't a prefix and the national digits (an Argentine mobile is
    ``+54 9 11 …`` from abroad and ``011 15 …`` at home). They are replaced as a whole.
    """

    country_code: str
    national: str
    prefixes: tuple[str, ...]
    writings: tuple[str, ...] = ()


def plan(number: str) -> Plan:
    """The plan of ``number`` (E.164, an extension is ignored). Raises ValueError otherwise."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException as error:
        raise ValueError(f"not an E.164 number: {number!r}") from error
    code = parsed.country_code
    assert code is not None  # a parsed number without a default region has one
    parsed.extension = None
    national = phonenumbers.national_significant_number(parsed)
    trunk, optional = _trunk(code)
    at_home = re.sub(r"\D", "", phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL))

    prefixes: list[str] = []
    abroad_only = phonenumbers.region_code_for_country_code(code) == "001"
    if len(national) >= SHORTEST_NATIONAL and not abroad_only:  # +800 belongs to no country
        if optional or at_home == national:
            prefixes.append("")
        if trunk:
            prefixes.append(trunk)
        prefixes += _older_national_prefixes(code)
    for inside in ("", *_between_code_and_number(code, trunk)):
        prefixes += [f"{dialled}{code}{inside}" for dialled in ("+", "", *DIALLED_ABROAD)]
    known = {national, *(prefix + national for prefix in prefixes)}
    writings = () if at_home in known else (at_home, at_home.removeprefix(trunk))
    return Plan(
        country_code=str(code),
        national=national,
        prefixes=tuple(dict.fromkeys(prefixes)),
        writings=writings,
    )


def _trunk(code: int) -> tuple[str, bool]:
    """The digits dialled before a national number, and whether people leave them out."""
    region = phonenumbers.region_code_for_country_code(code)
    metadata = PhoneMetadata.metadata_for_region(region, None)
    if metadata is None or not metadata.national_prefix:
        return "", True
    optional = any(form.national_prefix_optional_when_formatting for form in metadata.number_format)
    return metadata.national_prefix, optional


def _between_code_and_number(code: int, trunk: str) -> tuple[str, ...]:
    """Digits that are common after the country code, though wrong: ``+44 (0)``, ``+52 1``."""
    if code == MEXICO:
        return ("1",)
    return ("0",) if trunk == "0" else ()


def _older_national_prefixes(code: int) -> tuple[str, ...]:
    """Mexico dropped its trunk prefixes in 2019; signs and pages still have them."""
    return ("01", "044", "045") if code == MEXICO else ()
