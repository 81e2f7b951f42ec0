"""A stock that is read after its pools is made to agree with them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from allocator.copying import Copied
from allocator.keys import is_sorted, pool_keys, stock_keys
from allocator.placing import Lent, Torn

pack, unpack = msgspec.msgpack.encode, msgspec.msgpack.decode


def copied(keys: tuple[str, ...], **values: dict[str, Any]) -> list[Copied]:
    found = []
    for key in keys:
        kind = "zset" if is_sorted(key) else "hash"
        pairs = values.get(key.rpartition(":")[2], {})
        flat = [
            part
            for name, value in pairs.items()
            for part in (name.encode(), str(value).encode() if kind == "zset" else pack(value))
        ]
        found.append(Copied(key, kind, flat))
    return found


def pool(name: str, *lent: tuple[str, int]) -> list[Copied]:
    records = {number: ["", *[0] * 8, f"s@{loan}"] for number, loan in lent}
    return copied(pool_keys(name), numbers=records)


def stock(**values: dict[str, Any]) -> list[Copied]:
    return copied(stock_keys("s"), **values)


def fields(copy: list[Copied], name: str) -> dict[str, Any]:
    (one,) = [one for one in copy if one.key.endswith(f":{name}")]
    pairs = zip(one.values[::2], one.values[1::2], strict=True)
    return {key.decode(): value if one.kind == "zset" else unpack(value) for key, value in pairs}


def test_what_came_back_meanwhile_is_lent_again() -> None:
    """The pool's copy has it: nobody else gets it, by neither of the stock's indexes."""
    lent = Lent()
    lent.note("p", pool("p", ("+1", 7)))
    shelf = f"+1212:{900:011x}+1"
    late = stock(
        numbers={"+1": ["", 800, 0, "+1212"], "+2": ["", 1, 0, ""]},
        available={"+1": 900, "+2": 1},
        shelves={shelf: 0},
    )
    agreed = lent.agreeing("s", stock(), late)
    assert fields(agreed, "numbers") == {"+1": ["p", 7, 0, "+1212"], "+2": ["", 1, 0, ""]}
    assert fields(agreed, "available") == {"+2": b"1"}
    assert fields(agreed, "shelves") == {}


def test_what_went_out_meanwhile_is_on_its_way() -> None:
    """The pool's copy doesn't have it yet; its former holders are as they were in the stock."""
    lent = Lent()
    lent.note("p", pool("p"))
    agreed = lent.agreeing("s", stock(history={"+1": "held"}), stock(numbers={"+1": ["p", 7, 0]}))
    assert fields(agreed, "moving") == {"+1": ["p", 7]}
    assert fields(agreed, "history") == {"+1": "held"}


def test_what_waits_to_be_handed_on_stays_there() -> None:
    lent = Lent()
    lent.note("p", copied(pool_keys("p"), outbox={"+1": ["s@7", 1, "", 0]}))
    agreed = lent.agreeing("s", stock(), stock(numbers={"+1": ["p", 7, 0]}))
    assert fields(agreed, "moving") == {}


def test_one_in_two_pools_or_in_no_stock_is_read_again() -> None:
    lent = Lent()
    lent.note("p", pool("p", ("+1", 7)))
    with pytest.raises(Torn):
        lent.note("q", pool("q", ("+1", 8)))
    with pytest.raises(Torn):
        lent.agreeing("s", stock(), stock())
