"""Calls, from what is told of them to the archive."""

from __future__ import annotations

from pathlib import Path

from allocator.answers import Ask
from allocator.ledger import Ledgers
from ringpool.archive.database import Archive, archive_url
from ringpool.archive.writer import ArchiveWriter
from ringpool.calls.events import CallEvent, EventKind
from ringpool.calls.recording import CallRecorder
from ringpool.catalog.snapshot import SnapshotKeeper
from ringpool.history.call_lookup import call_detail
from ringpool.model import Account, Configuration, Pool, Stock
from ringpool.security.callers import caller_hash, caller_hashes
from ringpool.security.signing import Signer, SigningKeys
from tests.ringpool.conftest import Bench

NUMBER, RESTING, OVERFLOW = "+18885550101", "+18885550102", "+18885550103"
CALLER = "+12125550177"
KEYS = SigningKeys(Signer.generate())


def event(id: str, kind: str, at: int, number: str = NUMBER) -> CallEvent:
    return CallEvent(id=id, event=EventKind(kind), number=number, at=at, caller=CALLER)


async def test_a_call_reaches_the_archive_once(bench: Bench, tmp_path: Path) -> None:
    """Told late, twice and in the wrong order; with its holder, and its caller as a hash."""
    await bench.catalog.apply(
        Configuration(
            accounts=(Account(id="a"), Account(id="b", store_callers=True)),
            pools=(
                Pool(
                    id="p",
                    account="a",
                    parameters=("w",),
                    numbers=(NUMBER,),
                    overflow_number=OVERFLOW,
                ),
            ),
            stocks=(Stock(id="s", account="b", numbers=(RESTING,)),),
        )
    )
    await bench.allocator.allocate("p", [Ask("w=one", b'{"gclid":"x"}')])
    keeper = SnapshotKeeper(bench.catalog)
    await keeper.refresh()
    ledgers = Ledgers(bench.store)
    recorder = CallRecorder(
        bench.allocator, bench.stocks, ledgers, bench.catalog, keeper, lambda: KEYS
    )
    now = recorder.now_ms()
    events = [
        event("1", "ended", now),
        event("1", "started", now),
        event("1", "ended", now),
        event("2", "missed", now, RESTING),
        event("3", "started", now, OVERFLOW),
        event("4", "started", now, "+18885550999"),
    ]
    recorded = await recorder.record(events, None)
    assert [each.credit.noted for each in recorded if each.credit].count(True) == 4
    assert recorded[5].credit is None
    assert (await recorder.record([event("5", "started", now)], "b"))[0].credit is None

    archive = Archive(archive_url("", tmp_path))
    await archive.prepare()
    writer = ArchiveWriter(archive, ledgers)
    assert sum([await writer.write_unread(ledger) for ledger in await writer.unread()]) == 4
    assert await writer.unread() == []
    async with archive.engine.connect() as connection:
        first = await call_detail(connection, "a", "1")
        second = await call_detail(connection, "b", "2")
        third = await call_detail(connection, "a", "3")
    await archive.close()
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.holder is not None
    assert (first.holder.tuple, first.pool) == ({"w": "one"}, "p")
    assert (first.state, {each.event for each in first.events}) == ("ended", {"started", "ended"})
    assert (first.caller, first.caller_hash) == ("", caller_hash(KEYS, "a", CALLER))
    assert (second.state, second.resting, second.caller) == ("missed", "stock", CALLER)
    assert second.caller_hash != first.caller_hash
    assert (third.overflow, third.holder) == (True, None)


def test_a_former_key_knows_a_caller_still() -> None:
    """So that what is kept of somebody is found after the key was replaced."""
    former = caller_hash(KEYS, "a", CALLER)
    rotated = SigningKeys(Signer.generate(), KEYS.current)
    assert caller_hashes(rotated, "a", CALLER)[1] == former
    assert caller_hash(rotated, "a", CALLER) != former
    assert len(former) == 32
