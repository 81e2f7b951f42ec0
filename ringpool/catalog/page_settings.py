"""What the browser script must know of an account, put together from the configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from ringpool.catalog.snapshot import PreparedPool, Snapshot
from ringpool.model import Account, NumberFormat, PoolType
from ringpool.numbers.plans import Plan, plan
from ringpool.visits.pool_tuples import parameter_names

_COOKIE = "cookie."


class TargetSettings(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"number": "t", "plan": "f", "pools": "pool", "format": "as", "hold_ms": "hold"},
):
    """One number to look for on pages, and what the page must know of the pools that replace it.

    ``number``: the target in E.164, as in the pool's ``swap_targets``.
    ``plan``: ``ringpool.numbers.plans.plan(number)``.
    ``pools``: those that name it, in the order of the rules: a tracking link's signed number of one
    of them replaces it.
    ``format``, ``call`` (``mobile_click_to_call``: phones get ``tel:`` links): of the first pool
    that names it, in the order of the rules.
    ``hold_ms``: for how long activity holds a number at least, of these pools and those that they
    fall back on; 0: it holds none, and the page sends no pings and no release.
    ``visitor``: True where all of them are of type ``visitor``: asked for only with consent to a
    visitor id; 1 where some are, or one that they fall back on: asked for without it too.
    """

    number: str
    plan: Plan
    pools: tuple[str, ...]
    format: NumberFormat = NumberFormat.AS_FOUND
    hold_ms: int = 0
    visitor: bool | int = False
    call: bool = False


class PageSettings(
    Struct,
    frozen=True,
    kw_only=True,
    rename={
        "account": "a",
        "endpoint": "e",
        "key": "k",
        "targets": "t",
        "params": "q",
        "link_pools": "p",
        "domains": "d",
        "defaults": "o",
    },
):
    """What ``/dni.js?account=`` tells a page, so that it needs no round trip to know it.

    ``account``: its id. ``endpoint``: the service's public URL without a trailing slash, "" where
    none is set; used only when the script can't tell from its own address where it was loaded from
    (a first-party proxy keeps working). ``key``: the public key of tracking links, the raw
    uncompressed 65-byte P-256 point in base64url without padding. ``params``: query parameters that
    make another visit of a page URL when they differ: the names of the account's pool parameters
    and those that rules read (the script itself knows the click ids and ``utm_*``).
    ``link_pools``: the account's pools
    without swap targets that a tracking link may lead from; their signed numbers replace all the
    account's targets on the landing page. Those of pools named neither here nor with a target are
    another account's, and replace none. ``domains``: hosts (with port, if any) that outgoing links
    may carry the number to. ``defaults``: values for ``data-`` attributes that the tag lacks, named
    as in JavaScript's ``dataset`` (``{"timeout": "1000", "clickToCall": ""}``).
    """

    account: str
    endpoint: str = ""
    key: str = ""
    targets: tuple[TargetSettings, ...] = ()
    params: tuple[str, ...] = ()
    link_pools: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    defaults: dict[str, str] = {}


def page_settings(
    directory: Snapshot, account: Account, endpoint: str, public_key: str
) -> dict[str, Any]:
    """Settings for every page of an account, as ``snippet.bundle`` takes them.

    ``endpoint``: the service's public URL or ""; ``public_key``: ``Signer.public_key``. The number
    may be carried to the hosts of the account's origins, and to no others.
    """
    targets = directory.targets(account.id)
    of_targets = [each for pools in targets.values() for each in _with_fallbacks(pools)]
    settings = PageSettings(
        account=account.id,
        endpoint=endpoint,
        key=public_key,
        targets=tuple(_target_settings(number, pools) for number, pools in targets.items()),
        params=tuple(dict.fromkeys(_parameters(of_targets))),
        link_pools=tuple(prepared.pool.id for prepared in directory.landing_pools(account.id)),
        defaults=_defaults(of_targets),
        domains=tuple(urlsplit(origin).netloc for origin in account.origins),
    )
    built: dict[str, Any] = msgspec.to_builtins(settings)
    return built


def _target_settings(number: str, pools: Sequence[PreparedPool]) -> TargetSettings:
    first = pools[0].pool
    asked = _with_fallbacks(pools)
    return TargetSettings(
        number=number,
        plan=plan(number),
        pools=tuple(prepared.pool.id for prepared in pools),
        format=first.format,
        hold_ms=min((int(hold) for each in asked if (hold := each.pool.hold)), default=0),
        visitor=all(map(_is_of_visitors, pools))
        or (1 if any(map(_is_of_visitors, asked)) else False),
        call=first.mobile_click_to_call,
    )


def _with_fallbacks(pools: Sequence[PreparedPool]) -> list[PreparedPool]:
    """The pools, each with those that are asked when it has nothing."""
    return [each for prepared in pools for each in (prepared, *prepared.fallbacks)]


def _is_of_visitors(prepared: PreparedPool) -> bool:
    return prepared.pool.type is PoolType.VISITOR


def _parameters(pools: Iterable[PreparedPool]) -> Iterator[str]:
    """The query parameters that tuples are made of or rules read."""
    for prepared in pools:
        yield from parameter_names(prepared.pool)
        if prepared.rule is not None:
            yield from prepared.rule.page_parameters()


def _defaults(pools: Iterable[PreparedPool]) -> dict[str, str]:
    """The cookies that tuples are made of or rules read, as ``data-cookies`` names them."""
    read: set[str] = set()
    for prepared in pools:
        read.update(parameter_names(prepared.pool))
        if prepared.rule is not None:
            read |= prepared.rule.fields
    cookies = sorted(name.removeprefix(_COOKIE) for name in read if name.startswith(_COOKIE))
    return {"cookies": ",".join(cookies)} if cookies else {}
