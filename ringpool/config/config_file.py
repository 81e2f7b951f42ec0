"""The configuration file: YAML to structs with every fault named, and back.

Types are the structs' (``model``); here are the rules that need more than one field: within an
entity, within the file, and against what is configured already (``known``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
import yaml
from msgspec import UNSET

from allocator.answers import Rules
from ringpool.config import codec, yaml_document
from ringpool.faults import Fault, Faults
from ringpool.model import Account, Configuration, Fill, Pool, PoolType, Stock
from ringpool.numbers import phone
from ringpool.times import Duration

Entity = Account | Pool | Stock
E = TypeVar("E", Account, Pool, Stock)

NAMED_TYPES = frozenset({PoolType.CUSTOM, PoolType.CUSTOM_SEARCH})
"""Pool types whose parameters the operator names."""

RESERVED = frozenset(
    {f"param{number}" for number in range(1, 11)}
    | {"account", "callback", "pool", "ref", "targets", "url", "visitor"}
    | {"landing_page", "mobile_click_to_call", "publisher", "referrer", "ring_pool_key"}
    | {"search_engine", "search_keyword_id", "search_keywords"}
    | {"rp_exp", "rp_number", "rp_pool", "rp_sig", "rp_test"}
)
"""Query parameters with a meaning of their own, which no pool can name as its parameter."""

_PARAMETER = re.compile(r"[a-z_][a-z0-9_.-]{0,63}")
_SECOND_MS = 1_000
_TEN_YEARS_MS = 10 * 365 * 86_400_000
_KINDS: dict[str, type[Account] | type[Pool] | type[Stock]] = {
    "accounts": Account,
    "pools": Pool,
    "stocks": Stock,
}
_NOTHING = Configuration()


def read(text: str, known: Configuration = _NOTHING) -> Configuration:
    """Read a configuration file; raises Faults, one for each thing wrong, in document order.

    ``known``: what is configured already, so that a file may name accounts and stocks that
    another file made. Where its numbers are left out, nothing is said of how many a pool keeps.
    """
    document = yaml_document.load(text)
    if document is None:  # an empty file asks for nothing
        return _NOTHING
    draft = _Draft()
    if not isinstance(document, dict):
        raise Faults([Fault("document", "expected the keys accounts, pools, stocks")])
    for section, entities in document.items():
        if section not in _KINDS:
            draft.fault(codec.key_text(section), f"unknown key; known are {', '.join(_KINDS)}")
        elif not isinstance(entities, list | None):
            draft.fault(section, "expected a list")
        else:
            for index, value in enumerate(entities or ()):
                draft.take(section, index, value)
    return _checked(draft, known)


def check(
    wanted: Configuration, known: Configuration = _NOTHING, *, canonical: bool = False
) -> Configuration:
    """Return ``wanted`` with numbers and names made canonical; raises Faults as ``read`` does.

    ``canonical``: they are so already, and needn't be parsed again.
    """
    draft = _Draft()
    for section in _KINDS:
        for index, entity in enumerate(getattr(wanted, section)):
            draft.put(section, index, entity)
    return _checked(draft, known, canonical=canonical)


def write(configuration: Configuration) -> str:
    """Write the file that ``read`` turns into the same configuration; defaults are left out."""
    plain = _plain(configuration)
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100) if plain else ""


def _plain(struct: msgspec.Struct) -> dict[str, object]:
    """Return the fields that aren't at their defaults, in the order of the struct."""
    values: dict[str, object] = {}
    for spec in msgspec.structs.fields(struct):
        value = getattr(struct, spec.name)
        if value == spec.default or value is UNSET:
            continue
        if isinstance(value, msgspec.Struct):
            values[spec.name] = _plain(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
            values[spec.name] = [_plain(item) for item in value]
        else:
            values[spec.name] = msgspec.to_builtins(value, enc_hook=codec.encode_hook)
    return values


def rules(pool: Pool) -> Rules:
    """Return the part of a pool that the allocator needs."""
    return Rules(
        min_duration=int(pool.min_duration),
        hold_on_activity=int(pool.hold_on_activity),
        recycle=pool.recycle.value,
        call_weight=pool.activity.call,
        click_weight=pool.activity.click,
        max_size=pool.max_size or 0,
        stock=pool.stock or "",
        overflow_number=(pool.overflow_number or "") if pool.allow_overflow else "",
        allow_overflow=pool.allow_overflow,
        history_bytes=pool.history_bytes,
    )


@dataclass
class _Draft:
    """Entities by section and place in the file, and what is wrong with them so far."""

    entities: dict[str, dict[int, Entity]] = field(
        default_factory=lambda: {section: {} for section in _KINDS}
    )
    ids: dict[str, dict[str, int]] = field(
        default_factory=lambda: {section: {} for section in _KINDS}
    )
    faults: list[Fault] = field(default_factory=list)

    def fault(self, path: str, message: str) -> None:
        self.faults.append(Fault(path, message))

    def take(self, section: str, index: int, value: object) -> None:
        """Add an entity from plain values, or all that keeps it from being one."""
        kind = _KINDS[section]
        try:
            self.put(section, index, codec.convert(value, kind))
        except msgspec.ValidationError:
            self.faults += codec.faults(value, kind, f"{section}[{index}]")
            if isinstance(value, dict) and isinstance(value.get("id"), str):
                self._name(section, index, value["id"])

    def put(self, section: str, index: int, entity: Entity) -> None:
        self._name(section, index, entity.id)
        self.entities[section][index] = entity

    def _name(self, section: str, index: int, name: str) -> None:
        first = self.ids[section].setdefault(name, index)
        if first != index:
            self.fault(f"{section}[{index}].id", f"{name} is {section}[{first}] already")

    def of(self, section: str, kind: type[E]) -> Iterator[tuple[int, E]]:
        for index, entity in self.entities[section].items():
            assert isinstance(entity, kind)
            yield index, entity


def _checked(draft: _Draft, known: Configuration, *, canonical: bool = False) -> Configuration:
    if not canonical:
        for section, kept in draft.entities.items():
            for index, entity in kept.items():
                kept[index] = _canonical(draft, f"{section}[{index}]", entity)
    for index, account in draft.of("accounts", Account):
        draft.faults += _account_faults(f"accounts[{index}]", account)
    sizes = {pool.id: len(pool.numbers or ()) for pool in known.pools}
    for index, pool in draft.of("pools", Pool):
        draft.faults += _pool_faults(f"pools[{index}]", pool, sizes.get(pool.id, 0))
    for index, stock in draft.of("stocks", Stock):
        draft.faults += _span_faults(f"stocks[{index}].quarantine", stock.quarantine, 0)
    _check_api_keys(draft, known)
    _check_references(draft, known)
    _check_numbers(draft, known)
    if draft.faults:
        raise Faults(sorted(draft.faults, key=_place))
    return Configuration(
        accounts=tuple(account for _, account in draft.of("accounts", Account)),
        pools=tuple(pool for _, pool in draft.of("pools", Pool)),
        stocks=tuple(stock for _, stock in draft.of("stocks", Stock)),
    )


def _place(fault: Fault) -> tuple[int, int]:
    """Order faults by entity; the sort is stable, so those of one entity stay as they came."""
    match = re.match(r"(\w+)\[(\d+)\]", fault.field)
    if match is None:
        return 0, -1
    return list(_KINDS).index(match[1]), int(match[2])


def _canonical(draft: _Draft, path: str, entity: Entity) -> Entity:
    """Return the entity with every number in E.164 and parameter names in lower case."""

    def number(where: str, text: str) -> str:
        try:
            return phone.parse(text)
        except ValueError as error:
            draft.fault(f"{path}.{where}", str(error))
            return ""

    def each(where: str, texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(number(f"{where}[{index}]", text) for index, text in enumerate(texts))

    if not isinstance(entity, Account) and entity.numbers is not UNSET:
        entity = msgspec.structs.replace(entity, numbers=each("numbers", entity.numbers))
    if isinstance(entity, Pool):
        overflow, destination = entity.overflow_number, entity.destination
        return msgspec.structs.replace(
            entity,
            parameters=tuple(name.strip().lower() for name in entity.parameters),
            overflow_number=overflow and number("overflow_number", overflow),
            destination=destination and number("destination", destination),
            swap_targets=each("swap_targets", entity.swap_targets),
        )
    return entity


def _account_faults(path: str, account: Account) -> Iterator[Fault]:
    for index, origin in enumerate(account.origins):
        where = f"{path}.origins[{index}]"
        if not _is_web_address(origin) or origin.lower() != _origin(origin) or "*" in origin:
            yield Fault(where, f"{origin!r} is no origin: write https://host or https://host:port")


def _pool_faults(path: str, pool: Pool, kept: int) -> Iterator[Fault]:
    """Yield what is wrong within a pool. ``kept``: numbers it has if the file names none."""
    yield from _parameter_faults(f"{path}.parameters", pool)
    yield from _span_faults(f"{path}.min_duration", pool.min_duration, _SECOND_MS)
    yield from _span_faults(f"{path}.hold_on_activity", pool.hold_on_activity, 0)
    yield from _size_faults(path, pool, kept)
    if pool.fill is Fill.IMMEDIATE and pool.stock is None:
        yield Fault(f"{path}.stock", "needed for fill: immediate")
    if pool.fill is Fill.IMMEDIATE and pool.max_size is None:
        yield Fault(f"{path}.max_size", "needed for fill: immediate")
    if pool.allow_overflow and pool.overflow_number is None:
        yield Fault(f"{path}.overflow_number", "needed unless allow_overflow is false")
    if pool.landing_url is not None and not _is_web_address(pool.landing_url):
        yield Fault(f"{path}.landing_url", f"{pool.landing_url!r} is no http or https address")
    if pool.on_exhausted is not None and not _is_web_address(pool.on_exhausted.webhook):
        message = f"{pool.on_exhausted.webhook!r} is no http or https address"
        yield Fault(f"{path}.on_exhausted.webhook", message)


def _size_faults(path: str, pool: Pool, kept: int) -> Iterator[Fault]:
    if pool.max_size is None:
        return
    if pool.numbers is UNSET:
        if kept > pool.max_size:
            yield Fault(f"{path}.max_size", f"{pool.max_size}, and the pool has {kept} numbers")
    elif len(pool.numbers) > pool.max_size:
        message = f"{len(pool.numbers)} numbers, and max_size is {pool.max_size}"
        yield Fault(f"{path}.numbers", message)


def _parameter_faults(path: str, pool: Pool) -> Iterator[Fault]:
    if pool.type not in NAMED_TYPES:
        if pool.parameters:
            yield Fault(path, f"a pool of type {pool.type.value} has none of its own")
        return
    if not pool.parameters:
        yield Fault(path, f"a pool of type {pool.type.value} needs 1 to 10 names")
    for index, name in enumerate(pool.parameters):
        where = f"{path}[{index}]"
        if _PARAMETER.fullmatch(name) is None:
            message = f"{name!r} is no name: 64 of a-z 0-9 _ . - at most, no digit first"
            yield Fault(where, message)
        elif name in RESERVED:
            yield Fault(where, f"{name} means something of its own in a request")
        elif name in pool.parameters[:index]:
            yield Fault(where, f"{name} is there already (capitals don't matter)")


def _span_faults(path: str, span: Duration, least_ms: int) -> Iterator[Fault]:
    if not least_ms <= span <= _TEN_YEARS_MS:
        yield Fault(path, f"{span} is outside {Duration(least_ms)} to 10y")


def _is_web_address(text: str) -> bool:
    """Tell an absolute http(s) URL with a host, without credentials, blanks or controls."""
    if any(character <= " " or character in '"<>\\^`{|}\x7f' for character in text):
        return False
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return named and parts.scheme in ("http", "https") and "@" not in parts.netloc


def _origin(text: str) -> str:
    parts = urlsplit(text)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _check_api_keys(draft: _Draft, known: Configuration) -> None:
    """A key says whose it is, so no two accounts share one."""
    holders = {
        key: f"account {account.id}"
        for account in known.accounts
        if account.id not in draft.ids["accounts"]
        for key in account.api_keys
    }
    for index, account in draft.of("accounts", Account):
        for place, key in enumerate(account.api_keys):
            where = f"accounts[{index}].api_keys[{place}]"
            if holders.setdefault(key, where) != where:
                draft.fault(where, f"the same key as {holders[key]}")


def _check_references(draft: _Draft, known: Configuration) -> None:
    accounts = {account.id for account in known.accounts} | draft.ids["accounts"].keys()
    stocks: dict[str, str | None] = {stock.id: stock.account for stock in known.stocks}
    stocks |= dict.fromkeys(draft.ids["stocks"])  # a faulty one counts, with its account unknown
    for index, stock in draft.of("stocks", Stock):
        stocks[stock.id] = stock.account
        if stock.account not in accounts:
            draft.fault(f"stocks[{index}].account", f"there is no account {stock.account}")
    for index, pool in draft.of("pools", Pool):
        if pool.account not in accounts:
            draft.fault(f"pools[{index}].account", f"there is no account {pool.account}")
        if pool.stock is None:
            continue
        if pool.stock not in stocks:
            draft.fault(f"pools[{index}].stock", f"there is no stock {pool.stock}")
        elif stocks[pool.stock] not in (pool.account, None):
            message = f"{pool.stock} belongs to account {stocks[pool.stock]}"
            draft.fault(f"pools[{index}].stock", message)
    for pool in known.pools:  # those that the file leaves alone must still fit
        moved = stocks.get(pool.stock or "")
        if pool.id not in draft.ids["pools"] and moved not in (pool.account, None):
            where = f"stocks[{draft.ids['stocks'][pool.stock or '']}].account"
            draft.fault(where, f"pool {pool.id} of account {pool.account} grows from this stock")


def _check_numbers(draft: _Draft, known: Configuration) -> None:
    """A number is held once, and none that callers are sent to or pages print is handed out."""
    held: dict[str, str] = {}
    for path, number in _held(draft):
        if number and held.setdefault(number, path) != path:
            draft.fault(path, f"{number} is {held[number]} already")
    for (pool_id, role), number in roles(pool for _, pool in draft.of("pools", Pool)).items():
        if number in held:
            where = f"pools[{draft.ids['pools'][pool_id]}].{role}"
            draft.fault(where, f"{number} is handed out: it is {held[number]}")
    untouched = [pool for pool in known.pools if pool.id not in draft.ids["pools"]]
    for (pool_id, role), number in roles(untouched).items():
        if number in held:
            draft.fault(held[number], f"{number} is {role} of pool {pool_id}")
    _check_targets(draft, untouched)


def _held(draft: _Draft) -> Iterator[tuple[str, str]]:
    for section in ("pools", "stocks"):
        for index, entity in draft.entities[section].items():
            assert isinstance(entity, Pool | Stock)
            for place, number in enumerate(entity.numbers or ()):
                yield f"{section}[{index}].numbers[{place}]", number


def roles(pools: Iterable[Pool]) -> Mapping[tuple[str, str], str]:
    """Return (pool id, path in it) → number, for numbers that no pool may hand out."""
    found: dict[tuple[str, str], str] = {}
    for pool in pools:
        if pool.overflow_number:
            found[pool.id, "overflow_number"] = pool.overflow_number
        if pool.destination:
            found[pool.id, "destination"] = pool.destination
        for index, target in enumerate(pool.swap_targets):
            if target:
                found[pool.id, f"swap_targets[{index}]"] = target
    return found


def _check_targets(draft: _Draft, untouched: Iterable[Pool]) -> None:
    """One number on an account's pages is replaced by one pool."""
    taken: dict[tuple[str, str], str] = {
        (pool.account, target): f"pool {pool.id}"
        for pool in untouched
        for target in pool.swap_targets
    }
    for index, pool in draft.of("pools", Pool):
        for place, target in enumerate(pool.swap_targets):
            where = f"pools[{index}].swap_targets[{place}]"
            if target and taken.setdefault((pool.account, target), where) != where:
                draft.fault(where, f"{target} is a target of {taken[pool.account, target]} already")
