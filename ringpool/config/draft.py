"""A configuration before it is checked: entities by their places, and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

import msgspec
from msgspec import UNSET

from ringpool.config import codec
from ringpool.faults import Fault, Faults
from ringpool.model import SECTIONS, Account, Configuration, Entity, Pool, Stock
from ringpool.numbers import phone

MAX_FAULTS = 1000
"""The most that are told. The rest of a document isn't looked at: to find and word a fault takes
longer than to read what is right."""

E = TypeVar("E", Account, Pool, Stock)


@dataclass
class Draft:
    """Entities by section and index in the document, and the faults found so far.

    ``ids``: section → id → index, those of entities that couldn't be read included. ``partial``:
    of these what is right, for rules that need no more; those without an account have "".
    """

    entities: dict[str, dict[int, Entity]] = field(
        default_factory=lambda: {section: {} for section in SECTIONS}
    )
    ids: dict[str, dict[str, int]] = field(
        default_factory=lambda: {section: {} for section in SECTIONS}
    )
    partial: dict[str, dict[int, Entity]] = field(
        default_factory=lambda: {section: {} for section in SECTIONS}
    )
    faults: list[Fault] = field(default_factory=list)

    @classmethod
    def of_configuration(cls, configuration: Configuration) -> Draft:
        """Make a draft of entities that are read already."""
        draft = cls()
        for section in SECTIONS:
            for index, entity in enumerate(getattr(configuration, section)):
                draft.add(section, index, entity)
        return draft

    def fault(self, path: str, message: str) -> None:
        """Note a fault; raises Faults when there are more than ``MAX_FAULTS``."""
        self.faults.append(Fault(path, message))
        self._check_how_many()

    def _check_how_many(self) -> None:
        if len(self.faults) > MAX_FAULTS:
            rest = Fault("document", f"more than {MAX_FAULTS} faults: these come first")
            raise Faults([*self.faults_in_order()[:MAX_FAULTS], rest])

    def add(self, section: str, index: int, entity: Entity) -> None:
        """Add an entity."""
        self._add_id(section, index, entity.id)
        self.entities[section][index] = entity

    def add_plain(self, section: str, index: int, value: object) -> None:
        """Add an entity from plain values, or the faults that keep it from being one."""
        entity_type = SECTIONS[section]
        try:
            self.add(section, index, codec.convert(value, entity_type))
        except msgspec.ValidationError:
            found = codec.faults(value, entity_type, f"{section}[{index}]")
            self.faults += islice(found, MAX_FAULTS + 1)
            self._check_how_many()
            if isinstance(value, dict) and isinstance(value.get("id"), str):
                self._add_id(section, index, value["id"])
                self.partial[section][index] = codec.convert_partly(value, entity_type)

    def readable(self, section: str) -> dict[int, Entity]:
        """Return the entities of a section by index, of those with a fault what is right."""
        whole, partial = self.entities[section], self.partial[section]
        return dict(sorted((whole | partial).items())) if partial else whole

    def _add_id(self, section: str, index: int, entity_id: str) -> None:
        first = self.ids[section].setdefault(entity_id, index)
        if first != index:
            self.fault(f"{section}[{index}].id", f"{entity_id} is {section}[{first}] already")

    def of(self, section: str, entity_type: type[E]) -> Iterator[tuple[int, E]]:
        """Yield the entities of a section with their indices."""
        for index, entity in self.entities[section].items():
            assert isinstance(entity, entity_type)
            yield index, entity

    def readable_of(self, section: str, entity_type: type[E]) -> Iterator[tuple[int, E]]:
        """Yield what is ``readable`` of a section."""
        for index, entity in self.readable(section).items():
            assert isinstance(entity, entity_type)
            yield index, entity

    def make_canonical(self) -> None:
        """Write every number in E.164 and every parameter name in lower case."""
        for sections in (self.entities, self.partial):
            for section, entities in sections.items():
                for index, entity in entities.items():
                    entities[index] = self._canonical(f"{section}[{index}]", entity)

    def configuration(self) -> Configuration:
        """Return the entities."""
        return Configuration(
            accounts=tuple(account for _, account in self.of("accounts", Account)),
            pools=tuple(pool for _, pool in self.of("pools", Pool)),
            stocks=tuple(stock for _, stock in self.of("stocks", Stock)),
        )

    def faults_in_order(self) -> list[Fault]:
        """Return the faults in the order of the entities that they are about.

        The sort is stable: those of one entity keep their order.
        """
        return sorted(self.faults, key=_place)

    def _canonical(self, path: str, entity: Entity) -> Entity:
        def number(field_path: str, text: str) -> str:
            try:
                return phone.parse(text)
            except ValueError as error:
                self.fault(f"{path}.{field_path}", str(error))
                return ""

        def numbers(name: str, texts: Iterable[str]) -> tuple[str, ...]:
            return tuple(number(f"{name}[{index}]", text) for index, text in enumerate(texts))

        if not isinstance(entity, Account) and entity.numbers is not UNSET:
            entity = msgspec.structs.replace(entity, numbers=numbers("numbers", entity.numbers))
        if isinstance(entity, Account) and entity.unroutable and entity.unroutable.destination:
            to = number("unroutable.destination", entity.unroutable.destination)
            unroutable = msgspec.structs.replace(entity.unroutable, destination=to)
            return msgspec.structs.replace(entity, unroutable=unroutable)
        if isinstance(entity, Pool):
            overflow, destination = entity.overflow_number, entity.destination
            return msgspec.structs.replace(
                entity,
                parameters=tuple(name.strip().lower() for name in entity.parameters),
                overflow_number=overflow and number("overflow_number", overflow),
                destination=destination and number("destination", destination),
                swap_targets=numbers("swap_targets", entity.swap_targets),
            )
        return entity


def _place(fault: Fault) -> tuple[int, int]:
    match = re.match(r"(\w+)\[(\d+)\]", fault.field)
    if match is None:
        return 0, -1
    return list(SECTIONS).index(match[1]), int(match[2])
