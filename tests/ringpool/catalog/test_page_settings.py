"""What the browser script is told of an account."""

from __future__ import annotations

from ringpool.catalog.page_settings import page_settings
from ringpool.catalog.snapshot import Snapshot
from ringpool.model import Account, Configuration, Pool

LANDING = "https://www.acme.example/"


def a_pool(name: str, account: str = "acme", **fields: object) -> Pool:
    return Pool(
        id=name,
        account=account,
        parameters=("m1",),
        allow_overflow=False,
        **fields,  # type: ignore[arg-type]
    )


def test_pools_that_only_a_tracking_link_leads_from() -> None:
    """Named are the account's own pools with a landing page and without swap targets."""
    configuration = Configuration(
        accounts=(Account(id="acme"), Account(id="other")),
        pools=(
            a_pool("links", landing_url=LANDING),
            a_pool("pages", landing_url=LANDING, swap_targets=("+18005550100",)),
            a_pool("api"),
            a_pool("foreign", account="other", landing_url=LANDING),
        ),
    )
    snapshot = Snapshot(1, configuration)
    settings = page_settings(snapshot, snapshot.accounts["acme"], "https://n.example", "key")
    assert list(settings["p"]) == ["links"]
    assert [target["pool"] for target in settings["t"]] == ["pages"]
