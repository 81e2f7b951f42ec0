"""Keys in the catalog: hashed, kept when they aren't named, replaced with an overlap."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from allocator.allocator import Allocator
from allocator.port import Store
from allocator.stocks import Stocks
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.condition import Condition
from ringpool.catalog.key_changes import (
    KeyExists,
    StillWorks,
    UnknownKey,
    with_key,
    with_key_rotated,
    with_pool_key_rotated,
    without_key,
)
from ringpool.catalog.key_report import key_reports
from ringpool.catalog.key_uses import KeyUses
from ringpool.catalog.snapshot import Snapshot
from ringpool.config import config_file
from ringpool.model import Account, ApiKey, Configuration, Entity, FormerKey, Pool, Scope
from ringpool.security.api_keys import hash_of
from ringpool.times import Duration
from tests.ringpool.conftest import Bench

PLAIN, SECOND, THIRD = "plain-key-number-one", "plain-key-number-two", "plain-key-number-three"
DAY = Duration.parse("24h")
START = datetime(2026, 11, 27, 10, tzinfo=UTC)


class Clock:
    """A clock that stands until it is set."""

    now = START

    def __call__(self) -> datetime:
        return self.now


def catalog_at(bench: Bench, clock: Clock) -> Catalog:
    return Catalog(bench.store, Allocator(bench.store), Stocks(bench.store), clock=clock)


def file(*keys: str | ApiKey, **more: str) -> Configuration:
    return Configuration(accounts=(Account(id="acme", api_keys=keys, **more),))


def a_key(name: str, text: str, *scopes: Scope) -> ApiKey:
    return ApiKey(name=name, hash=hash_of(text), scopes=scopes or (Scope.READ,))


async def documents(bench: Bench) -> str:
    """Everything in the store that is an account's."""
    found = bench.server.command("HGETALL", "rp:{ringpool}:catalog-documents")
    return str(found)


async def test_a_plain_key_is_kept_as_its_hash(bench: Bench) -> None:
    """Applied again, or as it was exported, it changes nothing; no difference shows it."""
    clock = Clock()
    catalog = catalog_at(bench, clock)
    changes = await catalog.apply(file(PLAIN))
    assert "(read, calls, allocate, manage; " in "\n".join(changes[0].lines())
    assert PLAIN not in f"{changes}{await documents(bench)}"
    clock.now += timedelta(days=1)
    assert await catalog.apply(file(PLAIN)) == []
    exported = config_file.write(await catalog.read())
    assert hash_of(PLAIN) in exported
    assert "created: '2026-11-27T10:00:00Z'" in exported
    assert await catalog.apply(config_file.read(exported)) == []
    assert Snapshot(*await catalog.entities()).api_key(PLAIN) is not None


async def test_keys_that_are_not_named_stay(bench: Bench) -> None:
    """An account that a file names without keys keeps them; an empty list ends them all."""
    await bench.catalog.apply(file(PLAIN))
    assert await bench.catalog.apply(Configuration(accounts=(Account(id="acme"),))) == []
    (account,) = (await bench.catalog.read()).accounts
    assert len(account.keys) == 1
    await bench.catalog.apply(file())
    (account,) = (await bench.catalog.read()).accounts
    assert account.keys == ()
    assert await bench.catalog.apply(file()) == []


async def test_plain_keys_of_before_are_read_and_then_hashed(bench: Bench) -> None:
    """The key works while it is kept as it was; hashing is a change, made once."""
    await bench.catalog.apply(file(PLAIN))
    key = "rp:{ringpool}:catalog-documents"
    former = msgspec.json.encode({"id": "acme", "api_keys": [PLAIN]}).decode()
    bench.server.command("HSET", key, "account/acme", former)
    assert Snapshot(*await bench.catalog.entities()).api_key(PLAIN) is not None
    before = await bench.catalog.revision()
    assert await bench.catalog.hash_keys() == 1
    assert PLAIN not in await documents(bench)
    assert await bench.catalog.revision() == before + 1
    told = await bench.catalog.log.one(before + 1)
    assert told is not None
    assert [each.id for each in told.entry.entities] == ["acme"]
    assert Snapshot(*await bench.catalog.entities()).api_key(PLAIN) is not None
    assert await bench.catalog.hash_keys() == 0
    assert await bench.catalog.revision() == before + 1


async def test_a_key_is_one_accounts(bench: Bench) -> None:
    """Neither another account nor the same one under another name gets it, kept ones included."""
    await bench.catalog.apply(file(PLAIN))
    other = Account(id="other", api_keys=(PLAIN,))
    kept = Account(id="acme", name="New")
    for accounts in ((other,), (kept, other)):
        with pytest.raises(ValueError, match="the same key as account acme"):
            await bench.catalog.apply(Configuration(accounts=accounts))


def test_a_key_is_made_rotated_and_revoked() -> None:
    """Two texts work until the overlap is over, and no third one does meanwhile."""
    account = with_key(Account(id="acme"), a_key("ci", PLAIN))
    with pytest.raises(KeyExists, match="has a key ci already"):
        with_key(account, a_key("ci", SECOND))
    account = with_key_rotated(account, "ci", SECOND, DAY, START)
    snapshot = Snapshot(1, Configuration(accounts=(account,)))
    former, current = snapshot.api_key(PLAIN), snapshot.api_key(SECOND)
    assert former is not None
    assert current is not None
    assert former.expires == (START + timedelta(days=1)).timestamp()
    assert current.expires > former.expires
    assert former.key is current.key
    with pytest.raises(StillWorks, match="the one before key ci still works"):
        with_key_rotated(account, "ci", THIRD, DAY, START)
    later = with_key_rotated(account, "ci", THIRD, DAY, START + timedelta(days=1))
    at_once = with_key_rotated(account, "ci", THIRD, Duration(0), START)
    for rotated, ended in ((later, [PLAIN]), (at_once, [PLAIN, SECOND])):
        known = Snapshot(1, Configuration(accounts=(rotated,)))
        assert known.api_key(THIRD) is not None
        assert [text for text in (PLAIN, SECOND) if known.api_key(text) is None] == ended
    with pytest.raises(UnknownKey, match="account acme has no key 'no'"):
        without_key(account, "no")
    gone = Snapshot(1, Configuration(accounts=(without_key(account, "ci"),)))
    assert gone.api_key(PLAIN) is None
    assert gone.api_key(SECOND) is None


async def test_a_former_key_is_dropped_when_it_has_ended(bench: Bench) -> None:
    """Of accounts and pools alike, with their next change; an old export doesn't bring it back."""
    clock = Clock()
    catalog = catalog_at(bench, clock)
    pool = Pool(
        id="p", account="acme", key=PLAIN, parameters=("m1",), allow_overflow=False, numbers=()
    )
    await catalog.apply(Configuration(accounts=file(a_key("ci", PLAIN)).accounts, pools=(pool,)))

    async def rotate(kind: str, text: str, overlap: Duration = DAY) -> None:
        async def make(present: Entity | None) -> Entity:
            if isinstance(present, Pool):
                return with_pool_key_rotated(present, text, overlap, clock.now)
            assert isinstance(present, Account)
            return with_key_rotated(present, "ci", text, overlap, clock.now)

        names = {"account": "acme", "pool": "p"}
        await catalog.change(kind, names[kind], make, Condition(exists=True))

    for kind in ("account", "pool"):
        await rotate(kind, SECOND)
    overlapping = await catalog.read()
    (kept,) = overlapping.pools
    assert (kept.key, kept.former_key) == (
        SECOND,
        FormerKey(key=PLAIN, until=START + timedelta(days=1)),
    )
    exported = config_file.read(config_file.write(overlapping))
    assert await catalog.apply(exported) == []
    clock.now += timedelta(days=2)
    assert await catalog.apply(exported) == []
    renamed = Configuration(
        accounts=(Account(id="acme", name="New"),),
        pools=(msgspec.structs.replace(pool, key=msgspec.UNSET, name="New"),),
    )
    await catalog.apply(renamed)
    after = await catalog.read()
    assert after.accounts[0].keys[0].former is None
    assert after.accounts[0].keys[0].hash == hash_of(SECOND)
    assert (after.pools[0].key, after.pools[0].former_key) == (SECOND, msgspec.UNSET)
    again = config_file.read(re.sub("name: New", "name: Old", config_file.write(after)))
    old = msgspec.structs.replace(again.pools[0], former_key=kept.former_key)
    await catalog.apply(msgspec.structs.replace(again, pools=(old,)))
    assert (await catalog.read_pool("p")).former_key is msgspec.UNSET
    await rotate("pool", THIRD, Duration(0))
    ended = await catalog.read_pool("p")
    assert (ended.key, ended.former_key) == (THIRD, msgspec.UNSET)


async def test_last_uses_on_every_kind_of_store(store: Store) -> None:
    """Many keys at once, whichever the store's kind."""
    uses = KeyUses(store, clock=lambda: 2_000_000_000.0)
    hashes = [hash_of(f"{uses!r}{index}") for index in range(3)]
    for used in hashes[:2]:
        uses.note(used)
    await uses.aclose()
    assert await uses.last(hashes) == [2_000_000_000_000, 2_000_000_000_000, 0]
    assert await uses.last([]) == []


async def test_last_uses_are_written_once_a_minute_and_apart(bench: Bench) -> None:
    """They change no revision; whichever worker notes a use, the latest counts."""
    await bench.catalog.apply(file(a_key("ci", PLAIN)))
    before = await bench.catalog.revision()
    now = [1_000_000.0]
    worker, other = (KeyUses(bench.store, clock=lambda: now[0]) for _ in range(2))
    used = hash_of(PLAIN)
    for seconds, expected in ((0, 1_000_000), (30, 1_000_000), (61, 1_000_061), (90, 1_000_061)):
        now[0] = 1_000_000.0 + seconds
        (worker if seconds % 2 else other).note(used)
        await worker.flush()
        await other.flush()
        assert await worker.last([used, hash_of(SECOND)]) == [expected * 1000, 0]
    assert await bench.catalog.revision() == before
    (account,) = (await bench.catalog.read()).accounts
    (report,) = await key_reports(account, worker, START)
    assert report.last_used == "1970-01-12T13:47:41Z"
