"""How long an account's calls and clicks are kept, as a setting of the account."""

from __future__ import annotations

import pytest

from tests.api.conftest import Site


async def test_it_is_set_shown_and_taken_away(site: Site) -> None:
    """By the administrator: an account's own key can't have its traces deleted."""
    key = f"key-of-{site.account}"
    await site.make_account(retention="90d", api_keys=[key])
    path = f"/admin/v1/accounts/{site.account}"
    own = {"authorization": f"Bearer {key}"}
    assert (await site.client.get(path, headers=site.auth)).json()["retention"] == "90d"
    body = {"retention": "1d"}
    assert (await site.client.patch(path, json=body, headers=own)).status_code == 403
    changed = await site.client.patch(path, json=body, headers=site.auth)
    assert (changed.status_code, changed.json()["retention"]) == (200, "1d")
    assert (
        await site.client.patch(path, json={"retention": None}, headers=site.auth)
    ).status_code == 200
    assert "retention" not in (await site.client.get(path, headers=site.auth)).json()


@pytest.mark.parametrize("retention", ["23h", "11y", "soon", 90, "", "-1d"])
async def test_a_wrong_one_is_refused_by_name(site: Site, retention: object) -> None:
    """And nothing is changed."""
    await site.make_account(retention="90d")
    path = f"/admin/v1/accounts/{site.account}"
    refused = await site.client.patch(path, json={"retention": retention}, headers=site.auth)
    assert refused.status_code == 422
    assert "retention" in refused.text
    assert (await site.client.get(path, headers=site.auth)).json()["retention"] == "90d"
