"""Who held numbers, as packed values of the store have it: read, and written with others in place.

All else in such a value stays as it is, byte by byte. Functions raise ValueError for a value that
can't be read.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from msgspec import Raw

from allocator.replies import string_bytes

_TUPLE, _SINCE, _UNTIL, _FIRST, _LAST = (
    1,
    2,
    3,
    7,
    8,
)  # of an entry of a history (lua/include/history.lua)
_CALL_HOLDER = 2  # of what is kept of a call (lua/pool/call.lua)
_OUTBOX_HISTORY = 2  # of a number that left (lua/include/pool_keys.lua)
_REFUSED = 1  # of what was refused (lua/include/pool_refusals.lua)

_array = msgspec.msgpack.Decoder(list[Raw]).decode
_arrays = msgspec.msgpack.Decoder(list[list[Raw]]).decode
_number = msgspec.msgpack.Decoder(int | float).decode
_encode = msgspec.msgpack.Encoder().encode


class Holder(NamedTuple):
    """A tuple, and the attributes (JSON) of its first and last click; b"": none.

    ``since`` and ``until`` (Unix ms, 0: unknown): when it held; these can't be changed.
    """

    tuple: bytes
    first: bytes = b""
    last: bytes = b""
    since: int = 0
    until: int = 0


Change = Callable[[Holder], Holder]


def in_history(value: bytes, change: Change) -> bytes:
    """Change the former holders of a number. ``value``: as HISTORY has it."""
    if len(value) <= 2:
        return value
    (count,) = struct.unpack_from(">H", value)
    entries = _arrays(b"\xdd" + struct.pack(">I", count) + value[2:])
    return value[:2] + b"".join(_encode(_changed(entry, change)) for entry in entries)


def in_outbox(value: bytes, change: Change) -> bytes:
    """Change the former holders of a number that left. ``value``: as OUTBOX has it."""
    entry = _array(value)
    history = string_bytes(entry[_OUTBOX_HISTORY])
    entry[_OUTBOX_HISTORY] = _packed(in_history(history, change))
    return _encode(entry)


def in_call(value: bytes, change: Change) -> bytes:
    """Change who is credited with a call. ``value``: as CALLS has it."""
    kept = _array(value)
    holder = bytes(kept[_CALL_HOLDER])
    if holder[0] != 0x80:  # an empty table: nobody
        kept[_CALL_HOLDER] = Raw(_encode(_changed(_array(holder), change)))
    return _encode(kept)


def in_refusal(value: bytes, change: Change) -> bytes:
    """Change who was refused; there are no clicks. ``value``: as REFUSALS has it."""
    entry = _array(value)
    entry[_REFUSED] = _packed(change(Holder(string_bytes(entry[_REFUSED]))).tuple)
    return _encode(entry)


def _changed(entry: list[Raw], change: Change) -> list[Raw]:
    if len(entry) <= _LAST:
        return entry
    before = Holder(
        tuple=string_bytes(entry[_TUPLE]),
        first=string_bytes(entry[_FIRST]),
        last=string_bytes(entry[_LAST]),
        since=int(_number(entry[_SINCE])),
        until=int(_number(entry[_UNTIL])),
    )
    after = change(before)
    if after != before:
        for place, text in zip((_TUPLE, _FIRST, _LAST), after[:3], strict=True):
            entry[place] = _packed(text)
    return entry


def _packed(text: bytes) -> Raw:
    """A string as Lua packs it: bytes needn't be UTF-8, and it knows no other kind."""
    size = len(text)
    if size < 32:
        return Raw(bytes([0xA0 | size]) + text)
    if size < 256:
        return Raw(struct.pack(">BB", 0xD9, size) + text)
    if size < 65536:
        return Raw(struct.pack(">BH", 0xDA, size) + text)
    return Raw(struct.pack(">BI", 0xDB, size) + text)
