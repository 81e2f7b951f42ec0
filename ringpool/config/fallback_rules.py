"""Which pools a pool may fall back on: of its account, none that leads back, and not too many."""

from __future__ import annotations

from collections.abc import Container, Mapping

from ringpool.config.draft import Draft
from ringpool.model import MAX_FALLBACKS, Configuration, Pool


def check_fallbacks(draft: Draft, known: Configuration) -> None:
    """Note each ``fallback`` that isn't right once the draft is in force.

    It is the drafted pool's fault, also where one that stays as it is would lead too far by it.
    """
    drafted = draft.ids["pools"]
    given = {pool.id: pool for _, pool in draft.readable_of("pools", Pool)}
    pools = {pool.id: pool for pool in known.pools if pool.id not in drafted} | given
    if not any(pool.fallback for pool in pools.values()):
        return
    faulty: dict[str, str] = {}
    for pool in pools.values():
        if pool.fallback is None:
            continue
        other = pools.get(pool.fallback)
        if pool.id in drafted:
            if pool.fallback not in pools and pool.fallback not in drafted:
                faulty[pool.id] = f"there is no pool {pool.fallback}"
            elif other and pool.account and other.account not in (pool.account, ""):
                faulty[pool.id] = f"{other.id} belongs to account {other.account}"
        elif other and other.id in drafted and other.account not in (pool.account, ""):
            message = f"pool {pool.id} of account {pool.account} falls back on this pool"
            draft.fault(f"pools[{drafted[other.id]}].account", message)
    for pool in pools.values():
        message, chain = _led(pool, pools)
        blamed = _first(chain, drafted)
        if message and blamed is not None:
            faulty.setdefault(blamed, message)
    for pool_id, message in faulty.items():
        draft.fault(f"pools[{drafted[pool_id]}].fallback", message)


def _led(pool: Pool, pools: Mapping[str, Pool]) -> tuple[str, list[str]]:
    """What is wrong with where a pool leads ("": nothing), and the pools on the way."""
    chain = [pool.id]
    following = pool.fallback
    while following is not None:
        chain.append(following)
        if following in chain[:-1]:
            return f"leads back to {following}: {' > '.join(chain)}", chain
        if len(chain) > 1 + MAX_FALLBACKS:
            way = " > ".join(chain)
            return f"more than {MAX_FALLBACKS} pools would be asked after the first: {way}", chain
        other = pools.get(following)
        following = other.fallback if other else None
    return "", chain


def _first(chain: list[str], drafted: Container[str]) -> str | None:
    return next((pool_id for pool_id in chain if pool_id in drafted), None)
