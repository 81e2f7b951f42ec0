"""The visitor is still there, or leaves."""

from __future__ import annotations

import pytest

from allocator.port import Store
from tests.api.conftest import Site, let_guarantees_end


async def test_each_visitor_has_a_number_until_they_leave(site: Site, valkey_store: Store) -> None:
    """Ping keeps a visitor's number, release lets it go once its guarantee is over."""
    pool = await site.pool(1, type="visitor", swap_targets=[site.number(8000)])
    (entry,) = (await site.swap(visitor="v-1")).json()["swaps"]
    query = f"account={site.account}&visitor=v-1"
    ping = await site.client.get(f"/v1/ping?{query}")
    assert (ping.status_code, ping.content) == (204, b"")
    assert (await site.swap(visitor="v-2")).json()["swaps"][0]["state"] == "overflow"
    form = {"content-type": "text/plain;charset=UTF-8"}
    left = await site.client.post("/v1/release", content=query, headers=form)
    assert left.status_code == 204
    await let_guarantees_end(valkey_store, pool)
    (second,) = (await site.swap(visitor="v-2")).json()["swaps"]
    assert (second["state"], second["number"]) == ("recycled", entry["number"])


@pytest.mark.parametrize("path", ["/v1/ping", "/v1/release"])
async def test_a_form_that_cannot_be_read_is_refused(site: Site, path: str) -> None:
    """A body that is no form, or too long; an account that isn't there."""
    post = site.client.post
    json_body = await post(path, json={"account": site.account})
    assert json_body.status_code == 415
    long = await post(path, content=b"a=" + b"x" * 20_000, headers={"content-type": "text/plain"})
    assert long.status_code == 413
    assert (await post(f"{path}?account=nobody")).status_code == 404
