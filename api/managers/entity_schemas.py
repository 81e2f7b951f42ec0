"""Accounts, pools and stocks as JSON writes them: types for ``/openapi.json`` alone.

They are made of the model's structs, with durations as text. Bodies are checked by
``ringpool.config.codec``, which names every fault; these types describe what it accepts.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, get_args

import msgspec
from msgspec import UNSET, Meta, Struct

from ringpool.model import Activity, Notified, Notify
from ringpool.patterns import whole
from ringpool.times import Duration

_DURATION = Annotated[str, Meta(pattern=whole("[0-9]{1,9}[smhdwy]"))]


@cache
def shown(kind: type[Struct]) -> type[Struct]:
    """The entity in answers, and the body that creates one."""
    return _struct(kind, kind.__name__, (_field(field) for field in msgspec.structs.fields(kind)))


@cache
def put_body(kind: type[Struct]) -> type[Struct]:
    """The body of PUT: the id may be left out, as the URL names it."""
    fields = msgspec.structs.fields(kind)
    written = ((f.name, f.type, UNSET) if f.name == "id" else _field(f) for f in fields)
    return _struct(kind, f"Put{kind.__name__}", written)


@cache
def patch_body(kind: type[Struct]) -> type[Struct]:
    """The body of PATCH: every field may be left out, and null removes what isn't required."""
    fields = msgspec.structs.fields(kind)
    written = ((f.name, _written(f) if f.required else _written(f) | None, UNSET) for f in fields)
    return _struct(kind, f"Patch{kind.__name__}", written)


def _struct(kind: type[Struct], name: str, fields: Iterable[Any]) -> type[Struct]:
    return msgspec.defstruct(
        name,
        list(fields),
        namespace={"__doc__": kind.__doc__},
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )


def _written(field: msgspec.structs.FieldInfo) -> Any:
    if field.type == Notified:
        entry: Any = shown(Notify)
        return Annotated[tuple[entry, ...], get_args(Notified)[1]]
    if field.type is Activity:
        return shown(Activity)
    if field.type == Duration | None:
        return _DURATION | None
    return _DURATION if field.type is Duration else field.type


def _field(field: msgspec.structs.FieldInfo) -> tuple[Any, ...]:
    if field.required:
        return field.name, _written(field)
    default = str(field.default) if isinstance(field.default, Duration) else field.default
    return field.name, _written(field), shown(Activity)() if field.type is Activity else default
