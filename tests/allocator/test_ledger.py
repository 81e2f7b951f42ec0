"""What scripts tell the archive: read in order, trimmed, dropped when nobody reads it."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from msgspec import Raw

from allocator.answers import Ask, Call, Holding
from allocator.ledger import (
    MOST_MESSAGES,
    AssignmentEnded,
    CallTold,
    LedgerPage,
    Ledgers,
    OverflowGiven,
    Unread,
    page_of,
)
from allocator.port import Store
from allocator.stocks import Stocks
from tests.allocator.pools import OVERFLOW, PoolUnderTest, make
from tests.servers import stores


async def entries(pool: PoolUnderTest, store: Store) -> list[object]:
    return [entry.told for entry in (await Ledgers(store).read("pool", pool.id)).entries]


async def test_what_a_call_of_a_script_ended_is_one_message(
    valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """An assignment's end with its clicks, and what overflowed, in the order of the asks."""
    pool = await make(valkey_store, unique, ["+11"], owner="us")
    start = pool.now
    await pool.allocator.allocate(unique, [Ask("a", b"first"), Ask("a", b"last")], now_ms=start)
    assert await entries(pool, valkey_store) == []
    pool.now += 20_000
    asks = [Ask("b", b"other"), Ask("c", b"more"), Ask("d")]
    await pool.allocator.allocate(unique, asks, now_ms=pool.now)
    page = await Ledgers(valkey_store).read("pool", unique)
    ended, *overflows = (entry.told for entry in page.entries)
    assert isinstance(ended, AssignmentEnded)
    assert ended.holding == Holding(
        number="+11",
        pool=unique,
        owner="us",
        tuple="a",
        since=start,
        until=pool.now,
        guaranteed_until=start + 10_000,
        clicks=2,
        first_click=b"first",
        last_click=b"last",
        last_click_at=start,
        serial=1,
    )
    assert overflows == [
        OverflowGiven(pool.now, "c", "more", OVERFLOW, "us"),
        OverflowGiven(pool.now, "d", "", OVERFLOW, "us"),
    ]
    key = f"rp:{{{unique}}}:ledger"
    assert valkey_server.command("XLEN", key) == 1
    assert (page.begins, page.ends) == (0, 3)
    assert await Ledgers(valkey_store).trim("pool", unique, page.trim) == 0
    assert valkey_server.command("EXISTS", key) == 0


async def test_pings_and_calls_are_no_clicks(valkey_store: Store, unique: str) -> None:
    """The time of the last click is that of a click."""
    pool = await make(valkey_store, unique, ["+11"], hold_on_activity=5_000)
    await pool.one("a")
    clicked = pool.now
    pool.now += 1_000
    await pool.allocator.touch(unique, [Ask("a", clicks=0)], now_ms=pool.now)
    await pool.allocator.record_call(unique, Call(id="1", number="+11"), now_ms=pool.now)
    holding = await pool.allocator.holder(unique, "+11", now_ms=pool.now)
    assert holding is not None
    assert (holding.last_click_at, holding.calls) == (clicked, 1)
    pool.now += 1_000
    await pool.one("a")
    holding = await pool.allocator.holder(unique, "+11", now_ms=pool.now)
    assert holding is not None
    assert holding.last_click_at == pool.now


async def test_an_event_of_a_call_names_who_held_the_number(
    valkey_store: Store, unique: str
) -> None:
    """Each event once; the document as it was given."""
    pool = await make(valkey_store, unique, ["+11"])
    await pool.one("a", b"click")
    call = Call(id="1", number="+11", event="started", document=b'{"id":"1"}')
    for _ in range(2):
        await pool.allocator.record_call(unique, call, now_ms=pool.now)
    (told,) = await entries(pool, valkey_store)
    assert isinstance(told, CallTold)
    holding = told.holding
    assert holding is not None
    assert (told.document, holding.tuple, holding.serial) == ('{"id":"1"}', "a", 1)


@pytest.mark.timeout(120)
async def test_it_is_bounded_and_says_what_was_dropped(
    valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """Giving numbers never waits for the archive, and a flood of overflows leaves room."""
    pool = await make(valkey_store, unique, ["+11"])
    key = f"rp:{{{unique}}}:ledger"
    ledgers = Ledgers(valkey_store)
    fill = "for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], i .. '-0', 'e', ARGV[2]) end"
    packed = b"\xdc\x00\x01\x00"  # a message of nothing
    valkey_server.command("EVAL", fill, 1, key, MOST_MESSAGES // 2, packed)
    await pool.one("a")
    for tuple_ in "bc":  # there is no room for overflows
        await pool.one(tuple_)
    assert valkey_server.command("XLEN", key) == MOST_MESSAGES // 2
    valkey_server.command("DEL", key)
    valkey_server.command("EVAL", fill, 1, key, 1000, packed)
    await pool.ask(*(f"flood={n}" for n in range(30)))
    last = (await ledgers.read("pool", unique, 2000)).entries
    assert len(last) == 10  # and the other twenty are a gap
    valkey_server.command("DEL", key)
    for tuple_ in "def":
        pool.now += 20_000
        await pool.one(tuple_)
    pages = [await ledgers.read("pool", unique, 1)]
    assert (pages[0].begins, pages[0].ends) == (32, 33)  # 32 were dropped
    while pages[-1].entries:
        await ledgers.trim("pool", unique, pages[-1].trim)
        pages.append(await ledgers.read("pool", unique, 1))
    assert all(after.begins == before.ends for before, after in pairwise(pages[:-1]))


async def test_what_should_be_read_is_noted(valkey_store: Store, unique: str) -> None:
    """Until somebody says that it is read, and nothing was noted meanwhile."""
    ledgers = Ledgers(valkey_store)
    both = Unread("pool", unique, 1), Unread("stock", unique, 1)
    await ledgers.note_unread([("pool", unique), ("stock", unique)])
    assert set(both) <= set(await ledgers.unread())
    await ledgers.note_unread([("stock", unique)])
    for each in both:
        await ledgers.note_read(each)
    left = [each for each in await ledgers.unread() if each.name == unique]
    assert left == [Unread("stock", unique, 2)]


async def test_a_deleted_pools_ledger_waits(valkey_store: Store, unique: str) -> None:
    """It is there when the pool is gone."""
    pool = await make(valkey_store, unique, ["+11"])
    await pool.one("a")
    pool.now += 20_000
    await pool.allocator.drain(unique, ["+11"], now_ms=pool.now)
    swept = await pool.allocator.sweep(unique, now_ms=pool.now)
    assert swept.ledger == 1
    await pool.sweep()
    assert await pool.allocator.forget(unique, now_ms=pool.now)
    (told,) = await entries(pool, valkey_store)
    assert isinstance(told, AssignmentEnded)


async def test_a_ledger_that_is_ahead_stops_nothing(
    valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """A pool made again has its former self's unread ledger, whose clock may have been ahead."""
    pool = await make(valkey_store, unique, ["+11"])
    await pool.one("a")
    key = f"rp:{{{unique}}}:ledger"
    valkey_server.command("XADD", key, "9000000000000-7", "e", b"\xdc\x00\x01\x00")
    pool.now += 20_000
    answer = await pool.one("b")
    assert (answer.number, answer.state.value) == ("+11", "recycled")
    told = [entry.told for entry in (await Ledgers(valkey_store).read("pool", unique)).entries]
    assert [type(each) for each in told] == [AssignmentEnded]
    valkey_server.command("DEL", key)
    valkey_server.command("SET", key, "broken")
    pool.now += 20_000
    assert (await pool.one("c")).state.value == "recycled"
    assert (await pool.one("d")).state.value == "overflow"
    assert (await pool.allocator.sweep(unique, now_ms=pool.now)).ledger == 0
    holding = await pool.allocator.holder(unique, "+11", now_ms=pool.now)
    assert holding is not None
    assert (holding.tuple, holding.serial) == ("c", 3)


async def test_a_call_to_a_stock_is_taken_whatever_its_ledger_is(
    valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """As in a pool: the event is a gap."""
    stocks = Stocks(valkey_store)
    await stocks.edit(unique, 0, ["+11"])
    key = f"rp:{{stock:{unique}}}:ledger"
    valkey_server.command("SET", key, "broken")
    call = Call(id="1", number="+11", event="started", document=b"{}")
    assert await stocks.record_call(unique, call) is not None
    valkey_server.command("DEL", key)
    call = Call(id="2", number="+11", event="started", document=b"{}")
    assert await stocks.record_call(unique, call) is not None
    page = await Ledgers(valkey_store).read("stock", unique)
    assert (len(page.entries), page.missing(0)) == (1, 1)


@pytest.mark.parametrize(
    ("spans", "read", "missing"),
    [
        ([], 5, 0),
        ([(0, 3), (3, 4)], 0, 0),
        ([(2, 3), (5, 6)], 0, 4),
        ([(2, 3), (5, 6)], 3, 2),  # read again, after its writer was killed
        ([(2, 3), (5, 6)], 4, 1),
        ([(2, 3), (5, 6)], 6, 0),
        ([(7, 8), (0, 1), (3, 4)], 7, 2),  # the pool was made anew
    ],
)
def test_a_gap_is_counted_once(spans: list[tuple[int, int]], read: int, missing: int) -> None:
    """However often a page is read."""
    assert LedgerPage([], "1-1", spans).missing(read) == missing


def test_what_cannot_be_decoded_hides_nothing_else() -> None:
    """An entry of a kind that this version doesn't know, and a message that is none at all."""
    known = [2, 1_700_000_000_000, "a=1", "", "+11", "us"]
    pack = msgspec.msgpack.encode
    messages = [
        ("5-0", pack([3, known, [9, "later"], 7, known])),
        ("5-1", b"\xff\xc1 not packed"),
        ("6-0", pack([9, known])),
    ]
    # As Lua packs: any bytes are a string.
    packed = pack([[id_, Raw(b"\xdb" + len(m).to_bytes(4, "big") + m)] for id_, m in messages])
    page = page_of(packed)
    assert [(entry.place, entry.at) for entry in page.entries] == [(3, 5), (6, 5), (9, 6)]
    assert (page.trim, page.unreadable, page.spans) == ("6-1", [4, 5], [(3, 7), (9, 10)])
    assert page.lost(3) == 2 + 2
    assert page.lost(7, [9]) == 2 + 1
    assert page_of(pack([messages[1]][:0])) == LedgerPage([])


async def test_a_status_tells_what_waits(valkey_store: Store, unique: str) -> None:
    """How many messages, and for how long the oldest, by the pool's clock."""
    pool = await make(valkey_store, unique, ["+11"])
    await pool.one("a")
    status = await pool.allocator.status(unique, now_ms=pool.now)
    assert (status.ledger_waiting, status.ledger_waiting_seconds) == (0, 0.0)
    for tuple_ in "bc":
        pool.now += 20_000
        await pool.one(tuple_)
    status = await pool.allocator.status(unique, now_ms=pool.now + 1_000)
    assert (status.ledger_waiting, status.ledger_waiting_seconds) == (2, 21.0)
    stocks = Stocks(valkey_store)
    await stocks.edit(unique, 0, ["+12"])
    assert (await stocks.status(unique)).ledger_waiting == 0
    call = Call(id="1", number="+12", event="started", document=b"{}")
    await stocks.record_call(unique, call)
    assert (await stocks.status(unique)).ledger_waiting == 1
