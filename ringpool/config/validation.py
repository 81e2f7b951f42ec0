"""Checks a whole configuration: each entity, all together, and against what is configured already.

Rules about one field are the types of ``model``, those within one entity are in ``entity_rules``;
here are the rules that need several entities.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import UNSET

from ringpool.config.draft import Draft
from ringpool.config.entity_rules import account_faults, pool_faults, stock_faults
from ringpool.config.fallback_rules import check_fallbacks
from ringpool.faults import Faults
from ringpool.model import (
    Account,
    ApiKey,
    Carriers,
    Configuration,
    Pool,
    PoolType,
    Stock,
    StockKind,
    roles,
)


def check(wanted: Configuration, known: Configuration, *, canonical: bool = False) -> Configuration:
    """Return ``wanted`` with numbers and names made canonical; raises Faults, in document order.

    ``known``: what is configured already. ``canonical``: numbers and names are so already, and
    needn't be parsed again.
    """
    return check_draft(Draft.of_configuration(wanted), known, canonical=canonical)


def check_draft(draft: Draft, known: Configuration, *, canonical: bool = False) -> Configuration:
    """Return the entities of a draft as ``check`` does; raises its faults too."""
    find_faults(draft, known, canonical=canonical)
    if draft.faults:
        raise Faults(draft.faults_in_order())
    return draft.configuration()


def find_faults(draft: Draft, known: Configuration, *, canonical: bool = False) -> None:
    """Note in a draft what is wrong with it; raises Faults when that is too much."""
    if not canonical:
        draft.make_canonical()
    for index, account in draft.of("accounts", Account):
        draft.faults += account_faults(f"accounts[{index}]", account)
    sizes = {pool.id: len(pool.numbers or ()) for pool in known.pools}
    for index, pool in draft.of("pools", Pool):
        draft.faults += pool_faults(f"pools[{index}]", pool, sizes.get(pool.id, 0))
    _check_types(draft, known)
    for index, stock in draft.of("stocks", Stock):
        draft.faults += stock_faults(f"stocks[{index}]", stock)
    _check_api_keys(draft, known)
    _check_secrets(draft, known)
    _check_carriers(draft, known)
    _check_references(draft, known)
    check_fallbacks(draft, known)
    _check_numbers(draft, known)


def _check_types(draft: Draft, known: Configuration) -> None:
    """A number that tuples were promised doesn't become one for everybody, nor the reverse."""
    types = {pool.id: pool.type for pool in known.pools}
    for index, pool in draft.of("pools", Pool):
        before = types.get(pool.id, pool.type)
        if before is not pool.type and PoolType.STATIC in (before, pool.type):
            message = f"a pool of type {before.value} can't become one of type {pool.type.value}"
            draft.fault(f"pools[{index}].type", f"{message}: make another pool")


def _check_api_keys(draft: Draft, known: Configuration) -> None:
    """A key identifies its account and itself: no two are alike, nor two of one account's names."""
    holders = {
        hashed: f"account {account.id}"
        for account in known.accounts
        if account.id not in draft.ids["accounts"] or _keeps_keys(draft, account.id)
        for key in account.keys
        for hashed in _hashes(key)
    }
    for index, account in draft.of("accounts", Account):
        names: dict[str, str] = {}
        for place, key in enumerate(account.keys):
            where = f"accounts[{index}].api_keys[{place}]"
            if names.setdefault(key.name, where) != where:
                draft.fault(f"{where}.name", f"{key.name} is {names[key.name]} already")
            for hashed in _hashes(key):
                if holders.setdefault(hashed, where) != where:
                    draft.fault(where, f"the same key as {holders[hashed]}")
    for index, pool in draft.of("pools", Pool):
        if pool.former_key is not UNSET and pool.former_key.key == pool.key:
            draft.fault(f"pools[{index}].former_key.key", "the same as key")


def _check_secrets(draft: Draft, known: Configuration) -> None:
    """A webhook has a secret: one that is given, or the one it has already."""
    for section, present in (("accounts", known.accounts), ("pools", known.pools)):
        had = {
            (entity.id, each.webhook)
            for entity in present
            for each in entity.notify
            if each.secret is not UNSET
        }
        for index, entity in draft.entities[section].items():
            assert isinstance(entity, Account | Pool)
            for place, each in enumerate(entity.notify):
                needed = each.webhook is not None and each.secret is UNSET
                if needed and (entity.id, each.webhook) not in had:
                    where = f"{section}[{index}].notify[{place}].secret"
                    draft.fault(where, "needed: it signs what the webhook gets")


def _check_carriers(draft: Draft, known: Configuration) -> None:
    """A carrier has a secret: one that is given, or the one it has already."""
    had = {account.id: account.carriers or Carriers() for account in known.accounts}
    for index, account in draft.of("accounts", Account):
        wanted = account.carriers or Carriers()
        present = had.get(account.id, Carriers())
        for field in _missing_secrets(wanted, present):
            draft.fault(f"accounts[{index}].carriers.{field}", "needed: it proves who tells")


def _missing_secrets(wanted: Carriers, present: Carriers) -> Iterator[str]:
    if wanted.twilio:
        had = {key.id for key in present.twilio.shared_keys} if present.twilio else set()
        for index, key in enumerate(wanted.twilio.shared_keys):
            if key.secret is UNSET and key.id not in had:
                yield f"twilio.shared_keys[{index}].secret"
        token = wanted.twilio.auth_token or (present.twilio and present.twilio.auth_token)
        if not token and not wanted.twilio.shared_keys:
            yield "twilio.auth_token"
    if wanted.freeswitch and not wanted.freeswitch.password and not present.freeswitch:
        yield "freeswitch.password"
    if wanted.generic and not wanted.generic.secret and not present.generic:
        yield "generic.secret"


def _keeps_keys(draft: Draft, account_id: str) -> bool:
    account = draft.entities["accounts"].get(draft.ids["accounts"][account_id])
    return isinstance(account, Account) and account.api_keys is UNSET


def _hashes(key: ApiKey) -> tuple[str, ...]:
    return (key.hash,) if key.former is None else (key.hash, key.former.hash)


def _check_references(draft: Draft, known: Configuration) -> None:
    """Accounts and stocks that are referred to exist, and a pool's stock is of its account."""
    accounts = {account.id for account in known.accounts} | draft.ids["accounts"].keys()
    stocks: dict[str, str | None] = {stock.id: stock.account for stock in known.stocks}
    stocks |= dict.fromkeys(draft.ids["stocks"])  # one with a fault counts, its account unknown
    for index, stock in draft.readable_of("stocks", Stock):
        stocks[stock.id] = stock.account or None
        if stock.account and stock.account not in accounts:
            draft.fault(f"stocks[{index}].account", f"there is no account {stock.account}")
    for index, pool in draft.readable_of("pools", Pool):
        if pool.account and pool.account not in accounts:
            draft.fault(f"pools[{index}].account", f"there is no account {pool.account}")
        grows_from = pool.stock_id
        if grows_from is None:
            continue
        where = f"pools[{index}].stock" + (".id" if isinstance(pool.stock, StockKind) else "")
        if grows_from not in stocks:
            draft.fault(where, f"there is no stock {grows_from}")
        elif pool.account and stocks[grows_from] not in (pool.account, None):
            draft.fault(where, f"{grows_from} belongs to account {stocks[grows_from]}")
    for pool in known.pools:  # those that the document doesn't name must still fit
        moved = stocks.get(pool.stock_id or "")
        if pool.id not in draft.ids["pools"] and moved not in (pool.account, None):
            where = f"stocks[{draft.ids['stocks'][pool.stock_id or '']}].account"
            draft.fault(where, f"pool {pool.id} of account {pool.account} grows from this stock")


def _check_numbers(draft: Draft, known: Configuration) -> None:
    """A number is in one list, and none that an account's callers are sent to, or that its pages
    print, is handed out by that account. Another account's pages may print any number.
    """
    places: dict[str, str] = {}
    handed_out: dict[tuple[str, str], str] = {}
    for path, account, number in _listed(draft):
        if number and places.setdefault(number, path) != path:
            draft.fault(path, f"{number} is {places[number]} already")
        handed_out.setdefault((account, number), path)
    given = {pool.id: pool for _, pool in draft.readable_of("pools", Pool) if pool.account}
    for (pool_id, role), number in roles(given.values()).items():
        place = handed_out.get((given[pool_id].account, number))
        if place:
            where = f"pools[{draft.ids['pools'][pool_id]}].{role}"
            draft.fault(where, f"{number} is handed out: it is {place}")
    untouched = {pool.id: pool for pool in known.pools if pool.id not in draft.ids["pools"]}
    for (pool_id, role), number in roles(untouched.values()).items():
        place = handed_out.get((untouched[pool_id].account, number))
        if place:
            draft.fault(place, f"{number} is {role} of pool {pool_id}")
    _check_targets(draft, untouched.values())


def _listed(draft: Draft) -> Iterator[tuple[str, str, str]]:
    """Yield the path, account and number of every number to hand out."""
    for section in ("pools", "stocks"):
        for index, entity in draft.readable(section).items():
            assert isinstance(entity, Pool | Stock)
            for place, number in enumerate(entity.numbers or ()):
                yield f"{section}[{index}].numbers[{place}]", entity.account, number


def _check_targets(draft: Draft, untouched: Iterable[Pool]) -> None:
    """Of the pools that replace a number on an account's pages, one at most is for every visit."""
    taken: dict[tuple[str, str], str] = {
        (pool.account, target): f"pool {pool.id}"
        for pool in untouched
        if pool.when is None
        for target in pool.swap_targets
    }
    for index, pool in draft.of("pools", Pool):
        places = {target: place for place, target in reversed([*enumerate(pool.swap_targets)])}
        for place, target in enumerate(pool.swap_targets):
            where = f"pools[{index}].swap_targets[{place}]"
            if target and places[target] != place:
                draft.fault(where, f"{target} is swap_targets[{places[target]}] already")
            elif target and pool.when is None:
                other = taken.setdefault((pool.account, target), where)
                if other != where:
                    message = f"{target} is a target of {other} already; give one of them a when"
                    draft.fault(where, message)
