"""What the browser script must know of an account, put together from the configuration."""

from __future__ import annotations

from urllib.parse import urlsplit

from ringpool.catalog.snapshot import Snapshot
from ringpool.model import Account, PoolType
from ringpool.numbers.plans import plan
from ringpool.visits.pool_tuples import parameter_names
from snippet.bundle import PageSettings, TargetSettings


def page_settings(
    directory: Snapshot, account: Account, endpoint: str, public_key: str
) -> PageSettings:
    """Settings for every page of an account.

    ``endpoint``: the service's public URL; ``public_key``: ``Signer.public_key``. The number may be
    carried to the hosts of the account's origins, and to no others.
    """
    targets = directory.targets(account.id)
    names = (name for prepared in targets.values() for name in parameter_names(prepared.pool))
    return PageSettings(
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
        domains=tuple(urlsplit(origin).netloc for origin in account.origins),
    )
