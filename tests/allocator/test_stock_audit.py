"""A stock that is broken in every way the audit knows: found, and mended."""

from __future__ import annotations

import pytest

from allocator.keys import stock_keys
from allocator.pool_audit import audit_stock
from allocator.port import Store
from allocator.stocks import Stocks
from tests.allocator.lua_scripts import script
from tests.allocator.pools import START, numbers

OWN = numbers(3)
AGAINST = 'it is in "{}" against its record'
BREAKS = {
    "lost": ("ZREM', KEYS[3], '+18880000000'", "it is here, but can not be found"),
    "shelves are lost": ("DEL', KEYS[6]", "it is not on the shelf of its area"),
    "stranger": ("ZADD', KEYS[3], 0, '+19'", AGAINST.format("available")),
    "stranger on a shelf": ("ZADD', KEYS[6], 0, ':00000000000+19'", AGAINST.format("shelves")),
    "here and moving": (
        "HSET', KEYS[4], '+18880000000', cmsgpack.pack({'p', 0})",
        AGAINST.format("moving"),
    ),
}


@pytest.mark.parametrize("name", BREAKS)
async def test_what_is_broken_is_found_and_mended(store: Store, unique: str, name: str) -> None:
    """A second audit finds nothing, and all numbers can be lent again, each once."""
    command, message = BREAKS[name]
    stocks = Stocks(store)
    await stocks.edit(unique, 0, OWN, now_ms=START)
    await stocks.shelve(unique, "+18880000", now_ms=START)
    assert await audit_stock(store, unique, now_ms=START) == []
    broken = script(f"redis.call('{command})\nreturn cmsgpack.pack(true)")
    await store.run(broken, stock_keys(unique))
    assert message in [flaw.message for flaw in await audit_stock(store, unique, now_ms=START)]
    await audit_stock(store, unique, repair=True, now_ms=START)
    assert await audit_stock(store, unique, now_ms=START) == []
    available = script("return cmsgpack.pack(redis.call('ZRANGE', KEYS[3], 0, -1))")
    packed = await store.run(available, stock_keys(unique))
    assert all(number.encode() in packed for number in OWN)
    assert b"+19" not in packed
