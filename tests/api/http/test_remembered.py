"""What is remembered of texts that clients send is small, however long the texts are."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from api.http.visitor_networks import VisitorNetworks
from ringpool.catalog.targets import read_targets
from ringpool.visits.areas import read_codes

TEXTS, LENGTH = 300, 20_000


@pytest.mark.parametrize(
    ("read", "begin", "filling"),
    [
        (read_codes, "{}", " "),
        (read_targets, "+1212555{:04}", ","),
        (VisitorNetworks(()).of, "10.0.0.{}", " "),
    ],
    ids=["areas", "targets", "addresses"],
)
def test_long_texts_are_not_remembered(
    read: Callable[[str], object], begin: str, filling: str
) -> None:
    """Else one client could fill a worker's memory with texts of its own."""
    tracemalloc.start()
    try:
        for number in range(TEXTS):
            read(begin.format(number).ljust(LENGTH, filling))
        assert tracemalloc.get_traced_memory()[0] < 50 * LENGTH
    finally:
        tracemalloc.stop()
