"""The number API under paths that begin with a date."""

from __future__ import annotations

from xml.etree import ElementTree

import httpx
import pytest

from tests.api.conftest import KEY, Site


@pytest.mark.parametrize("date", ["2014-01-01", "2022-08-01"])
async def test_a_dated_path_answers_alike(site: Site, date: str) -> None:
    """The same number, the same bodies, in every form and in bulk."""
    pool = await site.pool()
    for form in ("json", "xml", "csv"):
        await site.ask(pool, form, website="one")  # held from now on
        query = {"ring_pool_key": KEY, "website": "one"}
        paths = [f"/api/{start}/ring_pools/{pool}/allocate_number.{form}" for start in ("v1", date)]
        ours, dated = [await site.client.get(path, params=query) for path in paths]
        assert (dated.status_code, dated.content) == (200, ours.content)
        assert dated.headers["content-type"] == ours.headers["content-type"]
        refused = await site.client.get(paths[1], params={"ring_pool_key": "wrong"})
        assert (refused.status_code, "InvalidKey" in refused.text) == (401, True)
    rows = [{"api_suffix": f"{pool}/allocate_number.json?ring_pool_key={KEY}&website=one"}]
    ours, dated = [
        await site.client.post(f"/api/{start}/bulk.json", json={"requests": rows})
        for start in ("v1", date)
    ]
    assert dated.json() == ours.json()
    assert dated.json()["responses"][0]["state"] == "held"


@pytest.mark.parametrize("start", ["v2", "2014", "2014-01-01x", "20140101", "14-1-1"])
async def test_what_is_no_date_is_404(client: httpx.AsyncClient, start: str) -> None:
    """In the form that was asked for."""
    response = await client.get(f"/api/{start}/ring_pools/x/allocate_number.json")
    assert (response.status_code, response.text[:10]) == (404, "NotFound: ")
    response = await client.get(f"/api/{start}/ring_pools/x/allocate_number.xml")
    assert response.status_code == 404
    assert ElementTree.fromstring(response.content).findtext("Class") == "NotFound"
    response = await client.post(f"/api/{start}/bulk.json", json={"requests": [{}]})
    assert (response.status_code, response.text[:10]) == (404, "NotFound: ")
