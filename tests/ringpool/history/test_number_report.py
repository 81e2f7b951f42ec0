"""All that is known of one number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from allocator.answers import Ask
from allocator.ledger import Ledgers
from ringpool.archive.database import Archive, archive_url
from ringpool.archive.writer import ArchiveWriter
from ringpool.catalog.snapshot import Snapshot
from ringpool.history.number_report import NumberReport, OverflowUse, number_report
from ringpool.model import Account, Configuration, Pool, Stock
from ringpool.times import Duration
from tests.ringpool.conftest import Bench

Phone = Callable[[int], str]

OVERFLOW = "+18001234444"
HOUR_MS = 3_600_000


async def report(bench: Bench, number: str, at_ms: int | None = None) -> NumberReport:
    """Report on a number as the CLI does."""
    snapshot = Snapshot(*await bench.catalog.entities())
    return await number_report(bench.catalog, bench.allocator, snapshot, number, at_ms)


async def configure(bench: Bench, phone: Phone) -> None:
    """One pool with one number of its own, one in its stock, and an overflow number."""
    pool = Pool(
        id="p",
        account="acme",
        parameters=("m1",),
        min_duration=Duration(HOUR_MS),
        numbers=(phone(1),),
        stock="s",
        max_size=2,
        overflow_number=OVERFLOW,
    )
    await bench.catalog.apply(
        Configuration(
            accounts=(Account(id="acme"),),
            pools=(pool,),
            stocks=(Stock(id="s", account="acme", numbers=(phone(2),)),),
        )
    )


async def test_an_unknown_number_has_no_owner(bench: Bench, phone: Phone) -> None:
    """Nor a pool, nor a holder."""
    await configure(bench, phone)
    assert await report(bench, phone(9)) == NumberReport(number=phone(9))


async def test_a_pools_number_and_its_holder(bench: Bench, phone: Phone) -> None:
    """Now and at a time: who holds it, who held it before, nobody before that."""
    await configure(bench, phone)
    first = await report(bench, phone(1))
    assert (first.owner_kind, first.owner, first.pool, first.holder) == ("pool", "p", "p", None)
    (answer,) = await bench.allocator.allocate("p", [Ask("m1=x")])
    start, later = answer.guaranteed_until - HOUR_MS, answer.guaranteed_until + HOUR_MS
    # Its stock is spent and the guarantee over: the next tuple takes the number over.
    await bench.allocator.allocate("p", [Ask("m1=y")])
    recycled = (await bench.allocator.allocate("p", [Ask("m1=z")], now_ms=later))[0]
    assert recycled.number == phone(1)
    now = await report(bench, phone(1))
    assert now.holder is not None
    assert now.holder.tuple == "m1=z"
    before = await report(bench, phone(1), start + 500)
    assert before.holder is not None
    assert (before.holder.tuple, before.holder.until) == ("m1=x", later)
    assert before.at == start + 500
    assert (await report(bench, phone(1), start - 500)).holder is None


async def test_a_stocks_number_is_followed(bench: Bench, phone: Phone) -> None:
    """In its stock it is available; lent, it is in its pool, with a holder."""
    await configure(bench, phone)
    in_stock = await report(bench, phone(2))
    assert (in_stock.owner_kind, in_stock.owner, in_stock.pool) == ("stock", "s", "")
    assert in_stock.available_from is not None
    await bench.allocator.allocate("p", [Ask("m1=x"), Ask("m1=y")])
    lent = await report(bench, phone(2))
    assert (lent.owner, lent.pool, lent.available_from) == ("s", "p", None)
    assert lent.holder is not None
    assert lent.holder.tuple == "m1=y"


async def test_a_number_that_left_still_has_its_past(bench: Bench, phone: Phone) -> None:
    """Removed from its pool, it has no owner, and who held it is still known."""
    await configure(bench, phone)
    (answer,) = await bench.allocator.allocate("p", [Ask("m1=x")])
    await bench.catalog.remove_numbers("p", [phone(1)])
    assert (await report(bench, phone(1))).draining
    swept = await bench.allocator.sweep("p", now_ms=answer.guaranteed_until + 1)
    await bench.catalog.hand_on("p", swept.departures)
    gone = await report(bench, phone(1), answer.guaranteed_until - 1)
    assert (gone.owner, gone.pool, gone.draining) == ("", "", False)
    assert gone.holder is not None
    assert (gone.holder.pool, gone.holder.tuple) == ("p", "m1=x")


async def test_an_overflow_number_names_its_pools(bench: Bench, phone: Phone) -> None:
    """Whose overflow it is, and how often that was given in the hour asked for."""
    await configure(bench, phone)
    assert (await report(bench, OVERFLOW)).overflow_of == (OverflowUse(pool="p"),)
    answers = await bench.allocator.allocate("p", [Ask(f"m1={n}") for n in range(5)])
    assert [answer.number for answer in answers[2:]] == [OVERFLOW] * 3
    at = answers[0].guaranteed_until - HOUR_MS
    assert (await report(bench, OVERFLOW, at)).overflow_of == (OverflowUse(pool="p", answers=3),)
    past = at - 7_200_000
    assert (await report(bench, OVERFLOW, past)).overflow_of == (OverflowUse(pool="p", answers=0),)


async def test_what_the_store_has_forgotten_is_in_the_archive(
    bench: Bench, phone: Phone, tmp_path: Path
) -> None:
    """Who held a number before the pool's history begins: the same answer, from the database."""
    await configure(bench, phone)
    (answer,) = await bench.allocator.allocate("p", [Ask("m1=x", b'{"gclid":"a"}')])
    start, number = answer.guaranteed_until - HOUR_MS, answer.number
    await bench.allocator.allocate("p", [Ask("m1=y")])
    for n in range(2):
        later = answer.guaranteed_until + n * 2 * HOUR_MS
        await bench.allocator.allocate("p", [Ask(f"m1={n}0"), Ask(f"m1={n}1")], now_ms=later)
    known = (await report(bench, number, start + 500)).holder
    archive = Archive(archive_url("", tmp_path))
    await archive.prepare()
    ledgers = Ledgers(bench.store)
    try:
        await ArchiveWriter(archive, ledgers).write("pool", "p")
        bench.server.command("DEL", "rp:{p}:history")
        snapshot = Snapshot(*await bench.catalog.entities())
        answers = [
            await number_report(bench.catalog, bench.allocator, snapshot, number, at, archive)
            for at in (start + 500, start - 1)
        ]
    finally:
        await archive.close()
    assert known is not None
    assert known.tuple == "m1=x"
    assert [each.holder for each in answers] == [known, None]
    assert (await report(bench, number, start + 500)).holder is None


async def test_a_number_that_is_nowhere_any_more_had_somebody_last(
    bench: Bench, phone: Phone, tmp_path: Path
) -> None:
    """As the archive has it; one that came back is the store's to tell of."""
    await configure(bench, phone)
    (answer,) = await bench.allocator.allocate("p", [Ask("m1=x")])
    await bench.catalog.remove_numbers("p", [phone(1)])
    swept = await bench.allocator.sweep("p", now_ms=answer.guaranteed_until + 1)
    await bench.catalog.hand_on("p", swept.departures)
    archive = Archive(archive_url("", tmp_path))

    async def last() -> str | None:
        snapshot = Snapshot(*await bench.catalog.entities())
        found = await number_report(
            bench.catalog, bench.allocator, snapshot, phone(1), None, archive
        )
        return found.last and found.last.tuple

    try:
        assert await last() is None
        await ArchiveWriter(archive, Ledgers(bench.store)).write("pool", "p")
        assert await last() == "m1=x"
        await bench.catalog.add_numbers("p", [phone(1)])
        assert await last() is None
    finally:
        await archive.close()
