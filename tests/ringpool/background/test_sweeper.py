"""The background rounds: nothing waits for ever, one process leads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from allocator.allocator import Allocator
from allocator.answers import Ask, State, Swept
from allocator.port import Store
from allocator.redis.url import connect
from allocator.stocks import Stocks
from allocator.transfers import Transfers
from ringpool.background import sweeper
from ringpool.background.sweeper import Sweeper
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.snapshot import PreparedPool, SnapshotKeeper
from ringpool.model import Account, Configuration, Fill, Pool, Stock
from ringpool.security.api_keys import hash_of
from ringpool.times import Duration
from tests.conftest import PATIENT_MS
from tests.ringpool.background.quiet import QuietNotifier
from tests.servers import stores


class Seen(QuietNotifier):
    """Notes only what it was shown."""

    def __init__(self) -> None:
        self.seen: dict[str, Swept] = {}

    def look(self, prepared: PreparedPool, swept: Swept) -> None:
        self.seen[prepared.pool.id] = swept


class Service:
    """What one process of the service has."""

    def __init__(self, store: Store) -> None:
        self.allocator = Allocator(store)
        self.stocks = Stocks(store)
        self.transfers = Transfers(store)
        self.catalog = Catalog(store, self.allocator, self.stocks)
        self.keeper = SnapshotKeeper(self.catalog)
        self.alerts = Seen()
        self.sweeper = Sweeper(
            store, self.allocator, self.stocks, self.catalog, self.keeper, self.alerts
        )

    async def let_guarantees_end(self) -> None:
        """Set the pool's clock an hour ahead; it stays there, as a clock never goes back."""
        server_ms = await self.catalog.store_clock()
        await self.allocator.touch("p", [Ask("nobody")], now_ms=server_ms + 3_600_000)

    async def apply(self, pool: Pool, *stocks: Stock) -> None:
        """Configure one pool of one account, and its stocks."""
        account = Account(id="a")
        await self.catalog.apply(Configuration(accounts=(account,), pools=(pool,), stocks=stocks))
        await self.keeper.refresh()


@pytest.fixture(scope="module")
def server() -> Iterator[stores.Server]:
    """A server whose catalog is this module's own."""
    with stores.valkey() as server:
        yield server


@pytest.fixture
async def services(
    server: stores.Server, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[list[Service]]:
    """Two processes of one service, on an empty store; a lead is kept however slow they are."""
    monkeypatch.setattr(sweeper, "_LEASE_MS", 60_000)
    stores = [await connect(server.url, timeout_ms=PATIENT_MS) for _ in range(2)]
    server.command("FLUSHALL")
    yield [Service(store) for store in stores]
    for store in stores:
        await store.aclose()


def _pool(**changes: object) -> Pool:
    facts: dict[str, object] = {
        "id": "p",
        "account": "a",
        "parameters": ("website",),
        "min_duration": Duration(600_000),
        "overflow_number": "+18005550100",
        "numbers": ("+18885550101", "+18885550102"),
    }
    return Pool(**(facts | changes))  # type: ignore[arg-type]


async def test_one_process_leads(services: list[Service]) -> None:
    """Of two that sweep one store, one does the rounds and the other waits."""
    assert await services[0].sweeper.round()
    assert not await services[1].sweeper.round()
    assert await services[0].sweeper.round()


async def test_who_cannot_read_the_store_any_more_does_not_lead(services: list[Service]) -> None:
    """A newer version has changed its keys: the rounds are that one's."""
    services[0].keeper.outdated = "its keys have another layout"
    assert not await services[0].sweeper.round()
    assert await services[1].sweeper.round()


async def test_a_stopped_leader_is_followed(services: list[Service]) -> None:
    """A leader that stops gives up at once, so the next round is another's."""
    task = asyncio.create_task(services[0].sweeper.run())
    while not await services[0].sweeper.round():
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await services[1].sweeper.round()


async def test_backlog_is_promoted(services: list[Service]) -> None:
    """Numbers whose guarantee is over are put in order without a click."""
    service = services[0]
    await service.apply(_pool())
    await service.allocator.allocate("p", [Ask("x"), Ask("y")])
    await service.let_guarantees_end()
    assert (await service.allocator.status("p")).backlog == 2
    await service.sweeper.round()
    status = await service.allocator.status("p")
    assert (status.backlog, status.recyclable) == (0, 2)


async def test_removed_numbers_are_free_for_others(services: list[Service]) -> None:
    """A number taken out of a pool is nobody's after a round, and its past is still known."""
    service = services[0]
    await service.apply(_pool())
    answer = (await service.allocator.allocate("p", [Ask("x")]))[0]
    await service.catalog.remove_numbers("p", [answer.number])
    await service.sweeper.round()
    assert await service.catalog.owner(answer.number) is not None
    await service.let_guarantees_end()
    await service.sweeper.round()
    assert await service.catalog.owner(answer.number) is None
    past = await service.catalog.former_holder(answer.number, answer.guaranteed_until)
    assert past is not None
    assert past.tuple == "x"


async def test_a_pool_that_is_to_be_full_is_filled(services: list[Service]) -> None:
    """With ``fill: immediate`` a round brings the stock's numbers up to max_size."""
    service = services[0]
    numbers = tuple(f"+1888555{i:04}" for i in range(110, 115))
    await service.apply(
        _pool(stock="s", max_size=5, fill=Fill.IMMEDIATE),
        Stock(id="s", account="a", numbers=numbers),
    )
    await service.sweeper.round()
    assert (await service.allocator.status("p")).unassigned == 5
    assert (await service.stocks.status("s")).lent == 3


async def test_a_shrunk_pool_sends_back_what_it_borrowed(services: list[Service]) -> None:
    """Below its size, a pool returns lent numbers to their stock, into quarantine."""
    service = services[0]
    stock = Stock(id="s", account="a", numbers=("+18885550120", "+18885550121"))
    await service.apply(_pool(stock="s", max_size=4), stock)
    answers = await service.allocator.allocate("p", [Ask(name) for name in "abcd"])
    assert {answer.state for answer in answers} == {State.NEW}
    await service.apply(_pool(stock="s", max_size=2), stock)
    await service.sweeper.round()
    assert (await service.allocator.status("p")).draining == 2
    await service.let_guarantees_end()
    await service.sweeper.round()
    status = await service.stocks.status("s")
    assert (status.quarantined, status.lent) == (2, 0)
    assert (await service.allocator.status("p")).size == 2


async def test_an_abandoned_move_is_finished(services: list[Service]) -> None:
    """A number whose move to a pool was left half-way arrives in a later round."""
    service = services[0]
    await service.apply(_pool(stock="s", max_size=4), Stock(id="s", account="a"))
    await service.stocks.edit("s", 0, ["+18885550120"], now_ms=1000)
    assert await service.transfers.take("s", "p", 1, now_ms=2000)  # and then the taker was killed
    await service.sweeper.round()
    status = await service.stocks.status("s")
    assert (status.moving, status.lent) == (0, 1)
    assert (await service.allocator.status("p")).unassigned == 3


async def test_alerts_see_every_pool(services: list[Service]) -> None:
    """Each round shows each pool's state to the alerts."""
    service = services[0]
    await service.apply(_pool())
    await service.sweeper.round()
    assert service.alerts.seen["p"].exhausted == 0
    await service.allocator.allocate("p", [Ask(name) for name in "abc"])
    await service.sweeper.round()
    assert service.alerts.seen["p"].exhausted == 1
    assert service.alerts.seen["p"].last_overflow > 0


async def test_alerts_hear_of_a_pool_that_can_grow_only_when_its_stock_is_dry(
    services: list[Service],
) -> None:
    """While the stock has another number, running out of unassigned ones is nobody's concern."""
    service = services[0]
    stock = Stock(id="s", account="a", numbers=("+18885550120",))
    await service.apply(_pool(stock="s"), stock)
    await service.allocator.allocate("p", [Ask("a"), Ask("b")])
    await service.sweeper.round()
    assert service.alerts.seen["p"].exhausted == 0
    await service.allocator.allocate("p", [Ask("c"), Ask("d")])
    await service.sweeper.round()
    assert service.alerts.seen["p"].exhausted == 1


async def test_keys_of_before_are_hashed_by_who_leads(
    services: list[Service], server: stores.Server
) -> None:
    """API keys that the store has as plain texts, from before they were hashed, don't stay so."""
    leader = services[0]
    await leader.apply(_pool())
    plain = '{"id":"a","api_keys":["a-plain-key-of-before"]}'
    server.command("HSET", "rp:{ringpool}:catalog-documents", "account/a", plain)
    assert await leader.sweeper.round()
    (account,) = (await leader.catalog.read()).accounts
    assert account.keys[0].hash == hash_of("a-plain-key-of-before")
    kept = str(server.command("HGETALL", "rp:{ringpool}:catalog-documents"))
    assert "sha256:" in kept
    assert "a-plain-key-of-before" not in kept
