"""What the browser script must know of an account, put together from the configuration."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from ringpool.catalog.snapshot import Snapshot
from ringpool.model import Account, NumberFormat, PoolType
from ringpool.numbers.plans import Plan, plan
from ringpool.visits.pool_tuples import parameter_names


class TargetSettings(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"number": "t", "plan": "f", "format": "as", "hold_ms": "hold"},
):
    """One number to look for on pages, and what the page must know of the pool that replaces it.

    ``number``: the target in E.164, as in the pool's ``swap_targets``.
    ``plan``: ``ringpool.numbers.plans.plan(number)``.
    ``hold_ms``: the pool's ``hold_on_activity``; 0: the page sends no pings and no release.
    ``visitor``: the pool is of type ``visitor``: asked for only with consent to a visitor id.
    ``call``: the pool's ``mobile_click_to_call``: phones get ``tel:`` links.
    """

    number: str
    plan: Plan
    pool: str
    format: NumberFormat = NumberFormat.AS_FOUND
    hold_ms: int = 0
    visitor: bool = False
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

    ``account``: its id. ``endpoint``: the service's public URL without a trailing slash; used only
    when the script can't tell from its own address where it was loaded from (a first-party proxy
    keeps working). ``key``: the public key of tracking links, the raw uncompressed 65-byte P-256
    point in base64url without padding. ``params``: query parameters that make another visit of a
    page URL when they differ: the names of the account's pool parameters (the script itself knows
    the click ids and ``utm_*``). ``link_pools``: the account's pools without swap targets that a
    tracking link may lead from; their signed numbers replace all the account's targets on the
    landing page. ``domains``: hosts (with port, if any) that outgoing links may
    carry the number to. ``defaults``: values for ``data-`` attributes that the tag lacks, named as
    in JavaScript's ``dataset`` (``{"timeout": "1000", "clickToCall": ""}``).
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

    ``endpoint``: the service's public URL; ``public_key``: ``Signer.public_key``. The number may be
    carried to the hosts of the account's origins, and to no others.
    """
    targets = directory.targets(account.id)
    names = (name for prepared in targets.values() for name in parameter_names(prepared.pool))
    settings = PageSettings(
        account=account.id,
        endpoint=endpoint,
        key=public_key,
        targets=tuple(
            TargetSettings(
                number=number,
                plan=plan(number),
                pool=prepared.pool.id,
                format=prepared.pool.format,
                hold_ms=int(prepared.pool.hold_on_activity),
                visitor=prepared.pool.type is PoolType.VISITOR,
                call=prepared.pool.mobile_click_to_call,
            )
            for number, prepared in targets.items()
        ),
        params=tuple(dict.fromkeys(names)),
        link_pools=tuple(
            id_
            for id_, prepared in directory.pools.items()
            if prepared.pool.account == account.id
            and prepared.pool.landing_url
            and not prepared.pool.swap_targets
        ),
        domains=tuple(urlsplit(origin).netloc for origin in account.origins),
    )
    built: dict[str, Any] = msgspec.to_builtins(settings)
    return built
