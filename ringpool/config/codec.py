"""Entities from and to plain values: one pair of hooks, and every fault of a value with its path.

``msgspec`` stops at the first thing that is wrong. ``faults`` goes into each struct and each list,
so that one run reports everything.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from ringpool.faults import Fault
from ringpool.model import (
    AREA_PATTERN,
    CARRIER_SECRET_PATTERN,
    COUNTRY_PATTERN,
    HASH_PATTERN,
    ID_PATTERN,
    KEY_PATTERN,
    LOGIN_PATTERN,
    MAIL_ADDRESS_PATTERN,
    PACE_PATTERN,
    PUBLIC_KEY_PATTERN,
    SHRINK_PATTERN,
)
from ringpool.pace import WORDS
from ringpool.patterns import CURRENCY_PATTERN, NO_CONTROL_PATTERN
from ringpool.times import Duration

T = TypeVar("T")

_PATTERNS = {
    ID_PATTERN: "expected an id: a-z, 0-9 and -, 63 characters at most",
    KEY_PATTERN: "expected a key: 16 to 128 of A-Z, a-z, 0-9, _ and -",
    CARRIER_SECRET_PATTERN: "expected 16 to 256 printable ASCII characters without spaces",
    LOGIN_PATTERN: "expected 1 to 128 printable ASCII characters without spaces and colons",
    PUBLIC_KEY_PATTERN: "expected 32 bytes in base64",
    HASH_PATTERN: "expected a key's hash: sha256: and 64 of 0-9 and a-f",
    COUNTRY_PATTERN: "expected a country's two letters such as US, or 001 for none",
    AREA_PATTERN: "expected 1 to 5 digits such as 212",
    PACE_PATTERN: "expected a share and a span such as 10% / 5m",
    SHRINK_PATTERN: f"expected one of {', '.join(WORDS)}, or a share and a span such as 10% / 1d",
    CURRENCY_PATTERN: "expected a currency's three letters such as USD",
    NO_CONTROL_PATTERN: "expected text without control characters",
    MAIL_ADDRESS_PATTERN: "expected one e-mail address, such as ops@example.com",
}
_SECRET = {KEY_PATTERN, HASH_PATTERN, CARRIER_SECRET_PATTERN}
"""What was to be a secret is repeated nowhere, wrong as it is."""


def decode_hook(kind: type, value: object) -> object:
    """``dec_hook`` for msgspec: a Duration from its text."""
    if kind is Duration:
        if not isinstance(value, str):
            raise ValueError("expected a duration such as 10m")
        return Duration.parse(value)
    raise NotImplementedError(kind)


def encode_hook(value: object) -> object:
    """``enc_hook`` for msgspec: a Duration as its text."""
    if isinstance(value, Duration):
        return str(value)
    raise NotImplementedError(type(value))


def convert(value: object, kind: type[T]) -> T:
    """Make a struct of plain values; raises msgspec.ValidationError at the first fault."""
    return msgspec.convert(value, kind, dec_hook=decode_hook)


def convert_partly(value: Mapping[str, object], kind: type[T]) -> T:
    """Make a struct of those of its fields that are right; text that is needed is "" elsewhere."""
    right: dict[str, object] = {}
    for field in msgspec.structs.fields(kind):  # type: ignore[arg-type]
        try:
            if field.name in value:
                right[field.name] = convert(value[field.name], field.type)
        except msgspec.ValidationError:
            pass
        if field.required:
            right.setdefault(field.name, "")
    return kind(**right)


def faults(value: object, kind: Any, path: str) -> Iterator[Fault]:
    """Yield everything that keeps ``value`` from being a ``kind``; nothing when it is one.

    There may be millions: take as many as are wanted.
    """
    try:
        msgspec.convert(value, kind, dec_hook=decode_hook)
    except msgspec.ValidationError as error:
        bare = _bare(kind, value)
        found = False
        for fault in _inner_faults(value, bare, path):
            found = True
            yield fault
        if not found:
            yield Fault(path, _message(value, bare, str(error)))


@cache
def defaults(kind: type[msgspec.Struct]) -> list[tuple[str, object]]:
    """Return the fields of a struct with their defaults, which msgspec finds out anew each time."""
    return [(field.name, field.default) for field in msgspec.structs.fields(kind)]


def key_text(key: str) -> str:
    """Return a key as paths show it: in quotes and on one line unless it is a plain name."""
    plain = key.replace("-", "_").replace(".", "_")
    return key if key.isascii() and plain.isidentifier() else repr(key)


def _inner_faults(value: object, kind: Any, path: str) -> Iterator[Fault]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        fields = {field.name: field for field in msgspec.structs.fields(kind)}
        for name, item in value.items():
            where = f"{path}.{key_text(name)}" if path else key_text(name)
            if name in fields:
                yield from faults(item, fields[name].type, where)
            else:
                yield Fault(where, f"unknown key; known are {', '.join(fields)}")
        for name, field in fields.items():
            if field.required and name not in value:
                yield Fault(f"{path}.{name}" if path else name, "missing")
    elif get_origin(kind) is tuple and isinstance(value, list):
        for index, item in enumerate(value):
            yield from faults(item, get_args(kind)[0], f"{path}[{index}]")
    elif get_origin(kind) is dict and isinstance(value, dict):
        for name, item in value.items():
            yield from faults(item, get_args(kind)[1], f"{path}.{key_text(name)}")


def _bare(kind: Any, value: object) -> Any:
    """Return the type that ``value`` should have, without constraints and alternatives.

    Of several types it is the one that is written as the value is: keys, list or scalar; else the
    first.
    """
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0], value)
    if get_origin(kind) in (Union, types.UnionType):
        arms = [
            _bare(arm, value)
            for arm in get_args(kind)
            if arm not in (type(None), msgspec.UnsetType)
        ]
        return next((arm for arm in arms if _is_written_as(arm, value)), arms[0])
    return kind


def _is_written_as(kind: Any, value: object) -> bool:
    if isinstance(value, dict):
        return _has_keys(kind)
    return isinstance(value, list) and get_origin(kind) is tuple


def _has_keys(kind: Any) -> bool:
    return get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, msgspec.Struct))


def _message(value: object, kind: Any, error_text: str) -> str:
    """Describe what was expected in terms of the file, not of msgspec."""
    text = isinstance(kind, type) and issubclass(kind, str)
    if text and isinstance(value, bool | int | float):
        return f"expected text, got {value!r}: put it in quotes"
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return f"{value!r} is none of {', '.join(member.value for member in kind)}"
    if get_origin(kind) is Literal:
        return f"{value!r} is none of {', '.join(map(str, get_args(kind)))}"
    if _has_keys(kind) and not isinstance(value, dict):
        return "expected keys and values"
    if get_origin(kind) is tuple and not isinstance(value, list):
        return "expected a list"
    for pattern, words in _PATTERNS.items():
        if repr(pattern) in error_text:
            return words if pattern in _SECRET else f"{words}, got {value!r}"
    plain = error_text.split(" - at `$", 1)[0].replace("`", "").replace(" | null", "")
    return plain[:1].lower() + plain[1:]
