"""Canonical parameter tuples."""

from __future__ import annotations

import time
import unicodedata
from random import Random
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ringpool.faults import Fault
from ringpool.model import Pool
from ringpool.visits.pool_tuples import tuple_for
from ringpool.visits.queries import read_query
from ringpool.visits.traffic import TrafficSource
from ringpool.visits.tuples import MAX_TUPLE, MAX_VALUE, canonical, parse, tidied

NAMES = ("website", "location", "path")

_TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40)
_VALUES = st.dictionaries(st.sampled_from(NAMES), _TEXT)


def _normal(values: dict[str, str]) -> dict[str, str]:
    return {name: unicodedata.normalize("NFC", value).strip() for name, value in values.items()}


def test_the_tuple_is_in_the_pools_order() -> None:
    """The worked example of the field reads as anyone would write it."""
    values = {"path": "home", "website": "one", "location": "footer"}
    assert canonical(NAMES, values) == "website=one&location=footer&path=home"


def test_missing_is_not_empty() -> None:
    """A missing parameter is left out, an empty one is written; no parameter is direct traffic."""
    assert canonical(NAMES, {"website": "one"}) == "website=one"
    assert canonical(NAMES, {"website": "one", "location": ""}) == "website=one&location="
    assert canonical(NAMES, {"other": "x"}) == ""
    assert parse("") == {}


@pytest.mark.parametrize("value", ["café", "cafe\u0301", " café ", "\u00a0café\u3000"])
def test_composition_and_blanks_make_no_difference(value: str) -> None:
    """Values that look the same are the same."""
    assert canonical(NAMES, {"website": value}) == "website=café"


def test_only_what_would_be_ambiguous_is_escaped() -> None:
    """Percent, ampersand and equals sign are written as escapes, everything else as itself."""
    assert canonical(NAMES, {"path": "/a b?c=1&d=%2F+"}) == "path=/a b?c%3D1%26d%3D%252F+"


@given(_VALUES)
def test_parse_is_the_inverse(values: dict[str, str]) -> None:
    """What went in comes out, in the pool's order, and is canonical as it is."""
    text = canonical(NAMES, values)
    assert parse(text) == _normal(values)
    assert list(parse(text)) == [name for name in NAMES if name in values]
    assert canonical(NAMES, parse(text)) == text


@given(_VALUES, _VALUES)
def test_different_values_make_different_tuples(one: dict[str, str], other: dict[str, str]) -> None:
    """No choice of characters makes one source's tuple out of another's."""
    assume(_normal(one) != _normal(other))
    assert canonical(NAMES, one) != canonical(NAMES, other)


@given(_VALUES, st.randoms(use_true_random=False))
def test_order_and_case_of_names_make_no_difference(values: dict[str, str], random: Random) -> None:
    """The same values under shuffled, differently spelled names are the same tuple."""
    items = list(values.items())
    random.shuffle(items)
    spelled = {random.choice((name.upper(), name.title(), name)): value for name, value in items}
    query = "&".join(f"{name}={quote(value)}" for name, value in spelled.items())
    expected = canonical(NAMES, values)
    assert canonical(NAMES, read_query(query)) == expected
    upper = Pool(id="p", account="a", parameters=tuple(name.upper() for name in NAMES))
    assert tuple_for(upper, TrafficSource(), read_query(query)) == expected


@pytest.mark.parametrize("value", ["a\x00b", "a\nb", "tab\t", "\x7f", "a\x85b", "\ud800"])
def test_control_characters_are_refused(value: str) -> None:
    """What has no place in a text is refused with the parameter's name, and left out by tidied."""
    with pytest.raises(Fault) as fault:
        canonical(NAMES, {"location": value})
    assert fault.value.field == "location"
    assert canonical(NAMES, {"location": tidied(value)})


def test_a_value_has_at_most_512_characters() -> None:
    """The limit counts characters of the canonical value, not of its spelling."""
    assert canonical(NAMES, {"path": "é" * MAX_VALUE})
    assert canonical(NAMES, {"path": "e\u0301" * MAX_VALUE + "  "})
    with pytest.raises(Fault, match="path: has 513 characters; 512 is the most"):
        canonical(NAMES, {"path": "x" * (MAX_VALUE + 1)})


def test_a_tuple_has_at_most_2048_bytes() -> None:
    """The limit counts UTF-8, and the refusal names the parameters that share it."""
    names = ("a", "b", "c", "d")
    room = MAX_TUPLE - len("a=&b=&c=&d=") - 3 * MAX_VALUE
    values = dict.fromkeys(names, "x" * MAX_VALUE) | {"d": "x" * room}
    assert len(canonical(names, values)) == MAX_TUPLE
    with pytest.raises(Fault, match="a, b, c, d: take 2049 bytes together"):
        canonical(names, values | {"d": "x" * (room + 1)})
    with pytest.raises(Fault, match="together"):
        canonical(names, {"a": "\U0001f4de" * MAX_VALUE})


def test_a_hostile_value_costs_no_time() -> None:
    """Combining marks by the thousand, slow to normalise, are refused unread."""
    marks = "a" + "\u0315\u0300" * 30_000
    before = time.process_time()
    with pytest.raises(Fault, match="characters"):
        canonical(NAMES, {"path": marks})
    tidied(marks)
    assert time.process_time() - before < 0.2


@given(st.text(st.characters(), max_size=1200))
def test_tidied_values_are_always_accepted(value: str) -> None:
    """A tidied value is acceptable, and an acceptable one is left as it was."""
    text = canonical(("x",), {"x": tidied(value)})
    assert parse(text) == {"x": tidied(value)}
    assert tidied(tidied(value)) == tidied(value)
