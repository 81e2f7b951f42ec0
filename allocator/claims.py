"""What pools and stocks know of numbers, read beside their use, and put right by an audit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from allocator.keys import pool_key, pool_keys, stock_key, stock_keys
from allocator.port import Store
from allocator.replies import known
from allocator.scripts import clock_argument, load

_OF_POOL = load("pool/claims")
_OF_STOCK = load("stock/claims")
_MEND_IN_POOL = load("pool/mend")
_MEND_IN_STOCK = load("stock/mend")
_RULES = load("pool/rules")
_FIELDS = load("fields")

_A_PAGE = 500
"""About how many numbers one call reads."""


class PoolClaim(Struct, frozen=True, array_like=True):
    """A number that is in a pool, by a loan ("": its own). ``leaving``, ``promised``: 1 or 0."""

    loan: str
    leaving: int
    promised: int


class Left(Struct, frozen=True, array_like=True):
    """A number that has left a pool, where it was by this loan, and wasn't handed on yet."""

    loan: str


class StockClaim(Struct, frozen=True, array_like=True):
    """A number of a stock: lent to a pool ("": it is here). ``leaving``, ``moving``: 1 or 0."""

    pool: str
    loan: int
    leaving: int
    moving: int


class _OfStock(Struct, frozen=True, array_like=True):
    quarantine: int
    claims: list[Any]


_of_pool = msgspec.msgpack.Decoder(list[tuple[Any, Any]]).decode
_of_stock = msgspec.msgpack.Decoder(_OfStock).decode
_page = msgspec.msgpack.Decoder(tuple[str, list[str]]).decode
_settled = msgspec.msgpack.Decoder(int | bool).decode
_loan = msgspec.msgpack.Decoder(int).decode
_any = msgspec.msgpack.Decoder().decode


async def pool_claims(
    store: Store, pool_id: str, numbers: Sequence[str], *, now_ms: int | None = None
) -> list[tuple[PoolClaim | None, Left | None]]:
    """Return what a pool knows of each number, in order; nothing of one that it doesn't know."""
    reply = await store.run(_OF_POOL, pool_keys(pool_id), (clock_argument(now_ms), *numbers))
    return [
        (PoolClaim(*here) if here else None, Left(*left) if left else None)
        for here, left in _of_pool(reply)
    ]


async def stock_claims(
    store: Store, stock_id: str, numbers: Sequence[str]
) -> tuple[int, list[StockClaim | None]]:
    """Return a stock's quarantine (ms; -1: none is kept), and what it knows of each number."""
    reply = _of_stock(await store.run(_OF_STOCK, stock_keys(stock_id), numbers))
    return reply.quarantine, [StockClaim(*claim) if claim else None for claim in reply.claims]


def pool_numbers(store: Store, pool_id: str) -> AsyncIterator[list[str]]:
    """Yield all numbers of a pool, page by page; one may come twice while it is in use."""
    return _fields(store, pool_key(pool_id, "numbers"))


def stock_numbers(store: Store, stock_id: str) -> AsyncIterator[list[str]]:
    """Yield the same of a stock."""
    return _fields(store, stock_key(stock_id, "numbers"))


async def _fields(store: Store, key: str) -> AsyncIterator[list[str]]:
    cursor = ""
    while cursor != "0":
        cursor, fields = _page(await store.run(_FIELDS, (key,), (cursor or "0", _A_PAGE)))
        yield fields


async def stored_rules(store: Store, pool_id: str) -> list[Any] | None:
    """Return a pool's rules (``replies.StoredRules`` as an array).

    None: it has none; empty: they can't be read.
    """
    packed = await store.run(_RULES, pool_keys(pool_id), ())
    try:
        found = _any(packed)
    except msgspec.MsgspecError:
        return []
    if found is False:
        return None
    return found if isinstance(found, list) else []


async def settle_in_pool(
    store: Store, pool_id: str, number: str, loan: str, *, now_ms: int | None = None
) -> None:
    """Have a number in a pool by a loan. One that wasn't there is nobody's for a whole guarantee.

    Raises UnknownPool.
    """
    arguments = (clock_argument(now_ms), number, loan)
    known(pool_id, _settled(await store.run(_MEND_IN_POOL, pool_keys(pool_id), arguments)))


async def settle_lent(
    store: Store, stock_id: str, number: str, pool_id: str, loan: int, *, leaving: bool
) -> int:
    """Have a number lent to a pool by a loan (0: a new one); returns the loan."""
    arguments = ("", number, "lent", pool_id, loan, int(leaving))
    return _loan(await store.run(_MEND_IN_STOCK, stock_keys(stock_id), arguments))


async def settle_here(store: Store, stock_id: str, number: str, after_ms: int) -> None:
    """Have a number in its stock, which may lend it when so long and its quarantine are over."""
    arguments = ("", number, "here", "", after_ms, 0)
    await store.run(_MEND_IN_STOCK, stock_keys(stock_id), arguments)


async def settle_gone(store: Store, stock_id: str, number: str) -> None:
    """Have a stock forget a number."""
    await store.run(_MEND_IN_STOCK, stock_keys(stock_id), ("", number, "gone", "", 0, 0))
