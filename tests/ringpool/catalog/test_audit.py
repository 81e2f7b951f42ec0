"""The audit log: it says what happened, all of it and nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from allocator.port import StoreUnavailable
from ringpool.catalog import audit, audit_log, store
from ringpool.catalog.audit import Actor, EntityChange, Recorded
from ringpool.catalog.audit_log import Wanted, seen_by
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.change import by_name
from ringpool.catalog.undo import CannotUndo
from ringpool.config.difference import Change, FieldChange, shown_fields
from ringpool.faults import Fault, Faults, OverDay
from ringpool.model import Account, Configuration, Pool, Stock
from ringpool.times import Duration
from tests.ringpool.catalog.test_catalog import ACCOUNT, Dying, a_file, a_pool
from tests.ringpool.conftest import Bench

Phone = Callable[[int], str]
State = dict[tuple[str, str], tuple[dict[str, Any], frozenset[str]]]

SECRET = "a-secret-of-16-or-more"


async def every_change(
    catalog: Catalog, viewer: str | None = None, **wanted: Any
) -> list[Recorded]:
    """The whole log, the oldest change first."""
    found: list[Recorded] = []
    newest: int | None = None
    while True:
        page = await catalog.log.page(Wanted(**wanted), 7, newest, viewer)
        found += page.changes
        newest = page.following
        if not newest:
            return found[::-1]


def plain(configuration: Configuration) -> State:
    """A configuration as the log can tell it."""
    return {
        name: (
            msgspec.json.decode(msgspec.json.encode(shown_fields(entity))),
            frozenset() if isinstance(entity, Account) else frozenset(entity.numbers or ()),
        )
        for name, entity in by_name(configuration).items()
    }


def replayed(changes: list[Recorded]) -> State:
    """What there must be after these changes."""
    state: State = {}
    for change in changes:
        for entity in change.entry.entities:
            name = (entity.kind, entity.id)
            assert (entity.what == "created") == (name not in state)
            fields, numbers = state.pop(name, ({}, frozenset()))
            fields = dict(fields)
            for field in entity.fields:
                assert fields.pop(field.field, None) == field.before
                if field.after is not None:
                    fields[field.field] = field.after
            assert numbers.isdisjoint(entity.added.numbers)
            assert numbers.issuperset(entity.removed.numbers)
            numbers = (numbers | {*entity.added.numbers}) - {*entity.removed.numbers}
            if entity.what == "deleted":
                assert not fields
                assert not numbers
            else:
                state[name] = (fields, numbers)
    return state


async def undo_one_of_the_last(catalog: Catalog, back: int) -> None:
    await catalog.undo(await catalog.revision() - back)


def a_change(chance: random.Random, phone: Phone) -> Callable[[Catalog], Any]:
    """Any change of a small configuration."""
    pool, some = chance.choice("pq"), [phone(number) for number in chance.sample(range(9), 2)]
    match chance.randrange(9):
        case 0:
            return lambda catalog: catalog.add_numbers(pool, some)
        case 1:
            return lambda catalog: catalog.remove_numbers(pool, some)
        case 2:
            return lambda catalog: catalog.delete_pool(pool)
        case 3:
            return lambda catalog: catalog.delete_stock("s")
        case 7 | 8:
            return partial(undo_one_of_the_last, back=chance.randrange(4))
        case 4:
            stock = Stock(id="s", account="acme", numbers=tuple(some))
            return lambda catalog: catalog.apply(a_file(stock))
        case 5:
            edited = a_pool(pool, some, min_duration=Duration(chance.randint(1, 9) * 1000))
            return lambda catalog: catalog.apply(a_file(edited))
        case _:
            edited = a_pool(pool, numbers=UNSET, name=str(chance.randrange(99)), key=f"{SECRET}-p")
            account = Account(id="acme", api_keys=(f"{SECRET}-{chance.randrange(99)}",))
            wanted = Configuration(accounts=(account,), pools=(edited,))
            return lambda catalog: catalog.apply(wanted)


@pytest.mark.parametrize("seed", range(3))
async def test_the_log_is_what_happened(bench: Bench, phone: Phone, seed: int) -> None:
    """Random changes whose writers die anywhere: each revision has its one entry, of who made it,
    and told from the first on, they make what there is."""
    chance = random.Random(seed)
    makers: dict[int, str] = {}
    for turn in range(40):
        make, maker = a_change(chance, phone), f"maker-{turn}"
        dying = Dying(bench.store, chance.randrange(60), last_runs=chance.random() < 0.5)
        with suppress(StoreUnavailable, CannotUndo, Fault, Faults):
            await make(bench.catalog_on(dying).by(Actor(kind="command", user=maker)))
        bench.break_lock()
        await bench.catalog.finish_pending()
        makers.setdefault(await bench.catalog.revision(), maker)
    makers.pop(0, None)
    changes = await every_change(bench.catalog)
    assert {change.revision: change.entry.by.user for change in changes} == makers
    assert len(changes) == await bench.catalog.revision() > 5
    assert any(change.entry.undoes for change in changes)
    assert replayed(changes) == plain(await bench.catalog.read())
    assert SECRET not in repr(bench.server.command("HVALS", "rp:{ringpool}:catalog-changes"))


async def test_a_step_that_is_repeated_is_entered_once(bench: Bench) -> None:
    """Its reply was lost, so it comes again: the entry is the first one, and counts once."""
    await bench.catalog.apply(Configuration(accounts=(ACCOUNT,)))
    catalog = store.CatalogStore(bench.store)
    assert await catalog.lock("me")
    for _ in range(2):
        await catalog.publish("me", 2, {"account/b": '{"id":"b"}'}, '{"undoes":7}', "details")
    bytes_held = bench.server.command("HGET", "rp:{ringpool}:catalog-state", "details_bytes")
    assert int(bytes_held) == len("details")
    assert [change.entry.undoes for change in await every_change(bench.catalog)] == [0, 7]


async def test_secrets_are_in_no_entry(bench: Bench, phone: Phone) -> None:
    """Made, changed and removed keys: that there was a change is told, and no more."""
    catalog = bench.catalog
    pool = a_pool("p", key=f"{SECRET}-1")
    account = Account(id="acme", api_keys=(f"{SECRET}-2",))
    await catalog.apply(Configuration(accounts=(account,), pools=(pool,)))
    await catalog.apply(Configuration(pools=(a_pool("p", key=f"{SECRET}-3"),)))
    await catalog.delete_pool("p")
    shown = repr(await every_change(catalog))
    assert shown.count("FieldChange(field='key'") == 3
    assert "field='api_keys'" in shown
    raw = repr(bench.server.command("HVALS", "rp:{ringpool}:catalog-changes"))
    assert SECRET not in shown
    assert SECRET not in raw
    assert "(secret)" in raw


def test_secrets_are_masked_wherever_they_stand() -> None:
    """By the names of fields, whatever they hold."""
    value = [{"name": "ci", "hash": "abc", "former_key": {"key": "x"}, "api_keys": ["a"]}, "b"]
    assert audit.masked(value) == [
        {"name": "ci", "hash": "(secret)", "former_key": "(secret)", "api_keys": "(secret)"},
        "b",
    ]
    hook = "https://user:password@ops.example:8443/a-secret?another"
    assert audit.masked({"webhook": hook}) == {"webhook": "https://ops.example/(secret)"}
    assert audit.masked({"webhook": None}) == {"webhook": None}


def test_an_account_is_told_nothing_of_keys() -> None:
    """Any of its keys may read the log; the operator may be told their names, say."""
    fields = (
        FieldChange("api_keys", None, ["ci (manage; 1a2b3c4d)"]),
        FieldChange("name", None, "New"),
    )
    entity = EntityChange(
        kind="account", id="acme", what="changed", former="acme", account="acme", fields=fields
    )
    seen = seen_by("acme", Recorded(1, 0, audit.Entry(entities=(entity,))))
    assert seen is not None
    assert seen.entry.entities[0].fields == (
        FieldChange("api_keys", None, "(secret)"),
        fields[1],
    )


def test_what_is_too_long_is_beside_the_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry tells how many numbers there are and the first, the beginning of a long value, and
    of many entities the names; its details have the whole."""
    numbers = tuple(f"+1888{place:07}" for place in range(150))
    fields = (FieldChange("name", None, "x" * 600),)
    changes = [
        Change(kind="pool", id=f"p{place}", action="add", fields=fields, added=numbers)
        for place in range(100)
    ]
    pools = tuple(a_pool(change.id) for change in changes)
    written = audit.write(audit.SERVICE, changes, {}, by_name(Configuration(pools=pools)))
    entry = audit.read(1, 0, written.entry).entry
    assert entry.cut
    assert len(written.entry) < audit.MAX_TOLD * 2
    assert entry.entities[0].added == audit.CountedNumbers(150, numbers[:100])
    assert entry.entities[0].fields == (FieldChange("name", None, "x" * 500 + "…"),)
    assert entry.entities[99] == EntityChange(
        kind="pool", id="p99", what="created", account="acme", added=audit.CountedNumbers(150)
    )
    whole = audit.read_details(written.details)
    assert (whole[99].added.numbers, whole[99].fields) == (numbers, fields)
    monkeypatch.setattr(audit, "MAX_DETAILS", 1000)
    assert audit.write(audit.SERVICE, changes, {}, {}).details == ""


@pytest.mark.parametrize(
    ("bound", "value"), [("MAX_CHANGES", 3), ("MAX_CHANGES_BYTES", 1000), ("CHANGES_KEPT_MS", -1)]
)
async def test_the_log_has_an_end(
    bench: Bench, phone: Phone, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    """The oldest entries make room, the last one stays, and what is counted is what is there."""
    monkeypatch.setattr(store, bound, value)
    monkeypatch.setattr(audit, "MAX_NUMBERS", 1)
    await bench.catalog.apply(a_file(a_pool("p")))
    for place in range(8):
        await bench.catalog.add_numbers("p", [phone(2 * place), phone(2 * place + 1)])
    kept = [change.revision for change in await every_change(bench.catalog)]
    assert kept[-1] == 9
    assert 1 <= len(kept) < 9
    if bound == "MAX_CHANGES":
        assert kept == [7, 8, 9]
    assert await bench.catalog.log.one(1) is None
    for name in ("changes", "details"):
        key = f"rp:{{ringpool}}:catalog-{name}"
        state = "rp:{ringpool}:catalog-state"
        held = int(bench.server.command("HGET", state, f"{name}_bytes"))
        fields = [int(at) for at in bench.server.command("HKEYS", key) if at.isdigit()]
        assert set(fields) <= set(kept)
        assert held == sum(int(bench.server.command("HSTRLEN", key, str(at))) for at in fields)


async def test_one_account_does_not_push_out_the_others(
    bench: Bench, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its keys may write so much a day: first without the details, then no more; others go on."""
    monkeypatch.setattr(audit, "MAX_NUMBERS", 1)
    catalog = bench.catalog
    await catalog.apply(a_file(a_pool("p")))
    own = catalog.by(Actor(kind="account", account="acme"))
    log = store.CatalogStore(bench.store)
    await own.add_numbers("p", [phone(0), phone(1)])
    _, size = await log.wrote("acme")
    monkeypatch.setattr(audit_log, "MAX_WRITTEN_A_DAY", 2 * size - 20)
    await own.add_numbers("p", [phone(2), phone(3)])
    assert [bool(await log.details(revision)) for revision in (2, 3)] == [True, False]
    monkeypatch.setattr(audit_log, "MAX_WRITTEN_A_DAY", size)
    with pytest.raises(OverDay, match="account acme has changed as much today as the log keeps"):
        await own.add_numbers("p", [phone(4)])
    assert await catalog.revision() == 3
    await catalog.add_numbers("p", [phone(60)])
    await catalog.by(Actor(kind="account", account="other")).add_numbers("p", [phone(61)])
    day, wrote = await log.wrote("acme")
    yesterday = f"{day - 1} {wrote}"
    bench.server.command("HSET", "rp:{ringpool}:catalog-changes", "wrote/account/acme", yesterday)
    await own.add_numbers("p", [phone(62)])
    assert (await log.wrote("acme"))[1] < size


async def test_changes_are_found_by_what_and_whom(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By entity, account, actor and time; a page may end before it is full."""
    catalog = bench.catalog
    one = catalog.by(Actor(kind="command", user="root"))
    two = catalog.by(Actor(kind="account", account="acme", key="ci"))
    await one.apply(Configuration(accounts=(ACCOUNT, Account(id="other"))))
    await one.apply(a_file(a_pool("p")))
    await two.apply(a_file(a_pool("q")))
    await two.add_numbers("q", ["+18882000001"])
    await one.apply(Configuration(stocks=(Stock(id="p", account="other"),)))

    async def revisions(**wanted: Any) -> list[int]:
        return [change.revision for change in await every_change(catalog, **wanted)]

    assert await revisions() == [1, 2, 3, 4, 5]
    assert await revisions(entity=("pool", "p")) == [2]
    assert await revisions(entity=("pool", "q"), by="ci") == [3, 4]
    assert await revisions(account="other") == [1, 5]
    assert await revisions(account="acme", by="root") == [1, 2]
    assert await revisions(by="account") == [3, 4]
    latest = (await every_change(catalog))[-1]
    clock = await catalog.store_clock()
    assert clock - 60_000 < latest.at <= clock
    assert await revisions(since=latest.at + 1) == []
    monkeypatch.setattr(audit_log, "_READ_AT_ONCE", 1)
    for bound in ("MAX_READ", "MAX_READ_BYTES"):
        with monkeypatch.context() as patched:
            patched.setattr(audit_log, bound, 1)
            assert await catalog.log.page(Wanted(entity=("pool", "p")), 7) == ([], 4)
            assert await revisions(entity=("pool", "p")) == [2]
    assert await catalog.log.one(5) == latest
    assert await catalog.log.one(6) is None
    assert await catalog.log.one(0) is None


async def test_an_account_sees_its_own_and_nobody_elses(bench: Bench) -> None:
    """What is its own, while it is its own; who did it only if it was the account itself."""
    catalog = bench.catalog
    operator = catalog.by(Actor(kind="command", user="root", address="host-1", via="apply"))
    pools = [
        Pool(id=name, account=account, parameters=("m1",), allow_overflow=False)
        for name, account in (("p", "acme"), ("r", "other"))
    ]
    accounts = (ACCOUNT, Account(id="other"))
    await operator.apply(Configuration(accounts=accounts, pools=tuple(pools)))
    own = Actor(kind="account", account="acme", key="ci", address="192.0.2.7")
    await catalog.by(own).add_numbers("p", ["+18882000001"])
    moved = msgspec.structs.replace(pools[0], account="other", name="Theirs now")
    await operator.apply(Configuration(pools=(moved,)))
    await operator.add_numbers("p", ["+18882000002"])

    made, added, gone = await every_change(catalog, viewer="acme")
    assert [(entity.kind, entity.id) for entity in made.entry.entities] == [
        ("account", "acme"),
        ("pool", "p"),
    ]
    assert made.entry.by == Actor(kind="operator")
    assert added.entry.by == own
    (left,) = gone.entry.entities
    assert (left.what, left.fields, left.account) == ("deleted", (), "")
    assert "other" not in repr([made, added, gone])
    assert await catalog.log.one(4, "acme") is None

    _, arrived, more = await every_change(catalog, viewer="other")
    (came,) = arrived.entry.entities
    assert (came.what, came.former) == ("created", "")
    assert {field.field: field.before for field in came.fields} == {"account": None, "name": None}
    assert more.entry.entities[0].added.numbers == ("+18882000002",)
    assert "acme" not in repr([arrived, more])

    # An account of an id that was another's before.
    await operator.delete_account("acme")
    await operator.apply(Configuration(accounts=(Account(id="acme", name="New"),)))
    assert [change.revision for change in await every_change(catalog, viewer="acme")] == [6]
    assert await catalog.log.one(2, "acme") is None
