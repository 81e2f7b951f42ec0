"""A pool that is broken in every way the audit knows: found, mended, and as good as before."""

from __future__ import annotations

import random

import pytest

from allocator.keys import pool_keys
from allocator.pool_audit import Flaw, audit_pool
from allocator.port import Store
from tests.allocator.lua_scripts import script
from tests.allocator.pools import PoolUnderTest, make, numbers

AREAS = "+18880000"
OWN = [*numbers(6), "+17770000000"]

# Each breaks it in the store, beside the scripts. KEYS are the pool's; ARGV: the numbers of the
# tuples "held", "due" (recyclable), "leaving", and one that nobody has.
BREAKS = {
    "free is lost": ("ZREM', KEYS[4], ARGV[4]", "it is in no order"),
    "guaranteed is lost": ("ZREM', KEYS[5], ARGV[1]", "it is in no order"),
    "leaving is lost": ("ZREM', KEYS[7], ARGV[3]", "it is in no order"),
    "recyclable are lost": ("DEL', KEYS[6]", "it is in no order"),
    "guaranteed is free too": ("ZADD', KEYS[4], 0, ARGV[1]", 'it is in "free" against its record'),
    "free is guaranteed too": ("ZADD', KEYS[5], 0, ARGV[4]", 'it is in "guard" against its record'),
    "guaranteed leaves too": ("ZADD', KEYS[7], 0, ARGV[1]", 'it is in "drain" against its record'),
    "guaranteed is recyclable too": (
        "ZADD', KEYS[6], -1, '00000000000' .. ARGV[1]",
        'it is in "idle" against its record',
    ),
    "recyclable in two": ("ZADD', KEYS[5], UNTIL, ARGV[2]", "it is in two orders"),
    "ends at once": (
        "ZADD', KEYS[5], 0, ARGV[1]",
        "its order has another end of its guarantee",
    ),
    "stranger in free": ("ZADD', KEYS[4], 0, '+19'", 'it is in "free" without a record'),
    "stranger in idle": (
        "ZADD', KEYS[6], -9, '00000000000+19'",
        'it is in "idle" without a record',
    ),
    "stranger on a shelf": (
        "ZADD', KEYS[15], 0, ':00000000000+19'",
        'it is in "shelves" without a record',
    ),
    "stranger of a former order": (
        "ZADD', KEYS[8], -9, '00000000000+19'",
        'it is in "stale" without a record',
    ),
    "shelves are lost": ("DEL', KEYS[15]", "it is not on the shelf of its area"),
    "tuple is lost": ("HDEL', KEYS[2], 'held'", "its tuple does not lead to it"),
    "tuple of nobody's": (
        "HSET', KEYS[2], 'new', ARGV[4]",
        "a tuple leads to it that does not hold it",
    ),
    "tuple of a stranger": (
        "HSET', KEYS[2], 'new', '+19'",
        "a tuple leads to it that does not hold it",
    ),
    "a tuple has two": ("HSET', KEYS[3], ARGV[2], TWIN", "its tuple has another number too"),
    "size": ("HSET', KEYS[1], 'state', SIZED", "its size is counted as 99, and is 7"),
    "assignments": ("HSET', KEYS[1], 'state', UNCOUNTED", "its assignment is not counted"),
}
_BREAK = """
local state = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'state'))
local twin = cmsgpack.unpack(redis.call('HGET', KEYS[3], ARGV[2]))
local UNTIL = twin[3]
twin[1] = 'held'
local TWIN = cmsgpack.pack(twin)
local size, assigned = state[2], state[3]
state[2] = 99
local SIZED = cmsgpack.pack(state)
state[2], state[3] = size, 0
local UNCOUNTED = cmsgpack.pack(state)
redis.call('%s)
return cmsgpack.pack(true)
"""


async def _pool(store: Store, unique: str) -> tuple[PoolUnderTest, list[str]]:
    """A pool by areas; the numbers of "held", "due" and "leaving", and an unassigned one."""
    pool = await make(store, unique, OWN)
    await pool.edit(areas=AREAS)
    due = (await pool.one("due")).number
    pool.now += 10_000
    await pool.sweep()
    held, leaving = [answer.number for answer in await pool.ask("held", "leaving")]
    await pool.allocator.drain(unique, [leaving], now_ms=pool.now)
    assert held
    assert due
    assert leaving
    free = next(number for number in OWN if number not in (held, due, leaving))
    return pool, [held, due, leaving, free]


async def _audit(store: Store, pool: PoolUnderTest, repair: bool = False) -> list[Flaw]:
    return await audit_pool(store, pool.id, repair=repair, now_ms=pool.now)


@pytest.mark.parametrize("name", BREAKS)
async def test_what_is_broken_is_found_and_mended(store: Store, unique: str, name: str) -> None:
    """A second audit finds nothing, and every guarantee given holds among new ones."""
    command, message = BREAKS[name]
    pool, known = await _pool(store, unique)
    assert await _audit(store, pool) == []
    await store.run(script(_BREAK % command), pool_keys(unique), known)
    found = await _audit(store, pool)
    assert message in [flaw.message for flaw in found]
    assert await _audit(store, pool) == found, "looking changes nothing"
    await _audit(store, pool, repair=True)
    assert await _audit(store, pool) == []
    asked = ["held", "leaving", *(f"t{n}" for n in range(5))]
    given = [answer.number for answer in await pool.ask(*asked)]
    assert given[:2] == [known[0], known[2]]
    assert sorted(given) == sorted(OWN), "each number once, none of them lost"
    assert await _audit(store, pool) == []


async def test_a_healthy_pool_has_no_flaws_whatever_it_did(store: Store, unique: str) -> None:
    """Asks, releases, drains, changes of the rule and of areas, time that passes."""
    chance = random.Random(11)
    pool = await make(store, unique, OWN)
    rules = ("least_active", "round_robin", "most_active")
    for step in range(150):
        tuples = [f"t{chance.randrange(12)}" for _ in range(3)]
        match chance.randrange(7):
            case 0:
                await pool.allocator.release(unique, tuples, now_ms=pool.now)
            case 1:
                await pool.allocator.drain(unique, [chance.choice(OWN)], now_ms=pool.now)
            case 2:
                await pool.allocator.add(unique, OWN, now_ms=pool.now)
            case 3 if step % 4 == 0:
                areas, hold = chance.choice(["", AREAS]), chance.choice([0, 20_000])
                await pool.edit(areas=areas, hold_on_activity=hold, recycle=chance.choice(rules))
            case 4:
                await pool.sweep()
            case _:
                await pool.ask(*tuples)
        pool.now += chance.randrange(6_000)
        assert await _audit(store, pool) == []
