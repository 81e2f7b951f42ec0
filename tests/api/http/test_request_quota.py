"""An account's keys make so many requests a minute, whichever worker answers."""

from __future__ import annotations

import re

import pytest

from allocator.port import Store, StoreUnavailable
from allocator.rates import Rates
from api.app import create_app, routes
from ringpool.settings import Settings
from tests.api.conftest import KEY, Site, running


async def test_the_quota_holds_over_all_workers(
    site: Site, settings: Settings, valkey_store: Store
) -> None:
    """What the managers' API, swap and ping count together; the answer names the quota."""
    key = f"key-of-{site.account}"
    pool = await site.pool(swap_targets=[site.number(8000)])
    await site.make_account(api_keys=[key], quota={"requests": 6})
    theirs = {"authorization": f"Bearer {key}"}
    async with running(create_app(settings, store=valkey_store)) as other:
        workers = site.client, other
        paths = (f"/admin/v1/pools/{pool}", "/v1/swap", "/v1/ping", "/admin/v1/numbers/nonsense")
        answers = [
            await workers[place % 2].get(paths[place % 4], headers=theirs) for place in range(12)
        ]
        statuses = [answer.status_code for answer in answers]
        assert statuses == [200, 200, 204, 404, 200, 200, *[429] * 6]
        for answer in answers[6:]:
            assert 1 <= int(answer.headers["retry-after"]) <= 10
            assert "QuotaExceeded" in answer.text
            assert "quota.requests" in answer.text
        assert answers[8].json()["errors"][0]["field"] == "quota.requests"
        # Whoever has another key, or none, is on no quota of theirs.
        assert (await site.ask(pool, website="one")).status_code == 200
        assert (await site.client.get(paths[0], headers=site.auth)).status_code == 200
        assert (await site.swap()).status_code == 200
        bearer = {"authorization": f"Bearer {KEY}"}
        assert (await site.client.get(paths[0], headers=bearer)).status_code == 401
        texts = [await site.metrics()]
        texts.append((await other.get("/metrics", headers=site.auth)).text)
    name = f'ringpool_requests_over_quota_total{{account="{site.account}"}} '
    assert [text.split(name)[1].split("\n")[0] for text in texts] == ["3.0", "3.0"]


async def test_every_route_of_the_managers_counts(site: Site) -> None:
    """With the quota used up, each is refused, whatever it was asked for."""
    key = f"key-of-{site.account}"
    await site.make_account(api_keys=[key], quota={"requests": 1})
    theirs = {"authorization": f"Bearer {key}"}
    first = await site.client.get(f"/admin/v1/accounts/{site.account}", headers=theirs)
    assert first.status_code == 200
    for route in routes():
        if not route.path.startswith("/admin/"):
            continue
        for operation in route.endpoint.operations:
            path = re.sub(r"{\w+}", "1", route.path)
            answer = await site.client.request(operation.method, path, headers=theirs)
            assert answer.status_code == 429, (operation.method, route.path)


async def test_without_the_store_nothing_is_counted(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that renders a page hears then that there is no number, not an error."""
    key = f"key-of-{site.account}"
    await site.pool(swap_targets=[site.number(8000)])
    await site.make_account(api_keys=[key], quota={"requests": 1})

    async def away(*_: object) -> int:
        raise StoreUnavailable

    monkeypatch.setattr(Rates, "count", away)
    for _ in range(2):
        answer = await site.client.get("/v1/swap", headers={"authorization": f"Bearer {key}"})
        assert answer.status_code == 200
