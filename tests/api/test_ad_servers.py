"""The number API over HTTP."""

from __future__ import annotations

from tests.api.conftest import Site


async def test_a_new_tuple_gets_a_number_in_json(site: Site) -> None:
    """JSON carries the national digits, the dashed form, the link, and what the allocator says."""
    pool = await site.pool()
    response = await site.ask(pool, website="one", location="footer", path="home")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert answer["state"] == "new"
    digits = answer["number"].removeprefix("+1")
    assert answer["promo_number"] == digits
    assert answer["promo_number_formatted"] == f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
    assert answer["tracking_url"] == (
        f"http://ringpool.test/t/{pool}?website=one&location=footer&path=home"
    )
    assert answer["guaranteed_until"].endswith("Z")
    assert "overflow" not in answer
