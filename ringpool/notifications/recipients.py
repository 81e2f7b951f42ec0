"""Who is told of what: the accounts' and the pools' ``notify``, and ``on_exhausted``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

from msgspec import UNSET, Struct

from ringpool.catalog.snapshot import Snapshot
from ringpool.model import Account, Event, Notify, Pool

ALL = frozenset(Event)

_PLAIN_COOLDOWN_MS = 60_000
"""Of ``on_exhausted``: what is told once an episode isn't told twice when another process leads."""


class Target(Struct, frozen=True, kw_only=True):
    """One webhook or e-mail address. ``id`` names it in the store, where its address isn't.

    ``secrets``: sign what it gets. ``cooldown``: ms. ``plain``: it is an ``on_exhausted``, which
    gets what it always got, unsigned.
    """

    id: str
    webhook: str = ""
    email: str = ""
    secrets: tuple[str, ...] = ()
    events: frozenset[Event] = ALL
    cooldown: int = 0
    plain: bool = False


Targets = Mapping[str, Target]
"""By id."""

NOBODY: Targets = {}


class Recipients:
    """Those of one revision of the configuration."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._accounts = {
            account.id: _targets(account)
            for account in snapshot.accounts.values()
            if account.notify
        }
        self._pools: dict[str, Targets] = {}
        self._stocks: dict[str, Targets] = {}
        own: dict[str, Targets] = {}
        for prepared in snapshot.pools.values():
            pool = prepared.pool
            if pool.notify or pool.on_exhausted:
                own[pool.id] = _targets(pool)
            told = own.get(pool.id, NOBODY)
            # One that both name is the pool's.
            if found := {**self._accounts.get(pool.account, NOBODY), **told}:
                self._pools[pool.id] = found
            if pool.stock_id and told:
                of_stock = self._stocks.get(pool.stock_id, NOBODY)
                self._stocks[pool.stock_id] = {**of_stock, **told}
        self._own = own
        for stock in snapshot.stocks.values():
            of_account = self._accounts.get(stock.account)
            if of_account:
                self._stocks[stock.id] = {**self._stocks.get(stock.id, NOBODY), **of_account}

    def of(self, subject: str) -> Targets:
        """Return who may be told of ``pool/ad-placement``, an account or a stock."""
        kind, _, name = subject.partition("/")
        return {"pool": self._pools, "stock": self._stocks, "account": self._accounts}[kind].get(
            name, NOBODY
        )

    def own(self, pool_id: str) -> Targets:
        """Return those that a pool itself names."""
        return self._own.get(pool_id, NOBODY)

    def listens(self, *events: Event) -> bool:
        """Whether anybody is to be told of one of the events."""
        named = (*self._accounts.values(), *self._own.values())
        return any(
            not target.events.isdisjoint(events) for each in named for target in each.values()
        )


def _targets(entity: Account | Pool) -> Targets:
    found = list(_of_notify(entity.notify))
    if isinstance(entity, Pool) and entity.on_exhausted is not None:
        webhook = entity.on_exhausted.webhook
        found.append(
            Target(
                id=_id("on_exhausted", webhook),
                webhook=webhook,
                events=frozenset({Event.EXHAUSTED}),
                cooldown=_PLAIN_COOLDOWN_MS,
                plain=True,
            )
        )
    return {target.id: target for target in found}


def _of_notify(notify: Iterable[Notify]) -> Iterable[Target]:
    for each in notify:
        secrets = (each.secret, each.former_secret)
        yield Target(
            id=_id("notify", each.webhook or each.email or ""),
            webhook=each.webhook or "",
            email=each.email or "",
            secrets=tuple(secret for secret in secrets if secret is not UNSET),
            events=frozenset(each.events) or ALL,
            cooldown=int(each.cooldown),
        )


def _id(field: str, address: str) -> str:
    return sha256(f"{field} {address}".encode()).hexdigest()[:16]
