"""Which pool of an account gives a visit the number of each target.

1. A tracking link's signed number, on its landing page.
2. The number of a sticky pool that the visitor has already, as long as it is theirs.
3. The first pool whose rule the visit matches; none: the page's own number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ringpool.catalog.snapshot import PreparedPool, Snapshot
from ringpool.security.keeping import Kept, Seal
from ringpool.security.signing import SigningKeys
from ringpool.visits.source_rules import Visit

MAX_HELD = 20
"""Most sticky numbers that one request brings back."""

Targets = Mapping[str, Sequence[PreparedPool]]
"""Target numbers (E.164) and the pools that may replace each, in order.

The one target "" stands for a pool without targets that was asked for by name.
"""


class AskedPool(NamedTuple):
    """A pool that is asked for a number, and the targets that the number would replace."""

    prepared: PreparedPool
    targets: Sequence[str]


class Routes(NamedTuple):
    """The pools to ask, each once. ``unmatched``: targets that keep the page's number."""

    pools: Sequence[AskedPool]
    unmatched: Sequence[str]


class SignedNumber(NamedTuple):
    """What a tracking link put into the page's URL. ``expires``: Unix seconds."""

    asked: AskedPool
    number: str
    expires: int


class KeptNumber(NamedTuple):
    """A pool's tuple that may still have its number, and the targets it would replace.

    ``gave``: the pool; ``asked``: the one whose targets they are, which may have fallen back on it.
    """

    asked: AskedPool
    tuple: str
    gave: PreparedPool


def first_match(pools: Sequence[PreparedPool], visit: Visit) -> PreparedPool | None:
    """The first pool, in the order given, that is for this visit."""
    for prepared in pools:
        if prepared.rule is None or prepared.rule.matches(visit):
            return prepared
    return None


def route(targets: Targets, visit: Visit) -> Routes:
    """Find the pool of each target by the rules."""
    asked: dict[str, AskedPool] = {}
    unmatched = []
    for target, pools in targets.items():
        prepared = first_match(pools, visit)
        if prepared is None:
            unmatched.append(target)
            continue
        known = asked.get(prepared.pool.id)
        if known is None:
            asked[prepared.pool.id] = AskedPool(prepared, [target])
        else:
            asked[prepared.pool.id] = AskedPool(prepared, [*known.targets, target])
    return Routes(list(asked.values()), unmatched)


def without(targets: Targets, answered: Iterable[str]) -> Targets:
    """The targets that are still to be answered."""
    gone = frozenset(answered)
    return {target: pools for target, pools in targets.items() if target not in gone}


def signed_number(
    snapshot: Snapshot,
    account_id: str,
    targets: Targets,
    parameters: Mapping[str, str],
    signer: SigningKeys,
    now: float,
) -> SignedNumber | None:
    """The number in a page's URL, if this service signed it for a pool of the account.

    ``parameters``: the URL's. ``now``: Unix seconds. None also when it replaces no target asked
    for.
    """
    signature = parameters.get("rp_sig", "")
    prepared = snapshot.pools.get(parameters.get("rp_pool", ""))
    if not signature or prepared is None or prepared.pool.account != account_id:
        return None
    expires = parameters.get("rp_exp", "")
    if not re.fullmatch("[0-9]{1,12}", expires) or int(expires) <= now:
        return None
    replaced = [target for target in snapshot.replaced_by_link(prepared) if target in targets]
    if [named.pool.id for named in targets.get("", ())] == [prepared.pool.id]:
        replaced = [""]
    number = parameters.get("rp_number", "")
    if not replaced or not signer.verify(number, prepared.pool.id, int(expires), signature):
        return None
    return SignedNumber(AskedPool(prepared, replaced), number, int(expires))


def kept_numbers(
    snapshot: Snapshot, account_id: str, targets: Targets, held: str, seal: Seal
) -> list[KeptNumber]:
    """What a visitor may keep of sticky pools, in the order of the rules.

    ``held``: sealed texts (``Swap.keep``), separated by commas. Those that aren't this service's,
    this account's or for these targets count for nothing.
    """
    given = given_numbers(snapshot, account_id, targets, held, seal)
    return sorted((each for each in given if each.asked.prepared.pool.sticky), key=_order)


def given_numbers(
    snapshot: Snapshot, account_id: str, targets: Targets, held: str, seal: Seal
) -> list[KeptNumber]:
    """What a visitor was given of any pool, by the same texts: what their activity may extend."""
    found: list[KeptNumber] = []
    for text in held.split(",")[:MAX_HELD]:
        kept = seal.open(text)
        if kept is None:
            continue
        gave = snapshot.pools.get(kept.pool)
        prepared = snapshot.pools.get(kept.asked) if kept.asked else gave
        if gave is None or prepared is None or prepared.pool.account != account_id:
            continue
        if gave is not prepared and all(each.pool.id != kept.pool for each in prepared.fallbacks):
            continue
        wanted = [
            target
            for target, pools in targets.items()
            if any(each.pool.id == prepared.pool.id for each in pools)
        ]
        if wanted:
            found.append(KeptNumber(AskedPool(prepared, wanted), kept.tuple, gave))
    return found


def seal_of(asked: PreparedPool, gave: PreparedPool, tuple_: str, seal: Seal) -> str:
    """The text by which a visitor proves to have this number; "" where nothing needs it.

    A sticky pool that was asked gives the number again to who brings it, also one of a pool that it
    fell back on; where activity holds numbers of ``gave``, a ping extends the guarantee of what it
    names. A static pool's number is everybody's.
    """
    if gave.fixed is not None or not (asked.pool.sticky or gave.pool.hold):
        return ""
    fell_back = asked.pool.id if asked.pool.id != gave.pool.id else ""
    return seal.seal(Kept(gave.pool.id, tuple_, fell_back))


def _order(kept: KeptNumber) -> tuple[int, str, bool]:
    """A pool's own number is before one that another gave for it."""
    pool = kept.asked.prepared.pool
    return pool.priority, pool.id, kept.gave.pool.id != pool.id
