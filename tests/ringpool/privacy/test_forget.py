"""Nothing of who was forgotten is left anywhere; what is others', and every guarantee, is."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocator.answers import Ask, State
from allocator.redis.url import connect
from ringpool.privacy import person as persons
from ringpool.privacy.person import Person
from ringpool.privacy.search import Search
from ringpool.security.callers import caller_hash
from ringpool.security.signing import Signer, SigningKeys
from ringpool.store_check.store_check import StoreCheck
from tests.conftest import PATIENT_MS
from tests.ringpool.archive.databases import DATABASES, empty_archive
from tests.ringpool.conftest import Bench
from tests.ringpool.privacy.everywhere import (
    CALLER,
    HELD,
    HOUR_MS,
    OTHER,
    OTHER_CALLER,
    VISITOR,
    click,
    every_row,
    everything,
    files_of,
    live,
)

FORMER = SigningKeys(Signer.generate())
KEYS = SigningKeys(Signer.generate(), FORMER.current)
"""Two: what was kept under the former one is theirs too."""

SPELLINGS = (VISITOR, VISITOR.replace(":", "%3A"))


def visitor(_: set[str]) -> Person:
    return persons.visitor(VISITOR)


def caller(accounts: set[str]) -> Person:
    return persons.caller(CALLER, KEYS, accounts)


@pytest.mark.parametrize("kind", DATABASES)
async def test_a_visitor_is_forgotten_everywhere(kind: str, bench: Bench, tmp_path: Path) -> None:
    """Byte by byte, in every key, every row, and the files of an SQLite."""
    async with empty_archive(kind, tmp_path) as archive:
        ends = await live(bench, archive, FORMER)
        ledger = b"rp:{recycling}:ledger"
        assert ledger in everything(bench.server)
        search = Search(bench.store, archive, bench.catalog, settle_seconds=0)
        known = await search.known(visitor)
        store_before, before = everything(bench.server), await every_row(archive)
        assert ledger not in store_before
        for text in SPELLINGS:
            assert text.encode() in store_before
            assert text in before
        places = {trace.where for trace in known}
        assert places >= {
            "pool held: tuples",
            "pool held: outbox",
            "pool plain: tuples",
            "pool plain: clicks",
            "pool recycling: history",
            "pool recycling: refusals",
            "pool recycling: calls",
            "pool held: calls",
            "pool lent: history",
            "stock shelf: history",
            "assignments",
            "call_events",
            "calls",
            "candidates",
            "fits",
            "overflows",
            "sources",
        }
        forgotten = await search.forget(visitor)
        assert forgotten.left == []
        assert forgotten.whole
        assert {trace.where for trace in forgotten.removed} == places
        store_after, after = everything(bench.server), await every_row(archive)
        for text in SPELLINGS:
            assert text.encode() not in store_after
            assert text not in after
        # What is others' is as it was, and no row is lost.
        for text in (OTHER, OTHER.replace(":", "%3A")):
            assert store_after.count(text.encode()) == store_before.count(text.encode())
        unread = await every_row(archive)
        assert all(line in unread for line in before.splitlines() if VISITOR not in line)
        if kind == "sqlite":
            assert await archive.empty_log()
            assert not any(text.encode() in files_of(tmp_path) for text in SPELLINGS)
        # Their number is nobody else's before its guarantee is over, and is given then.
        holding = await bench.allocator.holder("held", HELD)
        assert holding is not None
        assert holding.tuple == f"visitor=forgotten.{HELD[1:]}"
        assert (holding.guaranteed_until, holding.first_click) == (ends, b"{}")
        for at in (None, ends - 1):
            (answer,) = await bench.allocator.allocate("held", [Ask("visitor=new")], now_ms=at)
            assert answer.state is State.NONE
        (back,) = await bench.allocator.allocate("held", [Ask(f"visitor={OTHER}", click(OTHER))])
        assert back.state is State.HELD
        findings = await StoreCheck(bench.store, bench.catalog).run(repair=False)
        assert [finding for finding in findings if "held" in finding.subject] == []
        asks = [Ask(f"visitor=new-{n}") for n in range(2)]
        answers = await bench.allocator.allocate("held", asks, now_ms=ends + 2 * HOUR_MS)
        assert HELD in {answer.number for answer in answers}
        again = await search.forget(visitor)
        assert (again.removed, again.left) == ([], [])
        assert await search.known(visitor) == []


@pytest.mark.parametrize("kind", DATABASES)
async def test_a_caller_is_forgotten_everywhere(kind: str, bench: Bench, tmp_path: Path) -> None:
    """Under the key that has been replaced too; of the others' calls all stays."""
    async with empty_archive(kind, tmp_path) as archive:
        await live(bench, archive, FORMER)
        search = Search(bench.store, archive, bench.catalog, settle_seconds=0)
        known = await search.known(caller)
        assert {trace.where for trace in known} == {"calls", "call_events"}
        assert {trace.what["account"] for trace in known} == {"a", "b"}
        before = await every_row(archive)
        texts = [CALLER, *(caller_hash(FORMER, account, CALLER) for account in "ab")]
        assert all(text in before for text in texts)
        forgotten = await search.forget(caller)
        assert forgotten.left == []
        assert len(forgotten.removed) == len(known)
        after, store = await every_row(archive), everything(bench.server)
        assert not any(text in after for text in texts)
        assert not any(text.encode() in store for text in texts)
        if kind == "sqlite":
            assert await archive.empty_log()
            assert not any(text.encode() in files_of(tmp_path) for text in texts)
        for text in (OTHER_CALLER, caller_hash(FORMER, "b", OTHER_CALLER), VISITOR, OTHER):
            assert after.count(text) == before.count(text)
        assert len(after.splitlines()) == len(before.splitlines())
        again = await search.forget(caller)
        assert (again.removed, again.left) == ([], [])


async def test_who_is_unknown_changes_nothing(bench: Bench, tmp_path: Path) -> None:
    """Not even where another's id begins with theirs."""
    async with empty_archive("sqlite", tmp_path) as archive:
        await live(bench, archive, KEYS)
        search = Search(bench.store, archive, bench.catalog, settle_seconds=0)
        await search.known(visitor)  # what ledgers have is in the archive now
        before = everything(bench.server), await every_row(archive)
        forgotten = await search.forget(lambda _: persons.visitor(VISITOR[:-2]))
        assert (forgotten.removed, forgotten.left) == ([], [])
        assert (everything(bench.server), await every_row(archive)) == before


async def test_a_user_that_may_not_look_for_keys(bench: Bench, tmp_path: Path) -> None:
    """All pools and stocks that are known are searched, and it is told that this isn't all."""
    async with empty_archive("sqlite", tmp_path) as archive:
        await live(bench, archive, KEYS)
        words = ("on", ">made-for-this-test", "~*", "&*", "+@all", "-scan")
        bench.server.command("ACL", "SETUSER", "no-scan", *words)
        login = "://no-scan:made-for-this-test@"
        store = await connect(bench.server.url.replace("://", login), timeout_ms=PATIENT_MS)
        try:
            search = Search(store, archive, bench.catalog_on(store), settle_seconds=0)
            forgotten = await search.forget(visitor)
        finally:
            await store.aclose()
            bench.server.command("ACL", "DELUSER", "no-scan")
        assert (forgotten.whole, forgotten.left) == (False, [])
        assert VISITOR.encode() not in everything(bench.server)
        assert VISITOR not in await every_row(archive)
