"""What applying a configuration would change, for people and for programs."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct

from ringpool.config.codec import defaults, encode_hook
from ringpool.model import Configuration, Entity, Kind, Numbers, Pool, Stock
from ringpool.security.api_keys import fingerprint

_ORDER: tuple[Kind, ...] = ("account", "stock", "pool")
"""A stock comes before the pools that grow from it."""

_SECRET = frozenset({"key", "former_key"})
_INNER_SECRETS = frozenset(
    {"secret", "former_secret", "auth_token", "former_auth_token", "password"}
)
"""Of webhooks and carriers."""

_MAX_SHOWN_NUMBERS = 5
_SIGNS = {"add": "+", "change": "~", "remove": "-"}


class FieldChange(Struct, frozen=True):
    """One field as plain values before and after; None where it is at its default."""

    field: str
    before: Any
    after: Any


class Change(Struct, frozen=True, kw_only=True):
    """One entity that is added, changed or removed. ``drained`` numbers leave it."""

    kind: Kind
    id: str
    action: Literal["add", "change", "remove"]
    fields: tuple[FieldChange, ...] = ()
    added: tuple[str, ...] = ()
    drained: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return it for people: ``~ pool ad-placement``, then an indented line a difference."""
        lines = [f"{_SIGNS[self.action]} {self.kind} {self.id}"]
        for change in self.fields:
            after = "(default)" if change.after is None else change.after
            if self.action == "add":
                lines.append(f"    {change.field}: {_text(after)}")
            else:
                before = "(default)" if change.before is None else change.before
                lines.append(f"    {change.field}: {_text(before)} -> {_text(after)}")
        if self.added:
            lines.append(f"    + {_count_and_some(self.added)}")
        if self.drained:
            lines.append(f"    - {_count_and_some(self.drained)}, each once its guarantee is over")
        return lines


def difference(current: Configuration, wanted: Configuration) -> list[Change]:
    """Return what ``wanted`` adds to ``current`` or changes in it; what it doesn't name stays.

    A pool without a key keeps its key, a pool or stock without numbers keeps its numbers.
    """
    changes: list[Change] = []
    for kind in _ORDER:
        section = f"{kind}s"
        before: dict[str, Entity] = {entity.id: entity for entity in getattr(current, section)}
        for entity in getattr(wanted, section):
            change = _change(kind, before.get(entity.id), entity)
            if change is not None:
                changes.append(change)
    return changes


def removal(kind: Kind, entity: Entity) -> Change:
    """Return what the removal of an entity changes. It has no numbers by then."""
    fields = tuple(FieldChange(name, value, None) for name, value in shown_fields(entity).items())
    return Change(kind=kind, id=entity.id, action="remove", fields=fields)


def shown_fields(entity: Entity) -> dict[str, object]:
    """Return an entity's fields that aren't at their defaults as ``FieldChange`` has them."""
    plain = _plain(entity)
    return {name: _shown(name, value) for name, value in plain.items() if name != "id"}


def _change(kind: Kind, before: Entity | None, after: Entity) -> Change | None:
    old, new = _plain(before), _plain(after)
    if isinstance(after, Pool) and after.key is UNSET and "key" in old:
        new["key"] = old["key"]
    old_numbers, new_numbers = _numbers_of(before) or (), _numbers_of(after)
    if new_numbers is UNSET:
        new_numbers = old_numbers
    had, has = frozenset(old_numbers), frozenset(new_numbers)
    change = Change(
        kind=kind,
        id=after.id,
        action="change" if before else "add",
        fields=tuple(
            FieldChange(name, _shown(name, old.get(name)), _shown(name, new.get(name)))
            for name in type(after).__struct_fields__
            if name != "id" and old.get(name) != new.get(name)
        ),
        added=tuple(number for number in new_numbers if number not in had),
        drained=tuple(number for number in old_numbers if number not in has),
    )
    return change if before is None or change.fields or change.added or change.drained else None


def _plain(entity: Entity | None) -> dict[str, object]:
    if entity is None:
        return {}
    values: dict[str, object] = {}
    for name, default in defaults(type(entity)):
        value = getattr(entity, name)
        if name != "numbers" and value is not UNSET and value != default:
            values[name] = msgspec.to_builtins(value, enc_hook=encode_hook)
    return values


def _numbers_of(entity: Entity | None) -> Numbers:
    return entity.numbers if isinstance(entity, Pool | Stock) else UNSET


def _shown(name: str, value: object) -> object:
    if value is not None and name in _SECRET:
        return "(secret)"
    if name == "api_keys":
        return [_key_text(key) for key in value] if isinstance(value, tuple | list) else None
    if name in ("notify", "carriers"):
        return _without_secrets(value)
    return list(value) if isinstance(value, tuple) else value


def _key_text(key: dict[str, Any]) -> str:
    """An API key as people tell it from others: ``reports (read, calls; 1a2b3c4d)``."""
    until = f", until {key['expires']}" if "expires" in key else ""
    return f"{key['name']} ({', '.join(key['scopes'])}{until}; {fingerprint(key['hash'])})"


def _without_secrets(value: object) -> object:
    if isinstance(value, dict):
        return {
            name: "(secret)" if name in _INNER_SECRETS else _without_secrets(item)
            for name, item in value.items()
        }
    return [_without_secrets(item) for item in value] if isinstance(value, tuple | list) else value


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}: {item}" for name, item in value.items())
    return str(value)


def _count_and_some(numbers: tuple[str, ...]) -> str:
    more = len(numbers) - _MAX_SHOWN_NUMBERS
    some = ", ".join(numbers[:_MAX_SHOWN_NUMBERS]) + (f" and {more} more" if more > 0 else "")
    return f"{len(numbers)} number{'s' if len(numbers) > 1 else ''}: {some}"
