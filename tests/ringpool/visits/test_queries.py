"""Query strings: read once, safely."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpool.faults import Fault
from ringpool.visits.queries import MAX_FIELDS, read_query


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", {}),
        ("a=1&b=2", {"a": "1", "b": "2"}),
        (b"a=1&b=2", {"a": "1", "b": "2"}),
        ("&&a=1&", {"a": "1"}),
        ("a&b=", {"a": "", "b": ""}),
        ("=1", {}),
        ("a=1=2;3", {"a": "1=2;3"}),
        ("a=x+y%20z%2B", {"a": "x y z+"}),
        ("Web%53ite=ONE", {"website": "ONE"}),
        ("a=caf%C3%A9", {"a": "café"}),
        ("a=café".encode(), {"a": "café"}),
        ("a=1&A=1", {"a": "1"}),
    ],
)
def test_fields_are_read_as_forms_write_them(query: bytes | str, values: dict[str, str]) -> None:
    """Escapes are undone once, names lower-cased, and a name without a value has an empty one."""
    assert read_query(query) == values
    assert read_query(query, lenient=True) == values


@pytest.mark.parametrize(
    ("query", "field", "values"),
    [
        ("a=1&a=2", "a", {"a": "1"}),
        ("a=1&A=2", "a", {"a": "1"}),
        ("a=100%", "a", {"a": "100%"}),
        ("a=%zz", "a", {"a": "%zz"}),
        ("a=%E9", "a", {"a": "\ufffd"}),
        ("%E9=1", "query", {"\ufffd": "1"}),
        (b"a=\xe9", "query", {"a": "\ufffd"}),
    ],
)
def test_broken_fields_are_named_to_callers_and_read_through_for_visitors(
    query: bytes | str, field: str, values: dict[str, str]
) -> None:
    """A caller can correct a request and gets the field; a visitor's URL is read all the same."""
    with pytest.raises(Fault) as fault:
        read_query(query)
    assert fault.value.field == field
    assert read_query(query, lenient=True) == values


def test_the_number_of_fields_is_bounded() -> None:
    """A flood of fields is refused to callers, and cut off in a visitor's URL."""
    fits = "&".join(f"f{n}=1" for n in range(MAX_FIELDS))
    assert len(read_query(fits)) == MAX_FIELDS
    with pytest.raises(Fault, match="more than 200 fields"):
        read_query(fits + "&one=more")
    assert "one" not in read_query(fits + "&one=more", lenient=True)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_a_visitors_query_never_raises(query: bytes | str) -> None:
    """Whatever stands after a question mark, reading it leniently gives a mapping."""
    assert isinstance(read_query(query, lenient=True), dict)
