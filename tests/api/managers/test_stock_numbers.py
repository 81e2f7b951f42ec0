"""The numbers in a stock, over HTTP."""

from __future__ import annotations

from tests.api.conftest import Site


async def test_where_a_stocks_numbers_are(site: Site) -> None:
    """Each with its kind, and the pool that it is lent to; the counts add up."""
    stock = f"{site.account}-stock"
    numbers = [site.number(index) for index in range(7000, 7003)]
    made = await site.client.post(
        "/admin/v1/stocks",
        json={"id": stock, "account": site.account, "numbers": numbers},
        headers=site.auth,
    )
    assert made.status_code == 201, made.text
    pool = await site.pool(0, stock={"id": stock, "country": "US"}, initial=0, max_size=10)
    assert (await site.ask(pool, m1="x")).json()["state"] == "new"
    path = f"/admin/v1/stocks/{stock}"
    page = (await site.client.get(f"{path}/numbers", headers=site.auth)).json()
    assert "next" not in page
    assert sorted(row["number"] for row in page["numbers"]) == sorted(numbers)
    assert {row["country"] for row in page["numbers"]} == {"US"}
    lent = [row for row in page["numbers"] if row["state"] == "lent"]
    assert [row["pool"] for row in lent] == [pool]
    counts = (await site.client.get(f"{path}/status", headers=site.auth)).json()
    assert counts == {"size": 3, "available": 2, "resting": 0, "lent": 1, "moving": 0}
    for wrong in ("after=x", "limit=0"):
        refused = await site.client.get(f"{path}/numbers?{wrong}", headers=site.auth)
        assert refused.status_code == 400, refused.text
    unknown = await site.client.get("/admin/v1/stocks/nobodys/numbers", headers=site.auth)
    assert (unknown.status_code, unknown.json()["class"]) == (404, "UnknownStock")
    other = Site(site.client, f"{site.account}-o", site.area)
    await other.make_account(api_keys=[f"key-of-{other.account}"])
    theirs = {"authorization": f"Bearer key-of-{other.account}"}
    for of_it in ("numbers", "status"):
        hidden = await site.client.get(f"{path}/{of_it}", headers=theirs)
        assert (hidden.status_code, hidden.json()["class"]) == (404, "UnknownStock")
