"""The change that undoes another one, if nothing that it altered was altered since."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from ringpool.catalog.audit import Entities, EntityChange
from ringpool.catalog.condition import owner_of
from ringpool.catalog.removal import Removed
from ringpool.config import codec
from ringpool.config.difference import Change, shown_fields
from ringpool.faults import Fault
from ringpool.model import KINDS, Account, Configuration, Entity, Pool, Stock

_NOT_KEPT = frozenset({"key", "former_key", "api_keys", "on_exhausted", "notify", "carriers"})
"""Fields that the log doesn't have: a secret that was replaced may have leaked, and the address of
a webhook may hold one."""

_TOLD_NUMBERS = 5
_TOLD_FAULTS = 100

Reason = Literal["unknown", "forbidden", "changed", "in_use", "not_kept"]


class CannotUndo(Exception):
    """A change isn't undone, and nothing was changed.

    ``reason``: ``unknown``: there is no such change, or the log doesn't have it any more;
    ``forbidden``: it is another's; ``changed``: what it altered was altered since; ``in_use``: what
    it made is needed now; ``not_kept``: the log doesn't have enough of it. ``faults`` name what is
    in the way.
    """

    def __init__(self, reason: Reason, *faults: Fault) -> None:
        told = "; ".join(map(str, faults[:_TOLD_FAULTS]))
        super().__init__(told + ("; and more" if len(faults) > _TOLD_FAULTS else ""))
        self.reason = reason
        self.faults = faults


class Undone(NamedTuple):
    """``revision``: of the new change, 0 for one that was only tried. ``entities``: as the log
    shows it.

    ``left``: fields, such as ``pool/ad-placement.key``, that stay as they are: their former values
    aren't kept, as they are secret.
    """

    revision: int
    changes: list[Change]
    entities: tuple[EntityChange, ...]
    left: list[str]


class Inverse(NamedTuple):
    """What is wanted in the place of what is there. ``left``: as in ``Undone``."""

    wanted: Configuration
    removed: list[Removed]
    left: list[str]


Listed = Callable[[str, str], Awaitable[Sequence[str]]]
"""The numbers in the list of an entity, by its kind and id."""


async def inverse(
    entities: Sequence[EntityChange], present: Entities, listed: Listed, account: str | None
) -> Inverse:
    """Work out the change that undoes one. ``entities``: all of it; ``present``: what is there now.

    ``account``: whose change it is; another's entities are to it as if they weren't there. Raises
    CannotUndo.
    """
    faults: list[Fault] = []
    wanted: list[Entity] = []
    removed: list[Removed] = []
    left: list[str] = []
    for entity in entities:
        name = f"{entity.kind}/{entity.id}"
        now = present.get((entity.kind, entity.id))
        if entity.what == "deleted":
            if now is not None:
                faults.append(Fault(name, "is there again"))
                continue
            values = {field.field: field.before for field in entity.fields}
            wanted.append(_made(name, entity, {"id": entity.id, **_kept(values)}))
        elif now is None or account not in (None, owner_of(now)):
            faults.append(Fault(name, "was removed since"))
            continue
        elif entity.what == "created":
            faults += _differences(name, entity, now)
            removed.append((entity.kind, entity.id))
            continue
        else:
            numbers = await _numbers(name, entity, listed, faults)
            faults += _differences(name, entity, now)
            changed = _with_former_values(name, entity, now, numbers)
            if changed is not None:
                wanted.append(changed)
        left += [f"{name}.{field.field}" for field in entity.fields if field.field in _NOT_KEPT]
    if faults:
        raise CannotUndo("changed", *faults)
    if not (wanted or removed):
        message = "only secrets were changed, and the log doesn't keep those"
        raise CannotUndo("not_kept", *(Fault(field, message) for field in left))
    return Inverse(_configuration(wanted), removed, left)


def _kept(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if name not in _NOT_KEPT}


def _differences(name: str, entity: EntityChange, present: Entity) -> list[Fault]:
    """What was altered since in the fields that a change altered; of one that made it, in all."""
    now = _json(shown_fields(present))
    then = {field.field: field.after for field in entity.fields}
    compared = then.keys() | now.keys() if entity.what == "created" else then.keys()
    return [
        Fault(f"{name}.{field}", "was changed since")
        for field in sorted(compared - _NOT_KEPT)
        if now.get(field) != then.get(field)
    ]


async def _numbers(
    name: str, entity: EntityChange, listed: Listed, faults: list[Fault]
) -> tuple[str, ...] | None:
    """The numbers that the entity is to have again; None if the change left them alone."""
    if not (entity.added.count or entity.removed.count):
        return None
    present = await listed(entity.kind, entity.id)
    known, added = frozenset(present), frozenset(entity.added.numbers)
    gone = [number for number in entity.added.numbers if number not in known]
    back = [number for number in entity.removed.numbers if number in known]
    for numbers, what in ((gone, "removed"), (back, "added")):
        if numbers:
            more = len(numbers) - _TOLD_NUMBERS
            some = ", ".join(numbers[:_TOLD_NUMBERS]) + (f" and {more} more" if more > 0 else "")
            faults.append(Fault(f"{name}.numbers", f"since then {what}: {some}"))
    return (*(number for number in present if number not in added), *entity.removed.numbers)


def _with_former_values(
    name: str, entity: EntityChange, present: Entity, numbers: tuple[str, ...] | None
) -> Entity | None:
    """The entity as it is to be; None where nothing can be restored."""
    former = _kept({field.field: field.before for field in entity.fields})
    if not former and numbers is None:
        return None
    document = msgspec.to_builtins(present, enc_hook=codec.encode_hook)
    document.pop("numbers", None)  # of a static pool
    for field, value in former.items():
        if value is None:
            document.pop(field, None)
        else:
            document[field] = value
    made = _made(name, entity, document)
    if numbers is not None and not isinstance(made, Account):
        made = msgspec.structs.replace(made, numbers=numbers)
    return made


def _made(name: str, entity: EntityChange, document: dict[str, object]) -> Entity:
    try:
        made: Entity = codec.convert(document, KINDS[entity.kind])
    except msgspec.ValidationError as error:  # a release of before wrote it
        raise CannotUndo("not_kept", Fault(name, f"isn't read any more: {error}")) from None
    return made


def _json(values: Mapping[str, object]) -> dict[str, Any]:
    """Plain values as they come back from JSON."""
    return dict(msgspec.json.decode(msgspec.json.encode(values)))


def _configuration(entities: Sequence[Entity]) -> Configuration:
    return Configuration(
        accounts=tuple(entity for entity in entities if isinstance(entity, Account)),
        pools=tuple(entity for entity in entities if isinstance(entity, Pool)),
        stocks=tuple(entity for entity in entities if isinstance(entity, Stock)),
    )
