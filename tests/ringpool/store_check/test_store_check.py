"""A store that is broken in every way the audit knows: found, mended, and no promise broken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from allocator.allocator import Allocator
from allocator.answers import Ask
from allocator.ledger import Ledgers
from allocator.redis.cluster import ClusterStore
from allocator.redis.standalone import StandaloneStore
from allocator.redis.url import connect
from allocator.stocks import Stocks
from ringpool.catalog.catalog import Catalog
from ringpool.findings import Finding
from ringpool.store_check import number_check, orphan_check, rules_check
from ringpool.store_check.store_check import StoreCheck
from tests.conftest import PATIENT_MS
from tests.ringpool.store_check.broken_stores import EVERY, OVERFLOW, PRELUDE, Break, Numbers, make
from tests.servers.stores import Server

TABLE = Path(__file__).parents[3] / "docs" / "operating" / "check.md"


@dataclass
class Installation:
    """An installation, whole when the test begins."""

    store: StandaloneStore | ClusterStore
    numbers: Numbers
    client: redis.Redis

    def break_it(self, script: str) -> None:
        self.client.eval(PRELUDE + script, 0, *self.numbers)

    async def check(self, *, repair: bool = False) -> list[Finding]:
        catalog = Catalog(self.store, Allocator(self.store), Stocks(self.store))
        return await StoreCheck(self.store, catalog).run(repair=repair)


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    """The whole installation as the server dumps it, made by the first test that needs it."""
    return {}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again at once: nobody else uses the store."""
    for module in (number_check, orphan_check, rules_check):
        monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.001)


@pytest.fixture
async def installation(emptied_server: Server, kept: dict[str, Any]) -> AsyncIterator[Installation]:
    store = await connect(emptied_server.url, timeout_ms=PATIENT_MS)
    with redis.Redis(port=emptied_server.port, protocol=2) as client:
        client.flushall()
        if not kept:
            kept["numbers"] = await make(store)
            keys = client.keys("rp:*")
            kept["dump"] = {key: client.dump(key) for key in keys if client.ttl(key) < 0}
        else:
            pipeline = client.pipeline(transaction=False)
            for key, dump in kept["dump"].items():
                pipeline.restore(key, 0, dump)
            pipeline.execute()
        yield Installation(store, kept["numbers"], client)
    await store.aclose()


async def test_a_sound_installation_has_nothing_wrong(installation: Installation) -> None:
    assert await installation.check() == []
    assert await installation.check(repair=True) == []


@pytest.mark.parametrize("broken", EVERY, ids=[each.what for each in EVERY])
async def test_what_is_broken_is_found_and_mended(
    installation: Installation, broken: Break
) -> None:
    """What can be mended is; then every promise holds, and no number is given twice."""
    installation.break_it(broken.script)
    found = [finding.message for finding in await installation.check()]
    assert any(broken.says in message for message in found), found
    await installation.check(repair=True)
    left = [finding.message for finding in await installation.check()]
    assert any(broken.says in message for message in left) == broken.stays, left
    assert broken.stays or not left, left
    if not broken.stays:
        await _holds(installation, broken)
        assert await installation.check() == []


async def _holds(installation: Installation, broken: Break) -> None:
    """Everybody has what was promised, and others have other numbers, each once."""
    allocator, promised = Allocator(installation.store), installation.numbers.promised
    given: list[str] = []
    for pool in "ab":
        known = [tuple_ for of, tuple_ in promised if of == pool and tuple_ not in broken.forgets]
        asked = [*known, *(f"w=new-{n}" for n in range(8))]
        answers = await allocator.allocate(pool, [Ask(tuple_) for tuple_ in asked])
        for tuple_, answer in zip(known, answers, strict=False):
            assert answer.number == promised[pool, tuple_]
        given += [answer.number for answer in answers if answer.number != OVERFLOW]
    assert len(given) == len(set(given))
    forgotten = {number for (_, tuple_), number in promised.items() if tuple_ in broken.forgets}
    assert forgotten.isdisjoint(given), "somebody may have been promised it"


def test_the_table_of_the_guide_has_every_one() -> None:
    """In their order, with what is said and what is done."""
    rows = [line for line in TABLE.read_text("utf-8").splitlines() if line.startswith("| ")]
    for each in EVERY:
        assert f"| {each.what} | {each.says} | {each.repair} |" in rows
    assert len([row for row in rows if not row.startswith("| what is broken")]) == len(EVERY)


async def test_a_ledger_that_waits_for_the_archive_belongs_to_its_deleted_pool(
    installation: Installation,
) -> None:
    """It is no fault, and no repair removes it; one that nobody waits for is."""
    for name in ("gone", "forgotten"):
        installation.client.xadd(f"rp:{{{name}}}:ledger", {"e": b"\xdc\x00\x01\x00"})
    await Ledgers(installation.store).note_unread([("pool", "gone")])
    found = {finding.subject for finding in await installation.check(repair=True)}
    assert "keys of pool forgotten" in found
    assert "keys of pool gone" not in found
    assert installation.client.exists("rp:{gone}:ledger") == 1
    assert installation.client.exists("rp:{forgotten}:ledger") == 0
