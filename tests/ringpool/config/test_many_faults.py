"""A document in which everything is wrong is refused by its first faults."""

from __future__ import annotations

import time

import pytest

from ringpool.config import codec, validation
from ringpool.config.draft import MAX_FAULTS
from ringpool.faults import Faults
from ringpool.model import Configuration, Pool


def test_no_more_faults_are_looked_for_than_are_wanted() -> None:
    """The first is there in a small part of the time that all would take."""
    found = codec.faults({"numbers": [0] * 100_000}, Pool, "")
    began = time.perf_counter()
    assert next(found).field == "numbers[0]"
    first = time.perf_counter()
    assert sum(1 for _ in found) >= 99_999
    assert first - began < (time.perf_counter() - first) / 10


def test_numbers_are_no_longer_parsed_when_so_many_are_wrong() -> None:
    """The faults that are told are the first ones."""
    pool = Pool(id="a", account="acme", parameters=("p",), numbers=("x",) * (2 * MAX_FAULTS))
    with pytest.raises(Faults) as raised:
        validation.check(Configuration(pools=(pool,)), Configuration())
    *fields, last = [fault.field for fault in raised.value.faults]
    assert last == "document"
    assert fields == [f"pools[0].numbers[{place}]" for place in range(MAX_FAULTS)]
