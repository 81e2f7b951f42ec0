"""Where a number is."""

from __future__ import annotations

from collections.abc import Callable

from allocator.answers import Ask
from ringpool.catalog.number_place import NumberPlace
from ringpool.model import Account, Configuration, Pool, Stock
from tests.ringpool.conftest import Bench


async def test_a_number_is_in_its_pool_in_its_stock_or_lent(
    bench: Bench, phone: Callable[[int], str]
) -> None:
    """A pool's own, one that a stock has, the same when a pool took it, and an unknown one."""
    pool = Pool(
        id="p",
        account="acme",
        parameters=("m1",),
        numbers=(phone(1),),
        stock="s",
        max_size=2,
        allow_overflow=False,
    )
    stock = Stock(id="s", account="acme", numbers=(phone(2),))
    await bench.catalog.apply(
        Configuration(accounts=(Account(id="acme"),), pools=(pool,), stocks=(stock,))
    )
    own = await bench.catalog.locate(phone(1))
    assert (str(own.owner), own.pool, own.in_stock) == ("pool/p", "p", None)
    in_stock = await bench.catalog.locate(phone(2))
    assert (str(in_stock.owner), in_stock.pool) == ("stock/s", "")
    assert in_stock.in_stock is not None
    await bench.allocator.allocate("p", [Ask("m1=x"), Ask("m1=y")])
    lent = await bench.catalog.locate(phone(2))
    assert (str(lent.owner), lent.pool) == ("stock/s", "p")
    assert await bench.catalog.locate(phone(9)) == NumberPlace(None)
