"""Numbers that moved while pools and stocks were read are in one place."""

from __future__ import annotations

from typing import Any

import msgspec

from allocator.copying import Row
from allocator.settling import Settling

pack, unpack = msgspec.msgpack.encode, msgspec.msgpack.decode


def in_pool(number: str, loan: str = "", *, leaving: int = 0) -> Row:
    record = ["t", 1, 2, 1, 0, 0, 1, leaving, 0, loan]
    return [number.encode(), pack(record), b"", b"", b"", b""]


def in_stock(number: str, pool: str = "", since: int = 0, moving: bytes = b"") -> Row:
    return [number.encode(), pack([pool, since, 0]), b"" if pool else b"1", moving, b"held"]


def left(number: str, loan: str, handed_on: int = 0) -> Row:
    return [number.encode(), pack([loan, 1, "", handed_on])]


def settled(*stock: Row, outbox: tuple[Row, ...] = (), leaving: tuple[bytes, ...] = ()) -> Settling:
    settling = Settling()
    for row in outbox:
        settling.note_outbox("p", row)
    for row in stock:
        settling.note_stock("s", row)
    settling.note_leaving(leaving)
    return settling


def test_what_is_lent_is_in_its_pool() -> None:
    row = in_stock("+1", "p", 7)
    settling = settled(row)
    assert settling.in_pool("p", in_pool("+1", "s@7"))
    assert settling.stock_row("s", row) == row


def test_what_came_back_meanwhile_is_in_the_stock() -> None:
    """Nobody was promised it any more when it left the pool; another loan of it is elsewhere."""
    assert not settled(in_stock("+1")).in_pool("p", in_pool("+1", "s@7"))
    again = settled(in_stock("+1", "q", 8))
    assert not again.in_pool("p", in_pool("+1", "s@7"))
    assert again.in_pool("q", in_pool("+1", "s@8"))


def test_what_went_out_meanwhile_is_on_its_way() -> None:
    """Whoever finishes moves brings it in, with its former holders."""
    row = in_stock("+1", "p", 7)
    found: list[Any] = settled(row).stock_row("s", row)
    assert unpack(found[3]) == ["p", 7]
    assert found[4] == b"held"


def test_what_waits_to_be_handed_on_is_there_alone() -> None:
    """Not in the pool, from which it was read before, and not on its way."""
    row = in_stock("+1", "p", 7)
    settling = settled(row, outbox=(left("+1", "s@7"),))
    assert not settling.in_pool("p", in_pool("+1", "s@7"))
    assert settling.stock_row("s", row) == row


def test_an_earlier_stay_has_no_bearing() -> None:
    """It left the pool, was handed on, and was lent to the same pool again."""
    row = in_stock("+1", "p", 9)
    for handed_on in (0, 1):
        settling = settled(row, outbox=(left("+1", "s@7", handed_on),))
        assert unpack(settling.stock_row("s", row)[3]) == ["p", 9]
        assert settling.in_pool("p", in_pool("+1", "s@9"))


def test_what_has_no_owner_any_more_is_nowhere() -> None:
    """It drained: the catalog, which was read last, has its former holders."""
    gone, leaving = in_pool("+1", leaving=1), (b"+1",)
    assert settled(leaving=leaving).in_pool("p", gone)
    assert not settled().in_pool("p", gone)
    assert settled().in_pool("p", in_pool("+1"))
    lent = in_pool("+1", "s@7", leaving=1)
    assert settled(leaving=leaving).in_pool("p", lent)
    assert not settled().in_pool("p", lent)
