"""Every key name, with its hash tag: all that one script touches lies in one slot.

A pool's keys carry ``{pool id}``, a stock's ``{stock:id}``, the catalog's ``{ringpool}`` and a
rate's its name, so a Redis Cluster spreads them over its nodes and every script still finds its
keys on one of them.
The order of each tuple is the order of KEYS in the Lua files (``lua/include/pool_keys.lua``).
"""

from __future__ import annotations

from functools import lru_cache

CATALOG = "rp:{ringpool}:"
"""Prefix of the catalog's keys (``ringpool.catalog``)."""

INSTALLATION = f"{CATALOG}installation"
"""Names the installation, in the store of a data directory (``allocator.store_files``)."""

NOTIFICATIONS = f"{CATALOG}notifications"
"""Who was told what, and what is to be sent (``ringpool.notifications.memory``).

It is in no backup: a store that is restored tells nothing again.
"""

UNREAD_LEDGERS = f"{CATALOG}ledgers"
"""Which ledgers should be read though nobody asks their pool (``allocator.ledger``)."""

_RATE = "rp:{{rate:{name}}}"  # string: when what was counted is made up for

_POOL = (
    "meta",  # hash: "rules" (the operator's), "state" (clock, counters), networks, writers
    "tuples",  # hash: tuple → number, assigned ones
    "numbers",  # hash: number → packed record, every number of the pool
    "free",  # zset: unassigned numbers by when they came free
    "guard",  # zset: assigned numbers by guaranteed_until (due ones wait here to be promoted)
    "idle",  # zset: recyclable numbers, best first
    "drain",  # zset: assigned numbers that leave the pool, by guaranteed_until
    "stale",  # zset: recyclable numbers still in the order of the rule before an edit
    "clicks",  # hash: number:f and number:l → attributes of the first and last click
    "history",  # hash: number → packed former holders, oldest first
    "overflow",  # hash: hour → how many overflow answers
    "outbox",  # hash: number → what must be handed on, of numbers that left the pool
    "calls",  # hash: call id → the answer it got
    "calls_by_time",  # zset: call ids by when they came
    "shelves",  # zset: numbers by area and guaranteed_until, where the pool goes by areas
    "series",  # hash: rows of what happened in each minute and hour (allocator.series)
    "refusals",  # list: packed asks that got no number of the pool's, newest last
    "ledger",  # stream: what the archive hasn't read yet (allocator.ledger)
)
FORMER_POOL_KEYS = ("budgeted", "rates")
"""Keys that a pool once had, which its next sweep removes."""

EVERY_KEY = "rp:*"
"""A pattern that every key matches."""

_STOCK = (
    "meta",  # hash: quarantine (ms) and last_loan (ms, the name of the latest loan)
    "numbers",  # hash: number → packed record
    "available",  # zset: numbers that may go, by when their quarantine ends
    "moving",  # hash: number → packed (pool, since): on its way to a pool
    "history",  # hash: number → packed former holders, as in a pool
    "shelves",  # zset: numbers that are here by area and end of quarantine, for pools with areas
    "calls",  # hash: call id → the answer it got, of calls to numbers that are here
    "calls_by_time",  # zset: call ids by when they came
    "ledger",  # stream: what the archive hasn't read yet
)


@lru_cache(maxsize=16384)
def pool_keys(pool_id: str) -> tuple[str, ...]:
    """Return all keys of a pool, in the order the scripts name them."""
    return tuple(f"rp:{{{pool_id}}}:{name}" for name in _POOL)


@lru_cache(maxsize=4096)
def stock_keys(stock_id: str) -> tuple[str, ...]:
    """Return all keys of a stock, in the order the scripts name them."""
    return tuple(f"rp:{{stock:{stock_id}}}:{name}" for name in _STOCK)


def rate_key(name: str) -> str:
    """Return the key of a rate (``allocator.rates``)."""
    return _RATE.format(name=name)


def pool_key(pool_id: str, name: str) -> str:
    """Return one key of a pool, by its name in ``pool_keys``."""
    return pool_keys(pool_id)[_POOL.index(name)]


def stock_key(stock_id: str, name: str) -> str:
    """Return one key of a stock, by its name in ``stock_keys``."""
    return stock_keys(stock_id)[_STOCK.index(name)]
