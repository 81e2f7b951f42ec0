"""Entries of the audit log: who changed what, from where, and how it was before.

An entry is short, so that many can be read at once. What is too long for it (long values, more than
the first numbers) is kept beside it as its details, as far as that has an end: without them a
change can't be undone. Secrets are in neither.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from ringpool.catalog.condition import owner_of
from ringpool.config.difference import Change, FieldChange
from ringpool.model import Entity, Kind

MAX_NUMBERS = 100
"""How many added, and how many removed numbers of an entity an entry names."""

MAX_VALUE = 500
"""Characters of a value, as JSON, that an entry shows."""

MAX_TOLD = 16 * 1024
"""Bytes that the differences in one entry may have; of further entities it has but the names."""

MAX_NAMED = 20_000
"""How many entities an entry names."""

MAX_DETAILS = 1024 * 1024
"""Bytes of details, as they are kept."""

SECRET = frozenset({"key", "former_key", "api_keys", "hash", "secret", "former_secret"}) | {
    "auth_token",
    "former_auth_token",
    "password",
}
"""What is masked wherever it stands in a value."""

MASK = "(secret)"


class Actor(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who makes a change, and from where. An account sees `operator` in the place of others.

    ``account`` and ``key``: whose key it is, and the key's name. ``user``: of the system, who gave
    a command. ``address``: the client's, or the host that a command ran on. ``via``: method and
    path, or the command.
    """

    kind: Literal["administrator", "account", "command", "service", "operator"] = "service"
    account: str = ""
    key: str = ""
    user: str = ""
    address: str = ""
    via: str = ""


SERVICE = Actor()
"""What nobody asked for."""


class CountedNumbers(Struct, frozen=True, omit_defaults=True):
    """How many numbers, and the first of them."""

    count: int = 0
    numbers: tuple[str, ...] = ()


NO_NUMBERS = CountedNumbers()

What = Literal["created", "changed", "deleted"]


class EntityChange(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a change made of one entity.

    ``former``, ``account``: whose it was and is; "" where it wasn't or isn't there. ``fields``:
    those that differ, None at their defaults. ``removed`` numbers drain.
    """

    kind: Kind
    id: str
    what: What
    former: str = ""
    account: str = ""
    fields: tuple[FieldChange, ...] = ()
    added: CountedNumbers = NO_NUMBERS
    removed: CountedNumbers = NO_NUMBERS


class Entry(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One change. ``undoes``: the revision of the one that it undoes.

    ``cut``: something was too long for an entry. ``more``: entities that it doesn't even name.
    """

    by: Actor = SERVICE
    entities: tuple[EntityChange, ...] = ()
    undoes: int = 0
    cut: bool = False
    more: int = 0


class Recorded(NamedTuple):
    """An entry as the log has it. ``at``: when the change came into force, Unix ms."""

    revision: int
    at: int
    entry: Entry


class Written(NamedTuple):
    """An entry as it goes into the store. ``details``: "" where it has none, or too many.

    ``account``: whose key made the change; "": it was another's.
    """

    entry: str
    details: str
    account: str = ""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode
_decode_details = msgspec.json.Decoder(tuple[EntityChange, ...]).decode

_WHAT: Mapping[str, What] = {"add": "created", "change": "changed", "remove": "deleted"}

Entities = Mapping[tuple[Kind, str], Entity]
"""By kind and id."""


def write(
    by: Actor, changes: Iterable[Change], before: Entities, after: Entities, undoes: int = 0
) -> Written:
    """Make the entry on a change. ``before``, ``after``: at least the entities that it changes."""
    whole = tuple(_entity_change(change, before, after) for change in changes)
    entities, cut = _shortened(whole)
    more = max(len(whole) - MAX_NAMED, 0)
    entry = Entry(by=by, entities=entities[:MAX_NAMED], undoes=undoes, cut=cut, more=more)
    # Of numbers a quicker compression makes hardly more.
    details = base64.b64encode(zlib.compress(_encode(whole), 1)).decode("ascii") if cut else ""
    account = by.account if by.kind == "account" else ""
    return Written(_encode(entry).decode(), details if len(details) <= MAX_DETAILS else "", account)


def hashing(by: Actor, accounts: Iterable[Entity]) -> Written:
    """Make the entry on accounts whose API keys were plain texts and are hashed from now on."""
    after: Entities = {("account", account.id): account for account in accounts}
    keys = FieldChange("api_keys", "(plain texts)", "(hashes)")
    changes = [Change(kind=kind, id=name, action="change", fields=(keys,)) for kind, name in after]
    return write(by, changes, after, after)


def shown(changes: Iterable[Change], before: Entities, after: Entities) -> tuple[EntityChange, ...]:
    """Return what an entry on a change would show."""
    return _shortened([_entity_change(change, before, after) for change in changes])[0][:MAX_NAMED]


def read(revision: int, at_ms: int, text: str) -> Recorded:
    """Return an entry as it was made."""
    return Recorded(revision, at_ms, _decode(text))


def read_details(text: str) -> tuple[EntityChange, ...]:
    """Return the whole of what an entry is about."""
    return _decode_details(zlib.decompress(base64.b64decode(text)))


def _entity_change(change: Change, before: Entities, after: Entities) -> EntityChange:
    name = change.kind, change.id
    former, present = before.get(name), after.get(name)
    return EntityChange(
        kind=change.kind,
        id=change.id,
        what=_WHAT[change.action],
        former=owner_of(former) if former and change.action != "add" else "",
        account=owner_of(present) if present and change.action != "remove" else "",
        fields=tuple(
            FieldChange(field.field, masked(field.before), masked(field.after))
            for field in change.fields
        ),
        added=_counted(change.added),
        removed=_counted(change.drained),
    )


def _counted(numbers: tuple[str, ...]) -> CountedNumbers:
    return CountedNumbers(len(numbers), numbers) if numbers else NO_NUMBERS


def masked(value: object) -> object:
    """Return a plain value without the secrets in it. Fields that are secret are masked before."""
    if isinstance(value, dict):
        return {name: _masked_field(name, item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return value


def _masked_field(name: str, value: object) -> object:
    if value is not None and name in SECRET:
        return MASK
    if name == "webhook" and isinstance(value, str):  # who knows its path may post there
        parts = urlsplit(value)
        return f"{parts.scheme}://{parts.hostname}/{MASK}"
    return masked(value)


def _shortened(whole: Sequence[EntityChange]) -> tuple[tuple[EntityChange, ...], bool]:
    """Return what an entry shows of changes, and whether that is less than the whole."""
    shown: list[EntityChange] = []
    left = MAX_TOLD
    for entity in whole:
        short = msgspec.structs.replace(
            entity,
            fields=tuple(map(_short_field, entity.fields)),
            added=_first(entity.added, MAX_NUMBERS),
            removed=_first(entity.removed, MAX_NUMBERS),
        )
        if left > 0:
            left -= len(_encode(short))
        if left < 0:
            short = msgspec.structs.replace(
                entity,
                fields=(),
                added=_first(entity.added, 0),
                removed=_first(entity.removed, 0),
            )
        shown.append(short)
    return tuple(shown), len(shown) > MAX_NAMED or tuple(shown) != tuple(whole)


def _first(numbers: CountedNumbers, most: int) -> CountedNumbers:
    return (
        numbers if numbers.count <= most else CountedNumbers(numbers.count, numbers.numbers[:most])
    )


def _short_field(field: FieldChange) -> FieldChange:
    return FieldChange(field.field, _short(field.before), _short(field.after))


def _short(value: object) -> object:
    text = value if isinstance(value, str) else _encode(value).decode()
    return value if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
