"""Where a number should be, by all that the catalog, stocks and pools say of it.

A number that somebody is promised stays where it is promised; everything else follows from that.
Next counts whom the catalog says it belongs to, then whose list names it, then who has it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from msgspec import Struct

from allocator.claims import PoolClaim, StockClaim
from ringpool.catalog.store import Owner


class Facts(Struct, frozen=True):
    """All that is said of a number.

    ``listed``: the owners whose lists name it, once for each time. ``left``: by pool, the loan by
    which it was there before it left, while it isn't handed on.
    """

    number: str
    owner: Owner | None
    listed: tuple[str, ...]
    stocks: Mapping[str, StockClaim]
    pools: Mapping[str, PoolClaim]
    left: Mapping[str, str]


class Expel(NamedTuple):
    """The pool has it out at once."""

    pool: str


class Drop(NamedTuple):
    """The stock forgets it."""

    stock: str


class Own(NamedTuple):
    """It belongs to this owner, and is leaving it or not."""

    owner: str
    leaving: bool


class Disown(NamedTuple):
    """It belongs to nobody."""

    owner: str


class Relist(NamedTuple):
    """The owner's list names it once, or (``named``) not."""

    owner: str
    named: bool


class Lend(NamedTuple):
    """The stock has lent it to the pool; loan 0: by a loan that never was before."""

    stock: str
    pool: str
    loan: int
    leaving: bool


class Here(NamedTuple):
    """It is in its stock, and rests there until all that may have been promised is over."""

    stock: str


class Put(NamedTuple):
    """It is in the pool, by this loan."""

    pool: str
    loan: str


class Leave(NamedTuple):
    """It leaves its owner when its guarantee is over."""

    owner: str


class Stay(NamedTuple):
    """It doesn't leave its owner."""

    owner: str


Step = Expel | Drop | Own | Disown | Relist | Lend | Here | Put | Leave | Stay


class Wrong(NamedTuple):
    """One thing that is wrong, and what mends it; None: nobody can decide it."""

    message: str
    step: Step | None


def judge(facts: Facts, pools: Collection[str], stocks: Collection[str]) -> list[Wrong]:
    """Return what is wrong, in the order in which it is to be mended.

    ``pools``, ``stocks``: those that are configured.
    """
    promised = [pool for pool, claim in facts.pools.items() if claim.promised]
    if len(promised) > 1:
        return [Wrong(f"it is promised in pools {' and '.join(sorted(promised))}", None)]
    home = _home(facts, promised, pools, stocks)
    if home is None:
        if facts.owner is None:
            return []
        return [Wrong(f"it belongs to {facts.owner}, which isn't there", Disown(str(facts.owner)))]
    owner, leaving = f"{home.kind}/{home.id}", _leaves(facts, home)
    place: str | None = home.id
    if home.kind == "pool":
        placed = _in_pool(facts, home.id, leaving)
    else:
        place, placed = _of_stock(facts, home.id, leaving, promised, pools)
    wrong = [
        Wrong(f"it is in pool {pool} too", Expel(pool)) for pool in facts.pools if pool != place
    ]
    wrong += [
        Wrong(f"it is in stock {stock} too", Drop(stock))
        for stock in facts.stocks
        if owner != f"stock/{stock}"
    ]
    gone = [each for each in placed if isinstance(each.step, Disown)]
    if gone:
        return wrong + gone
    if facts.owner != Owner(home.kind, home.id, leaving):
        said = f"to {_told(facts.owner)}" if facts.owner else "to nobody"
        message = f"it belongs {said} by the index, and is {owner}'s"
        wrong.append(Wrong(message, Own(owner, leaving)))
    for name in dict.fromkeys(facts.listed):
        if name != owner:
            wrong.append(Wrong(f"{name} lists it too", Relist(name, named=False)))
    if facts.listed.count(owner) > 1:
        wrong.append(Wrong(f"{owner} lists it twice", Relist(owner, named=True)))
    elif owner not in facts.listed and not leaving:
        wrong.append(Wrong(f"{owner} doesn't list it", Relist(owner, named=True)))
    return wrong + placed


def _home(
    facts: Facts, promised: list[str], pools: Collection[str], stocks: Collection[str]
) -> Owner | None:
    """Whose it is."""

    def exists(owner: Owner) -> bool:
        return owner.id in (pools if owner.kind == "pool" else stocks)

    owner = facts.owner if facts.owner and exists(facts.owner) else None
    for pool in promised:
        if owner and owner.kind == "stock":
            claim = facts.stocks.get(owner.id)
            if claim and claim.pool == pool:
                return owner
        lender = Owner("stock", _lender(facts.pools[pool].loan))
        own = Owner("pool", pool)
        if not exists(lender) or str(owner) == str(own):
            return own
        return lender
    if owner:
        return owner
    for name in facts.listed:
        if exists(Owner.parse(name)):
            return Owner.parse(name)
    for name, claimed in facts.pools.items():
        lender = Owner("stock", _lender(claimed.loan))
        return lender if exists(lender) else Owner("pool", name)
    for name in facts.stocks:
        return Owner("stock", name)
    return None


def _leaves(facts: Facts, home: Owner) -> bool:
    """Whether it is to leave: nobody's list names it any more."""
    if facts.listed:
        return False
    if facts.owner is None:
        return True
    return facts.owner.leaving and str(facts.owner) == str(home)


def _in_pool(facts: Facts, pool: str, leaving: bool) -> list[Wrong]:
    """What is wrong with a pool's own number in that pool."""
    owner, claim = f"pool/{pool}", facts.pools.get(pool)
    if claim is None:
        if facts.left.get(pool) == "":
            return [] if leaving else [Wrong(f"it has left pool {pool}", Stay(owner))]
        wrong = [Wrong(f"it isn't in pool {pool}", Put(pool, ""))]
        if leaving:
            wrong.append(Wrong(f"it is to leave pool {pool}, and doesn't", Leave(owner)))
        return wrong
    wrong = []
    if claim.loan:
        wrong.append(Wrong(f"pool {pool} has it by a loan, and owns it", Put(pool, "")))
    if leaving and not claim.leaving:
        wrong.append(Wrong(f"it is to leave pool {pool}, and doesn't", Leave(owner)))
    if claim.leaving and not leaving:
        wrong.append(Wrong(f"it leaves pool {pool}, and isn't to", Stay(owner)))
    return wrong


def _of_stock(
    facts: Facts, stock: str, leaving: bool, promised: list[str], pools: Collection[str]
) -> tuple[str | None, list[Wrong]]:
    """The pool that a stock's number is in, if any, and what is wrong with it."""
    owner, claim = f"stock/{stock}", facts.stocks.get(stock)
    by_loan = [pool for pool, has in facts.pools.items() if _lender(has.loan) == stock]
    if not promised and claim and claim.pool in facts.pools:
        by_loan = [claim.pool]
    holder = next(iter(promised or by_loan), None)
    if holder and (claim is None or claim.pool != holder):
        of_stock, _, at = facts.pools[holder].loan.rpartition("@")
        loan = int(at) if of_stock == stock and at.isdecimal() else 0
        told = "doesn't know it" if claim is None else "doesn't know that it is lent"
        message = f"stock {stock} {told}, and pool {holder} has it"
        return holder, [Wrong(message, Lend(stock, holder, loan, leaving))]
    if claim is None:
        if not leaving:
            return None, [Wrong(f"it is nowhere, and stock {stock}'s", Here(stock))]
        on_its_way = any(_lender(loan) == stock for loan in facts.left.values())
        gone = Wrong(f"it has left stock {stock}, and still belongs to it", Disown(owner))
        return None, [] if on_its_way else [gone]
    if not claim.pool:
        if leaving:
            return None, [Wrong(f"it is to leave stock {stock}, and doesn't", Leave(owner))]
        if claim.leaving:
            return None, [Wrong(f"it leaves stock {stock}, and isn't to", Stay(owner))]
        return None, []
    loan_text = f"{stock}@{claim.loan}"
    wrong = []
    if holder:
        if facts.pools[holder].loan != loan_text:
            message = f"pool {holder} has it by another loan than stock {stock} knows"
            wrong.append(Wrong(message, Put(holder, loan_text)))
    elif not claim.moving and facts.left.get(claim.pool) != loan_text:
        if claim.pool not in pools:
            message = f"stock {stock} has lent it to pool {claim.pool}, which isn't there"
            return None, [Wrong(message, Here(stock))]
        message = f"stock {stock} has lent it to pool {claim.pool}, which doesn't have it"
        wrong.append(Wrong(message, Put(claim.pool, loan_text)))
    if not claim.moving:
        if claim.leaving and not leaving:
            wrong.append(Wrong(f"it leaves stock {stock}, and isn't to", Stay(owner)))
        elif leaving and not (claim.leaving and (not holder or facts.pools[holder].leaving)):
            wrong.append(Wrong(f"it is to leave stock {stock}, and doesn't", Leave(owner)))
    return holder or claim.pool, wrong


def _lender(loan: str) -> str:
    return loan.rpartition("@")[0]


def _told(owner: Owner) -> str:
    return f"{owner} (leaving)" if owner.leaving else str(owner)
