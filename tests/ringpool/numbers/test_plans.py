"""Number plans: every customary writing of a number is one prefix and its national digits."""

from __future__ import annotations

import re

import msgspec
import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from ringpool.numbers.plans import Plan, plan


def recognises(number: str, writing: str) -> bool:
    """Whether the plan of ``number`` covers ``writing`` (digits, and a leading plus)."""
    found = plan(number)
    wanted = re.sub(r"[^\d+]", "", writing)
    return wanted in {prefix + found.national for prefix in found.prefixes} | set(found.writings)


@pytest.mark.parametrize(
    ("number", "writings"),
    [
        ("+18005550100", ["800-555-0100", "1-800-555-0100", "+1 800", "001 800", "011 1 800"]),
        ("+442071838750", ["020 7183", "+44 20 7183", "+44 (0)20 7183", "0044 20", "011 44 20"]),
        ("+78005553535", ["8 800", "800", "+7 800"]),
        ("+390612345678", ["06", "+39 06"]),
        ("+525512345678", ["55", "01 55", "+52 55", "+52 1 55"]),
        ("+36612345678", ["06 612", "+36 612"]),
    ],
)
def test_customary_prefixes(number: str, writings: list[str]) -> None:
    """Trunk, country code, code with bracketed trunk and dialled prefixes are all recognised."""
    national = plan(number).national
    for writing in writings:
        head = re.sub(r"[^\d+]", "", writing)
        prefix = next(head[:cut] for cut in range(len(head) + 1) if national.startswith(head[cut:]))
        assert recognises(number, prefix + national), writing


def test_trunk_of_another_country() -> None:
    """A German or Russian 800 with the same digits isn't the American number."""
    assert not recognises("+18005550100", "0 800 5550100")
    assert not recognises("+18005550100", "8 800 555 01 00")
    assert not recognises("+18005550100", "+7 800 555 01 00")


def test_trunk_may_be_left_out_only_where_people_do() -> None:
    """Russians and Americans write 800 …; a London number is never written without its 0."""
    assert recognises("+78005553535", "800 555 35 35")
    assert not recognises("+442071838750", "20 7183 8750")


def test_argentine_mobile() -> None:
    """The 9 of an Argentine mobile becomes a 15 behind the area code at home."""
    assert recognises("+5491123456789", "011 15-2345-6789")
    assert recognises("+5491123456789", "+54 9 11 2345-6789")


def test_no_national_writing() -> None:
    """Numbers that belong to no country, or are short, are found only with their code."""
    assert all(len(prefix) > 2 for prefix in plan("+80012345678").prefixes)
    assert "" not in plan("+29022158").prefixes


def test_every_region() -> None:
    """The example number of every region and kind is recognised in all of phonenumbers' formats."""
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.TOLL_FREE):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            number = phonenumbers.format_number(example, PhoneNumberFormat.E164)
            national = phonenumbers.national_significant_number(example)
            for style in (PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL):
                if style == PhoneNumberFormat.NATIONAL and len(national) < 6:
                    continue
                writing = phonenumbers.format_number(example, style)
                assert recognises(number, writing), (region, writing)


def test_wire_format() -> None:
    """On the wire a plan is a few short strings, and comes back whole."""
    encoded = msgspec.json.encode(plan("+18005550100"))
    assert encoded.startswith(b'{"c":"1","n":"8005550100","p":["","1","+1",')
    assert msgspec.json.decode(encoded, type=Plan) == plan("+18005550100")


@pytest.mark.parametrize("text", ["", "8005550100", "+", "hello", "+9990000"])
def test_not_a_number(text: str) -> None:
    """Anything that isn't E.164 is refused."""
    with pytest.raises(ValueError, match=r"not an E\.164 number"):
        plan(text)
