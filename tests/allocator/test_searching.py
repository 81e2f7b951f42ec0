"""Texts found in every kind of key, and values replaced, on each kind of server."""

from __future__ import annotations

import contextlib

import msgspec
import pytest

from allocator import packed_holders, searching
from allocator.answers import Ask, State
from allocator.keys import pool_key
from allocator.packed_holders import Holder, _packed
from allocator.port import Store
from allocator.searching import Hit, rename_tuple, replace, search
from tests.allocator.pools import make, numbers
from tests.servers.stores import Server


async def found(store: Store, key: str, *texts: bytes) -> list[Hit]:
    return sorted({hit async for page in search(store, key, texts) for hit in page})


async def test_every_kind_of_key(
    valkey_server: Server,
    valkey_store: Store,
    unique: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Page by page, in fields and values; literally, not as a pattern."""
    monkeypatch.setattr(searching, "_ENTRIES_A_PAGE", 7)
    run, store = valkey_server.command, valkey_store
    names = {kind: f"rp:{{{unique}}}:{kind}" for kind in ("hash", "zset", "stream", "list", "text")}
    for n in range(700):
        run("HSET", names["hash"], f"field-{n}", f"value-{n}")
        run("ZADD", names["zset"], n, f"member-{n}")
    for n in range(20):
        run("XADD", names["stream"], f"{n + 1}-1", "e", f"message-{n}.")
        run("RPUSH", names["list"], b"\xff%d." % n)
    run("SET", names["text"], "a.b")
    assert await found(store, names["hash"], b"value-699") == [(b"field-699", b"value-699")]
    assert await found(store, names["hash"], b"field-13", b"none") == [
        (b"field-%d" % n, b"value-%d" % n) for n in (13, *range(130, 140))
    ]
    assert await found(store, names["zset"], b"member-69") == [
        (b"member-%d" % n, b"") for n in (69, *range(690, 700))
    ]
    assert await found(store, names["stream"], b"message-19.") == [(b"20-1", b"message-19.")]
    assert await found(store, names["list"], b"\xff7.") == [(b"", b"\xff7.")]
    assert await found(store, names["text"], b"a.b") == [(b"", b"a.b")]
    assert await found(store, names["text"], b"a%.b", b"a-b") == []
    assert await found(store, f"rp:{{{unique}}}:nothing", b"a") == []


async def test_a_value_that_changed_stays(store: Store, unique: str) -> None:
    """Of a hash and of a list, whose other entries and end stay."""
    pool = await make(store, unique, numbers(1), allow_overflow=False)
    await pool.one("w=one", b'{"x":"1"}')
    for n in range(3):
        pool.now += 1_000
        await pool.one(f"w=refused-{n}")
    clicks, refusals = (pool_key(unique, name) for name in ("clicks", "refusals"))
    (hit,) = await found(store, clicks, b'"x"')
    assert await replace(store, clicks, hit, b"{}")
    assert not await replace(store, clicks, hit, b"{}")
    assert await found(store, clicks, b'"x"') == []
    (hit,) = await found(store, refusals, b"refused-1")
    other = packed_holders.in_refusal(hit.value, lambda _: Holder(b"w=other"))
    assert await replace(store, refusals, hit, other)
    assert not await replace(store, refusals, hit, other)
    kept = [each.tuple for each in (await pool.allocator.refusals(unique, now_ms=pool.now)).entries]
    assert sorted(kept) == ["w=other", "w=refused-0", "w=refused-2"]


async def test_a_number_keeps_its_guarantee_under_another_tuple(store: Store, unique: str) -> None:
    """Nobody else gets it before; who had it is a stranger; nothing disagrees."""
    pool = await make(store, unique, numbers(1), allow_overflow=False)
    first = await pool.one("w=one", b'{"x":"1"}')
    await pool.one("w=one", b'{"x":"2"}')
    assert not await rename_tuple(store, unique, "w=nobody", "w=other")
    assert await rename_tuple(store, unique, "w=one", "w=other")
    assert not await rename_tuple(store, unique, "w=one", "w=other")
    assert (await pool.one("w=one")).state is State.NONE
    touched = await pool.allocator.allocate(
        unique, [Ask("w=one", b'{"x":"3"}', clicks=-2)], now_ms=pool.now
    )
    assert touched[0].state is State.NONE
    pool.now = first.guaranteed_until - 1
    assert (await pool.one("w=one")).state is State.NONE
    holding = await pool.allocator.holder(unique, first.number, now_ms=pool.now)
    assert holding is not None
    assert (holding.tuple, holding.clicks) == ("w=other", 2)
    assert (holding.first_click, holding.last_click) == (b"{}", b"{}")
    pool.now += 1
    await pool.sweep()
    second = await pool.one("w=one")
    assert (second.state, second.number) == (State.RECYCLED, first.number)
    assert await found(store, pool_key(unique, "history"), b'"x"') == []
    assert not await rename_tuple(store, unique, "w=one", "w=one")


def _entry(tuple_: bytes, first: bytes) -> bytes:
    numbers = [msgspec.msgpack.encode(n) for n in (1_700_000_000_000, 1_700_000_010_000, 5, 1, 0)]
    texts = [bytes(_packed(text)) for text in (b"p", tuple_, first, b"", b"us")]
    fields = [*texts[:2], *numbers, *texts[2:]]
    return bytes([0x90 | len(fields)]) + b"".join(fields)


@pytest.mark.parametrize("size", [0, 31, 32, 255, 256, 65_535, 65_536])
def test_all_else_stays_byte_by_byte(size: int) -> None:
    """Whatever becomes of the length, and with bytes that aren't UTF-8."""
    entries = _entry(b"visitor=a", b"\xff" * size), _entry(b"visitor=b", b"{}")
    packed = b"\x00\x02" + b"".join(entries)
    seen: list[Holder] = []

    def change(holder: Holder) -> Holder:
        seen.append(holder)
        return holder

    assert packed_holders.in_history(packed, change) == packed
    assert [holder.tuple for holder in seen] == [b"visitor=a", b"visitor=b"]
    assert (seen[0].since, seen[0].until) == (1_700_000_000_000, 1_700_000_010_000)
    renamed = packed_holders.in_history(
        packed,
        lambda holder: holder._replace(first=holder.first.replace(b"\xff", b"\xfe")),
    )
    assert packed_holders.in_history(renamed, lambda holder: holder) == renamed
    assert renamed.endswith(entries[1])
    assert renamed.count(b"\xfe") == size


@pytest.mark.parametrize("value", [b"\x00\x01", b"\x00\x00", b""])
def test_who_nobody_is(value: bytes) -> None:
    """A number may have a past that nobody knows."""
    assert packed_holders.in_history(value, lambda _: Holder(b"x")) == value


@pytest.mark.parametrize("value", [b"\x00\x02\x91", b"\x00\x01\x01", b"\x00\x01\x92\x01"])
def test_what_cannot_be_read_is_no_other(value: bytes) -> None:
    """It isn't written anew."""
    for read in (
        packed_holders.in_history,
        packed_holders.in_outbox,
        packed_holders.in_call,
        packed_holders.in_refusal,
    ):
        with contextlib.suppress(ValueError):
            assert read(value, lambda holder: holder) == value
