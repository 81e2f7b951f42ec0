"""Lists of numbers in chunks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringpool.catalog import number_lists
from ringpool.catalog.number_lists import CHUNK


def _apply(fields: dict[str, str], texts: dict[int, str]) -> dict[str, str]:
    """Write texts as the store does."""
    written = fields | {str(index): text for index, text in texts.items()}
    return {index: text for index, text in written.items() if text}


def _numbers(fields: dict[str, str]) -> list[str]:
    return list(number_lists.numbers(number_lists.unpack(fields)))


@given(
    st.lists(
        st.tuples(st.integers(0, 2500), st.sets(st.integers(0, 9000), max_size=50)), max_size=6
    )
)
def test_edits_do_what_they_say(edits: list[tuple[int, set[int]]]) -> None:
    """After any additions and removals the list holds the right numbers, in order of addition."""
    fields: dict[str, str] = {}
    expected: list[str] = []
    serial = 0
    for count, removed in edits:
        gone = [f"n{number}" for number in removed]
        added = [f"n{number}" for number in range(serial, serial + count)]
        gone = [number for number in gone if number not in added]
        serial += count
        texts = number_lists.edited(number_lists.unpack(fields), added, gone)
        fields = _apply(fields, texts)
        expected = [number for number in expected if number not in gone] + added
    assert _numbers(fields) == expected
    assert all(len(text.split()) <= CHUNK for text in fields.values())


def test_a_change_writes_few_chunks() -> None:
    """One number more or less in a long list writes one chunk."""
    everything = [f"n{index}" for index in range(10 * CHUNK)]
    fields = _apply({}, number_lists.edited({}, everything, ()))
    assert len(fields) == 10
    chunks = number_lists.unpack(fields)
    assert len(number_lists.edited(chunks, ["new"], ())) == 1
    assert len(number_lists.edited(chunks, (), ["n5"])) == 1
    assert number_lists.edited(chunks, (), ()) == {}
