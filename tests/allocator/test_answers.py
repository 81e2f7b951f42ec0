"""Attributes that are made when they are written."""

from __future__ import annotations

from allocator.allocator import Allocator
from allocator.answers import Ask, Rules, attributes_bytes
from allocator.port import Store
from allocator.worker.cache import AssignmentCache


def test_attributes_are_bytes_or_what_makes_them() -> None:
    """Both come to the same."""
    assert attributes_bytes(b"{}") == attributes_bytes(lambda: b"{}") == b"{}"


async def test_only_the_last_click_s_attributes_are_made(valkey_store: Store, unique: str) -> None:
    """Of clicks answered from memory the earlier ones' would be overwritten: nobody makes them."""
    allocator = Allocator(valkey_store)
    await allocator.edit(unique, Rules(min_duration=60_000, overflow_number="+1999"), 1)
    await allocator.add(unique, ["+11"])
    source = AssignmentCache(allocator)
    asked: list[int] = []

    def click(number: int) -> Ask:
        def attributes() -> bytes:
            asked.append(number)
            return b'{"n":"%d"}' % number

        return Ask("a", attributes)

    for number in range(5):
        await source.allocate(unique, click(number))
    assert asked == [0]  # the first one asked the store
    await source.flush()
    assert asked == [0, 4]
    holding = await allocator.holder(unique, "+11")
    assert holding is not None
    assert (holding.clicks, holding.first_click, holding.last_click) == (
        *(5, b'{"n":"0"}'),
        b'{"n":"4"}',
    )
