"""A change is undone by another one: checked as any, and only while nothing came in between."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress

import msgspec
import pytest
from msgspec import UNSET

from allocator.answers import Ask, State
from ringpool.catalog import audit
from ringpool.catalog.audit import Actor
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.store import Owner
from ringpool.catalog.undo import CannotUndo, Undone
from ringpool.faults import Fault, Faults, OverQuota
from ringpool.model import Account, Configuration, Entity, Pool, Quota, Stock
from ringpool.times import Duration
from tests.ringpool.catalog.test_audit import SECRET, a_change, every_change, plain
from tests.ringpool.catalog.test_catalog import ACCOUNT, a_file, a_pool
from tests.ringpool.conftest import Bench

Phone = Callable[[int], str]


async def refused(catalog: Catalog, revision: int, account: str | None = None) -> tuple[str, str]:
    """Why a change can't be undone, having seen that nothing was changed."""
    before = await catalog.revision()
    for dry_run in (True, False):
        with pytest.raises(CannotUndo) as raised:
            await catalog.undo(revision, account=account, dry_run=dry_run)
    assert await catalog.revision() == before
    return raised.value.reason, str(raised.value)


async def undone(catalog: Catalog, revision: int) -> Undone:
    """Undo a change; what was made first was what a dry run tells."""
    before = await catalog.revision()
    told = await catalog.undo(revision, dry_run=True)
    assert await catalog.revision() == before
    made = await catalog.undo(revision)
    assert made._replace(revision=0) == told
    assert made.revision == before + 1
    return made


async def without_keys(catalog: Catalog) -> dict[tuple[str, str], object]:
    """What there is, but for what can't be brought back."""
    return {
        name: ({field: fields[field] for field in fields if "key" not in field}, numbers)
        for name, (fields, numbers) in plain(await catalog.read()).items()
    }


async def take_back(catalog: Catalog, revision: int) -> None:
    """Undo a change, whatever it was; what it made is emptied first."""
    try:
        await catalog.undo(revision)
    except CannotUndo as error:
        if error.reason == "not_kept":
            return
        if error.reason != "in_use":
            raise
        known = await catalog.read()
        made = {fault.message.partition(" ")[0] for fault in error.faults}
        emptied = [
            msgspec.structs.replace(entity, numbers=())
            for entity in (*known.pools, *known.stocks)
            if entity.id in made
        ]
        await catalog.apply(a_file(*emptied))
        await take_back(catalog, revision)


@pytest.mark.parametrize("seed", range(2))
async def test_everything_can_be_undone_and_that_too(bench: Bench, phone: Phone, seed: int) -> None:
    """Random changes, undone one after the other down to nothing, and these undone in turn: each
    time there is what was there before, but for keys."""
    chance, catalog = random.Random(seed), bench.catalog
    states = {0: await without_keys(catalog)}
    while len(states) < 15:
        with suppress(CannotUndo, Fault, Faults):
            await a_change(chance, phone)(catalog)
        states[await catalog.revision()] = await without_keys(catalog)
    last = await catalog.revision()
    for revision in range(last, 0, -1):
        await take_back(catalog, revision)
        states[await catalog.revision()] = await without_keys(catalog)
        assert await without_keys(catalog) == states[revision - 1]
    changes = await every_change(catalog)
    for change in reversed(changes[last:]):
        await take_back(catalog, change.revision)
        if change.revision - 1 in states:  # else a pool was emptied first
            assert await without_keys(catalog) == states[change.revision - 1]
    assert await without_keys(catalog) == states[last]


async def test_an_undo_says_what_it_undoes(bench: Bench, phone: Phone) -> None:
    """It is a change of its own, of who made it; undone twice it would undo itself."""
    catalog = bench.catalog
    await catalog.apply(a_file(a_pool("p", [phone(1), phone(2)])))
    await catalog.apply(a_file(a_pool("p", [phone(2), phone(3)], name="New")))
    actor = Actor(kind="command", user="root")
    made = await undone(catalog.by(actor), 2)
    assert (await catalog.read_pool("p")).numbers == (phone(2), phone(1))
    assert await catalog.owner(phone(3)) is None
    recorded = await catalog.log.one(made.revision)
    assert recorded is not None
    assert (recorded.entry.undoes, recorded.entry.by) == (2, actor)
    assert await refused(catalog, 2) == (
        "changed",
        f"pool/p.numbers: since then removed: {phone(3)}; pool/p.numbers: since then added: "
        f"{phone(1)}; pool/p.name: was changed since",
    )
    await undone(catalog, 3)
    assert (await catalog.read_pool("p")).numbers == (phone(2), phone(3))
    assert await refused(catalog, 99) == ("unknown", "revision: the log has no change 99")


async def test_only_what_a_change_altered_is_looked_at(bench: Bench) -> None:
    """Other fields may have been changed since, and stay; its own may not."""
    catalog = bench.catalog
    await catalog.apply(a_file(a_pool("p")))
    await catalog.apply(a_file(a_pool("p", min_duration=Duration(1000))))
    await catalog.apply(a_file(a_pool("p", min_duration=Duration(1000), name="Since")))
    await undone(catalog, 2)
    pool = await catalog.read_pool("p")
    assert (pool.name, pool.min_duration) == ("Since", Duration(600_000))
    assert await refused(catalog, 1) == ("changed", "pool/p.name: was changed since")
    await catalog.delete_pool("p")
    assert await refused(catalog, 3) == ("changed", "pool/p: was removed since")
    await catalog.apply(a_file(a_pool("p")))
    assert await refused(catalog, 5) == ("changed", "pool/p: is there again")


async def test_a_number_that_drains_comes_back_to_its_tuple(bench: Bench, phone: Phone) -> None:
    """Its promise was never broken; one that has gone to another owner stays there."""
    catalog = bench.catalog
    await catalog.apply(a_file(a_pool("p", [phone(1), phone(2)]), a_pool("q")))
    (answer,) = await bench.allocator.allocate("p", [Ask("m1=x")])
    free = phone(1) if answer.number == phone(2) else phone(2)
    await catalog.remove_numbers("p", [phone(1), phone(2)])
    await catalog.add_numbers("q", [free])
    with pytest.raises(Faults, match=rf"^pool/p\.numbers\[\d\]: .{free[1:]} belongs to pool q"):
        await catalog.undo(2)
    assert await catalog.owner(answer.number) == Owner("pool", "p", leaving=True)
    await catalog.remove_numbers("q", [free])
    await undone(catalog, 2)
    (again,) = await bench.allocator.allocate("p", [Ask("m1=x")])
    assert (again.state, again.number) == (State.HELD, answer.number)
    assert (await bench.allocator.status("p")).draining == 0
    # Undone, an addition drains: who has the number keeps it.
    assert await refused(catalog, 1) == (
        "in_use",
        "pool: p still has numbers: remove them, and wait until they have drained",
    )
    await undone(catalog, 5)
    assert await catalog.owner(answer.number) == Owner("pool", "p", leaving=True)


async def test_keys_are_not_brought_back(bench: Bench) -> None:
    """A removed pool gets a new key, an account none; a change of nothing else isn't undone."""
    catalog = bench.catalog
    account = Account(id="acme", api_keys=(f"{SECRET}-1",))
    await catalog.apply(Configuration(accounts=(account,), pools=(a_pool("p", key="k" * 16),)))
    await catalog.apply(Configuration(pools=(a_pool("p", key="l" * 16),)))
    reason, message = await refused(catalog, 2)
    assert reason == "not_kept"
    assert message == "pool/p.key: only secrets were changed, and the log doesn't keep those"
    await catalog.apply(Configuration(pools=(a_pool("p", key="m" * 16, name="New"),)))
    assert (await undone(catalog, 3)).left == ["pool/p.key"]
    pool = await catalog.read_pool("p")
    assert (pool.key, pool.name) == ("m" * 16, "")
    await catalog.delete_pool("p")
    await catalog.delete_account("acme")
    assert (await undone(catalog, 6)).left == ["account/acme.api_keys"]
    await undone(catalog, 5)
    assert (await catalog.read_pool("p")).key not in ("k" * 16, "l" * 16, "m" * 16, UNSET)
    assert SECRET not in repr((await catalog.read()).accounts)


async def test_a_long_change_is_undone_from_its_details(
    bench: Bench, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All its numbers, not just those that the log shows; none where they aren't kept."""
    catalog, many = bench.catalog, [phone(index) for index in range(2500)]
    await catalog.apply(a_file(a_pool("p", many, name="n" * 150, key="k" * 16)))
    await catalog.apply(a_file(a_pool("p", name="m" * 150, key="k" * 16)))
    made = await undone(catalog, 2)
    assert len(made.changes[0].added) == 2500
    assert set((await catalog.read_pool("p")).numbers) == {*many}
    monkeypatch.setattr(audit, "MAX_DETAILS", 1000)
    await catalog.remove_numbers("p", many)
    reason, message = await refused(catalog, 4)
    assert reason == "not_kept"
    assert "too long" in message


async def test_an_undo_is_checked_as_any_change(bench: Bench, phone: Phone) -> None:
    """Against quotas, and what else there is by now; what it made goes only if nothing needs it."""
    catalog = bench.catalog
    await catalog.apply(a_file(a_pool("p", [phone(1), phone(2)])))
    await catalog.remove_numbers("p", [phone(1)])
    quota = Quota(numbers=1)
    await catalog.apply(Configuration(accounts=(Account(id="acme", quota=quota),)))
    with pytest.raises(OverQuota):
        await catalog.undo(2)
    await undone(catalog, 3)
    await catalog.apply(a_file(Stock(id="s", account="acme")))
    await catalog.apply(a_file(a_pool("q", stock="s"), a_pool("r", stock="s")))
    assert await refused(catalog, 5) == ("in_use", "stock: pool q grows from s")
    await undone(catalog, 6)  # two pools at once
    assert [pool.id for pool in (await catalog.read()).pools] == ["p"]
    await undone(catalog, 5)
    assert await refused(catalog, 6) == (
        "changed",
        "pool/q: was removed since; pool/r: was removed since",
    )
    with pytest.raises(Faults, match=r"^pool/q\.stock: there is no stock s"):
        await catalog.undo(7)  # the undo of the pools' making


async def test_an_account_undoes_its_own_changes_only(bench: Bench, phone: Phone) -> None:
    """Not the operator's, nor those that it doesn't see; and nothing that it may not write."""
    catalog = bench.catalog
    own = catalog.by(Actor(kind="account", account="acme"))
    await catalog.apply(a_file(a_pool("p", [phone(1)])))
    await own.add_numbers("p", [phone(2)])
    assert await refused(catalog, 1, "acme") == (
        "forbidden",
        "revision: this change is the operator's",
    )
    assert (await refused(catalog, 2, "other"))[0] == "unknown"

    def never(_wanted: Entity, _present: Entity | None) -> None:
        raise PermissionError

    with pytest.raises(PermissionError):
        await catalog.undo(2, account="acme", permit=never)
    assert (await own.undo(2, account="acme")).revision == 3
    await own.remove_numbers("p", [phone(1)])
    accounts = (ACCOUNT, Account(id="other"))
    pool = Pool(id="p", account="other", parameters=("m1",), allow_overflow=False)
    await catalog.apply(Configuration(accounts=accounts, pools=(pool,)))
    assert await refused(catalog, 4, "acme") == ("changed", "pool/p: was removed since")
