"""The example numbers of phonenumbers, in the writings that their countries use.

A writing is a function of a number, so that what must stand on the page after the swap is the same
writing of the other number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberFormat

from tests.snippet.conformance.account import Pool
from tests.snippet.conformance.case import Case, Group

REGIONS = tuple(
    re.findall(
        r"\w\w",
        "US CA GB DE FR IT ES PT NL BE CH AT SE NO DK FI PL CZ HU GR IE RO UA RU TR IL ZA AU NZ JP "
        "CN IN BR MX AR SG HK KR TH AE",
    )
)

Writing = Callable[[PhoneNumber], str]


def national(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)


def international(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


def e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def dialled_00(number: PhoneNumber) -> str:
    return international(number).replace("+", "00 ", 1)


def national_digits(number: PhoneNumber) -> str:
    return re.sub(r"\D", "", national(number))


def national_dots(number: PhoneNumber) -> str:
    return re.sub(r"\D+", ".", national(number)).strip(".")


def trunk_in_brackets(number: PhoneNumber) -> str:
    code, rest = international(number).split(" ", 1)
    return f"{code} (0){rest}"


def country_in_brackets(number: PhoneNumber) -> str:
    code, rest = international(number).split(" ", 1)
    return f"({code}) {rest}"


ALWAYS: dict[str, Writing] = {
    "national": national,
    "international": international,
    "E.164": e164,
    "dialled with 00": dialled_00,
    "bare national digits": national_digits,
    "national with dots": national_dots,
    "country code in brackets": country_in_brackets,
}


def other(number: PhoneNumber) -> PhoneNumber:
    """A number of the same numbering plan, area and length, with other last digits."""
    significant = phonenumbers.national_significant_number(number)
    last = "".join(str((int(digit) + 3) % 10) for digit in significant[-3:])
    return phonenumbers.parse(f"+{number.country_code}{significant[:-3]}{last}")


def _has_trunk_0(region: str) -> bool:
    metadata = PhoneMetadata.metadata_for_region(region)
    return metadata is not None and metadata.national_prefix == "0"


def _cases(region: str, target: PhoneNumber) -> Iterator[Case]:
    writings = dict(ALWAYS)
    if _has_trunk_0(region):
        writings["trunk prefix as (0)"] = trunk_in_brackets
    if len(re.findall(r"\d+", national(target))) == 2:
        del writings["national with dots"]  # 6123.4567 may as well be a decimal number
    for name, writing in writings.items():
        found, expected = writing(target), writing(other(target))
        yield Case(f"{region} {name}: {found}", f"☎ {found}", f"☎ {expected}")


def _group() -> Group:
    cases: list[Case] = []
    pools: list[Pool] = []
    for region in REGIONS:
        target = phonenumbers.example_number(region)
        assert target is not None
        cases += _cases(region, target)
        pools.append(Pool(e164(target), e164(other(target)), id=f"pool-{region.lower()}"))
    targets = tuple(pool.target for pool in pools)
    return Group(f"Numbers of {len(REGIONS)} countries", tuple(cases), tuple(pools), targets)


LONDON, LONDON_NUMBER = "+442071838750", "+442079460123"
MOSCOW, MOSCOW_NUMBER = "+78005550100", "+78007007070"
ROME, ROME_NUMBER = "+390612345678", "+390687654321"
BERLIN, BERLIN_NUMBER = "+4930123456", "+4930987654"
TOLL_FREE, TOLL_FREE_NUMBER = "+18005550100", "+18888695345"


def _customs() -> Iterator[Case]:
    """Customs that no table of formats knows, and that neighbours must not be taken for."""
    written = (
        ("+44 (0)20 7183 8750", "+44 (0)20 7946 0123"),
        ("+44(0)2071838750", "+44(0)2079460123"),
        ("+44 (0) 20 7183 8750", "+44 (0) 20 7946 0123"),
        ("+44-20-7183-8750", "+44-20-7946-0123"),
        ("0044 20 7183 8750", "0044 20 7946 0123"),
        ("00442071838750", "00442079460123"),
        ("0044 (0)20 7183 8750", "0044 (0)20 7946 0123"),
        ("011 44 20 7183 8750", "011 44 20 7946 0123"),
        ("(020) 7183 8750", "(020) 7946 0123"),
        ("(0)20 7183 8750", "(0)20 7946 0123"),
        ("020 71838750", "020 79460123"),
        ("0207 183 8750", "0207 946 0123"),
        ("8 (800) 555-01-00", "8 (800) 700-70-70"),
        ("8-800-555-01-00", "8-800-700-70-70"),
        ("88005550100", "88007007070"),
        ("8 800 555 0100", "8 800 700 7070"),
        ("+7 (800) 555-01-00", "+7 (800) 700-70-70"),
        ("+78005550100", "+78007007070"),
        ("06 1234 5678", "06 8765 4321"),
        ("06/12345678", "06/87654321"),
        ("+39 06 1234 5678", "+39 06 8765 4321"),
        ("+39 06-12345678", "+39 06-87654321"),
        ("0039 06 1234 5678", "0039 06 8765 4321"),
        ("030 / 12 34 56", "030 / 98 76 54"),
        ("030/123456", "030/987654"),
        ("(030) 123456", "(030) 987654"),
        ("(0 30) 12 34 56", "(0 30) 98 76 54"),
        ("0 30 / 12 34 56", "0 30 / 98 76 54"),
        ("+49 30 123456", "+49 30 987654"),
        ("+49 (0)30 123456", "+49 (0)30 987654"),
        ("+49 (30) 123456", "+49 (30) 987654"),
        ("+49 (0) 30 / 123 456", "+49 (0) 30 / 987 654"),
        ("0049 30 123456", "0049 30 987654"),
        ("800-555-0100", "888-869-5345"),
        ("1-800-555-0100", "1-888-869-5345"),
    )
    for found, expected in written:
        yield Case(f"customary {found}", f"☎ {found}", f"☎ {expected}")
    foreign = (
        "+39 6 1234 5678",
        "+49 800 5550100",
        "+44 800 555 0100",
        "030 123456-22",
        "030 123456-0",
        "030/123456/22",
        "030 1234567",
        "+49 30 123456-22",
        "+43 30 123456",
        "+1 20 7183 8750",
        "1030 123456",
    )
    for found in foreign:
        yield Case(f"not {found}", f"☎ {found}")


GROUPS = (
    _group(),
    Group(
        "Customs, with targets of five countries on one page",
        tuple(_customs()),
        pools=(
            Pool(LONDON, LONDON_NUMBER, id="london"),
            Pool(MOSCOW, MOSCOW_NUMBER, id="moscow"),
            Pool(ROME, ROME_NUMBER, id="rome"),
            Pool(BERLIN, BERLIN_NUMBER, id="berlin"),
            Pool(TOLL_FREE, TOLL_FREE_NUMBER, id="toll-free"),
        ),
        asked=(LONDON, MOSCOW, ROME, BERLIN, TOLL_FREE),
    ),
)
