"""A number that somebody had rests in the stock that it comes to, whichever way it came."""

from __future__ import annotations

import pytest

from allocator.answers import Ask, Departure
from allocator.port import StoreUnavailable
from allocator.transfers import Transfers
from ringpool.catalog.store import CatalogStore
from ringpool.model import Account, Configuration, Pool, Quota, Stock
from ringpool.times import Duration
from tests.ringpool.conftest import Bench

DAY_MS = 86_400_000
NUMBER = "+18882000001"


def configuration(
    *, pool: tuple[str, ...], stock: tuple[str, ...], days: int = 30
) -> Configuration:
    own = Pool(
        id="p",
        account="a",
        parameters=("w",),
        allow_overflow=False,
        min_duration=Duration(1_000),
        numbers=pool,
    )
    rests = Stock(id="s", account="a", quarantine=Duration(days * DAY_MS), numbers=stock)
    return Configuration(accounts=(Account(id="a"),), pools=(own,), stocks=(rests,))


class Story:
    """What happens to one number."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def apply(self, wanted: Configuration) -> None:
        await self._bench.catalog.apply(wanted)

    async def use(self) -> None:
        """Somebody has it, and the guarantee ends."""
        [answer] = await self._bench.allocator.allocate("p", [Ask("w=x")])
        assert answer.number == NUMBER
        await self._bench.allocator.touch("p", [Ask("nobody")], now_ms=answer.guaranteed_until + 1)

    async def leaves(self, wanted: Configuration) -> None:
        await self.apply(wanted)
        assert await self._bench.catalog.owner(NUMBER) is None

    async def rest_days(self) -> float:
        """For how long it rests in the stock from now on."""
        place = await self._bench.stocks.holder("s", NUMBER)
        assert place is not None
        now = await self._bench.catalog.store_clock()
        return round((place.available_from - now) / DAY_MS, 3)


@pytest.fixture
def story(bench: Bench) -> Story:
    return Story(bench)


async def test_a_pools_own_number(story: Story, bench: Bench) -> None:
    """From when its last assignment ended; its history comes with it, and goes on into a pool."""
    await story.apply(configuration(pool=(NUMBER,), stock=()))
    await story.use()
    await story.leaves(configuration(pool=(), stock=()))
    await story.apply(configuration(pool=(), stock=(NUMBER,)))
    assert await story.rest_days() == 30
    held = (await bench.allocator.status("p")).clock
    place = await bench.stocks.holder("s", NUMBER, held - 1)
    assert place is not None
    assert place.holding is not None
    assert place.holding.tuple == "w=x"


async def test_a_number_that_nobody_had(story: Story) -> None:
    """It has nothing to rest from."""
    await story.apply(configuration(pool=(NUMBER,), stock=()))
    await story.leaves(configuration(pool=(), stock=()))
    await story.apply(configuration(pool=(), stock=(NUMBER,)))
    assert await story.rest_days() <= 0


async def test_out_of_the_stock_and_in_again(story: Story) -> None:
    """That ends no rest, though its history may not be kept."""
    account = Account(id="a", quota=Quota(history=0))
    await story.apply(Configuration(accounts=(account,)))
    await story.apply(configuration(pool=(NUMBER,), stock=()))
    await story.apply(Configuration(accounts=(account,)))
    await story.use()
    await story.leaves(configuration(pool=(), stock=()))
    for _ in range(2):
        await story.apply(configuration(pool=(), stock=(NUMBER,)))
        assert await story.rest_days() == 30
        await story.leaves(configuration(pool=(), stock=()))


async def test_a_change_that_dies_loses_no_past(
    story: Story, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step that takes a number out of its stock may be repeated when that is done."""
    await story.apply(configuration(pool=(NUMBER,), stock=()))
    await story.use()
    await story.leaves(configuration(pool=(), stock=()))
    await story.apply(configuration(pool=(), stock=(NUMBER,)))

    async def dies(*_: object) -> int:
        raise StoreUnavailable("killed")

    with monkeypatch.context() as patched:
        patched.setattr(CatalogStore, "departed", dies)
        with pytest.raises(StoreUnavailable):
            await story.apply(configuration(pool=(), stock=()))
    bench.break_lock()
    assert await bench.catalog.finish_pending()
    await story.apply(configuration(pool=(), stock=(NUMBER,)))
    assert await story.rest_days() == 30


async def test_for_longer_than_histories_are_kept(story: Story, bench: Bench) -> None:
    """Who had it is forgotten after 30 days; that somebody had it, for a year."""
    kept = CatalogStore(bench.store)
    await story.apply(configuration(pool=(NUMBER,), stock=()))
    await story.use()
    await story.leaves(configuration(pool=(), stock=()))
    [past] = (await kept.pasts([NUMBER])).values()

    async def later(days: int) -> None:
        """Another number leaves then, at which what is old is forgotten."""
        other = Departure("+18882000002", "", past.left + days * DAY_MS, past.history)
        bench.server.command("HSET", "rp:{ringpool}:catalog-owners", other.number, "pool/p/leaving")
        await kept.departed("pool/p", [other])

    await later(31)
    assert await bench.catalog.former_holder(NUMBER, past.left - 1) is None
    assert (await kept.pasts([NUMBER]))[NUMBER].left == past.left
    await story.apply(configuration(pool=(), stock=(NUMBER,), days=90))
    assert await story.rest_days() == 90
    await story.leaves(configuration(pool=(), stock=()))
    await later(400)
    assert await kept.pasts([NUMBER]) == {}


async def test_a_lent_number_becomes_the_pools_own_though_its_leaving_was_not_noted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who hands it on may die when it is nobody's: who adds it then makes up for that."""
    pool = Pool(id="p", account="a", parameters=("w",), allow_overflow=False, stock="s")
    wanted = Configuration(
        accounts=(Account(id="a"),),
        pools=(pool,),
        stocks=(Stock(id="s", account="a", numbers=(NUMBER,)),),
    )
    await bench.catalog.apply(wanted)
    assert await Transfers(bench.store).fill("p", "s", 1) == 1
    gone = Configuration(stocks=(Stock(id="s", account="a", numbers=()),))

    async def dies(*_: object, **__: object) -> None:
        raise StoreUnavailable("killed")

    await bench.catalog.apply(gone)
    with monkeypatch.context() as patched:
        patched.setattr(Transfers, "note_handed_on", dies)
        with pytest.raises(StoreUnavailable):
            await bench.catalog.hand_on("p")
    assert await bench.catalog.owner(NUMBER) is None
    await bench.catalog.add_numbers("p", [NUMBER])
    _, rows = await bench.allocator.numbers("p")
    assert [(row.number, row.loan) for row in rows] == [(NUMBER, "")]
