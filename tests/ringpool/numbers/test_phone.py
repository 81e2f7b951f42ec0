"""Phone numbers: read, checked and written."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpool.model import NumberFormat
from ringpool.numbers import phone


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("+18888695345", "+18888695345"),
        ("+1 (888) 869-5345", "+18888695345"),
        ("tel:+1-888-869-5345;ext=12", "+18888695345;ext=12"),
        ("+1 888 869 5345 x12", "+18888695345;ext=12"),
        ("+1 888.869.5345", "+18888695345"),
        ("+1-800-FLOWERS", "+18003569377"),
        ("+44 (0)20 7946 0123", "+442079460123"),
        ("+39 06 1234 5678", "+390612345678"),
        ("+800 1234 5678", "+80012345678"),
        ("+١٨٨٨٨٦٩٥٣٤٥", "+18888695345"),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, e164: str) -> None:
    """Punctuation, words for digits, extensions and trunk prefixes all come to one E.164 text."""
    assert phone.parse(text) == e164


@pytest.mark.parametrize(
    "number",
    ["+18005550100", "+18001238888", "+18001234444", "+18885550123", "+447700900123"],
)
def test_example_numbers_are_accepted(number: str) -> None:
    """Numbers reserved for examples and tests are accepted, though they are never assigned."""
    assert phone.parse(number) == number


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not a phone number"),
        ("abc", "is not a phone number"),
        ("call +18888695345", "is not a phone number"),
        ("+\x00", "is not a phone number"),
        ("+1888869\x005345", "is not a phone number"),
        ("+\ud800", "is not a phone number"),
        ("888-869-5345", "lacks a known country calling code"),
        ("+99912345678", "lacks a known country calling code"),
        ("+1888869534", "is too short for its country"),
        ("+1 555-0100", "lacks its area code"),
        ("+188886953451", "is too long for its country"),
        ("+1" + "8" * 500, "is too long for a phone number"),
    ],
)
def test_what_is_no_number_is_refused_with_the_reason(text: str, why: str) -> None:
    """A refusal gives the reason, so that the file can be corrected."""
    with pytest.raises(ValueError, match=why):
        phone.parse(text)


@pytest.mark.parametrize(
    ("number", "national", "international", "digits", "dashed", "country_code"),
    [
        ("+18888695345", "(888) 869-5345", "+1 888-869-5345", "8888695345", "888-869-5345", "1"),
        (
            "+442079460123",
            "020 7946 0123",
            "+44 20 7946 0123",
            "02079460123",
            "020-7946-0123",
            "44",
        ),
        (
            "+18888695345;ext=12",
            "(888) 869-5345 ext. 12",
            "+1 888-869-5345 ext. 12",
            "8888695345",
            "888-869-5345 ext. 12",
            "1",
        ),
    ],
)
def test_numbers_are_written_in_every_form(
    number: str, national: str, international: str, digits: str, dashed: str, country_code: str
) -> None:
    """Each form follows the number's own country; an extension is written in all but digits."""
    assert phone.national(number) == national
    assert phone.international(number) == international
    assert phone.digits_and_dashed(number) == (digits, dashed)
    assert phone.country_code(number) == country_code


@pytest.mark.parametrize(
    ("style", "written"),
    [
        (NumberFormat.NATIONAL, "(888) 869-5345"),
        (NumberFormat.INTERNATIONAL, "+1 888-869-5345"),
        (NumberFormat.E164, "+18888695345"),
        (NumberFormat.AS_FOUND, "(888) 869-5345"),
    ],
)
def test_a_pool_chooses_how_its_numbers_look(style: NumberFormat, written: str) -> None:
    """As found is written nationally here: what the page prints is known to its script alone."""
    assert phone.display("+18888695345", style) == written


@given(st.text(max_size=40) | st.text("+0123456789-();ext=", max_size=40).map("+1{}".format))
def test_reading_either_refuses_or_is_stable(text: str) -> None:
    """Any text is refused with a ValueError, or read into a number that reads as itself."""
    try:
        number = phone.parse(text)
    except ValueError:
        return
    assert phone.parse(number) == number


def test_the_last_digits_change_no_punctuation() -> None:
    """In every country, numbers of one block are written alike: what is remembered of one holds."""
    chance = random.Random(4)
    for country_code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        for length in range(6, 13):
            start = f"+{country_code}" + "".join(chance.choices("0123456789", k=length - 2))
            number = start + f"{chance.randrange(100):02}"
            try:
                number = phone.parse(number)
            except ValueError:
                continue  # no number of that length there
            parsed = phonenumbers.parse(number)
            for write, style in (
                (phone.national, phonenumbers.PhoneNumberFormat.NATIONAL),
                (phone.international, phonenumbers.PhoneNumberFormat.INTERNATIONAL),
            ):
                assert write(number) == phonenumbers.format_number(parsed, style)


@pytest.mark.parametrize(
    ("number", "area"),
    [
        ("+12125550100", "+1212"),
        ("+12125550100;ext=12", "+1212"),
        ("+442071838750", "+4420"),
        ("+441865123456", "+441865"),
        ("+33142345678", "+331"),
        ("+390612345678", "+3906"),
        ("+18885550100", ""),  # toll-free
        ("+18001238888", ""),  # of a range that the data doesn't know
        ("+447400123456", ""),  # a mobile
    ],
)
def test_area(number: str, area: str) -> None:
    """The country and the area code; none for numbers of no area."""
    assert phone.area(number) == area
