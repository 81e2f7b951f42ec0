"""A lease has one holder at a time."""

from __future__ import annotations

from allocator.lease import Lease
from allocator.port import Store


async def test_one_holder_at_a_time(valkey_store: Store, unique: str) -> None:
    """While one holds it, it can keep it and nobody else gets it; given up, anybody does."""
    first, second = (Lease(valkey_store, unique, 60_000) for _ in range(2))
    assert await first.hold()
    assert await first.hold()
    assert not await second.hold()
    await second.give_up()
    assert not await second.hold()
    await first.give_up()
    assert await second.hold()


async def test_it_runs_out(valkey_store: Store, unique: str) -> None:
    """A holder that died loses it when its span is over."""
    dead, heir = Lease(valkey_store, unique, 1), Lease(valkey_store, unique, 60_000)
    assert await dead.hold()
    while not await heir.hold():
        pass
