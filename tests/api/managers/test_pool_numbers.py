"""The numbers in a pool."""

from __future__ import annotations

import pytest

from tests.api.conftest import Site


@pytest.mark.parametrize("after", ["x", "-1", "٣", "18446744073709551616", "9" * 5000])
async def test_a_place_that_no_page_gave_is_refused(site: Site, after: str) -> None:
    """``after`` is what the page before gave as ``next``: anything else is a 400 that names it."""
    pool = await site.pool(1)
    response = await site.client.get(
        f"/admin/v1/pools/{pool}/numbers", params={"after": after}, headers=site.auth
    )
    assert response.status_code == 400, response.text
    assert response.json()["errors"][0]["field"] == "after"


async def test_pages_lead_through_all_numbers(site: Site) -> None:
    """Every number comes on some page; ``next`` is absent on the last."""
    pool = await site.pool(2)
    numbers = [site.number(index) for index in range(5000, 6000)]
    path = f"/admin/v1/pools/{pool}/numbers"
    added = await site.client.post(path, json={"numbers": numbers}, headers=site.auth)
    assert added.status_code == 204, added.text
    seen: set[str] = set()
    after, pages = "", 0
    while after or not pages:
        page = await site.client.get(path, params={"after": after, "limit": 10}, headers=site.auth)
        seen |= {row["number"] for row in page.json()["numbers"]}
        after, pages = page.json().get("next", ""), pages + 1
    assert len(seen) == 1002
    assert seen.issuperset(numbers)
    assert pages > 10


async def test_a_number_in_the_query_may_have_its_plus_unescaped(site: Site) -> None:
    """``?number=+1…`` is what people type: the blank that it is read as counts as the plus."""
    pool = await site.pool(2)
    path = f"/admin/v1/pools/{pool}/numbers"
    rows = (await site.client.get(path, headers=site.auth)).json()["numbers"]
    removed = await site.client.delete(f"{path}?number={rows[0]['number']}", headers=site.auth)
    assert removed.status_code == 204, removed.text
    assert (await site.status(pool))["size"] == 1
