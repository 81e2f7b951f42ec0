"""JSON and JSONP, answers and errors."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.api.conftest import Site


async def test_jsonp_calls_the_function(site: Site) -> None:
    """With callback, a script that begins with an empty comment."""
    await site.pool(swap_targets=[site.number(8000)])
    response = await site.swap(callback="app.cb$1")
    assert response.headers["content-type"] == "application/javascript; charset=utf-8"
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.text.startswith("/**/app.cb$1(")
    assert response.text.endswith(");")
    answer = json.loads(response.text.removeprefix("/**/app.cb$1(").removesuffix(");"))
    assert len(answer["swaps"]) == 1


async def test_jsonp_errors_have_status_200(client: httpx.AsyncClient) -> None:
    """A wrong account answers 200 with the error inside, escaped for a script."""
    query = {"account": "</script>\u2028", "callback": "cb"}
    response = await client.get("/v1/swap", params=query)
    assert response.status_code == 200
    assert "<" not in response.text
    assert "\u2028" not in response.text
    answer = json.loads(response.text.removeprefix("/**/cb(").removesuffix(");"))
    assert answer["error"]["class"] == "UnknownAccount"
    assert answer["swaps"] == []


@pytest.mark.parametrize("callback", ["alert(1)", "a-b", "", "1a", "x" * 65, "a\u00e4"])
async def test_a_callback_that_is_no_name_is_refused(site: Site, callback: str) -> None:
    """The name goes into a script: nothing but a name passes, and the refusal is plain JSON."""
    response = await site.swap(callback=callback)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/json"
    assert response.json()["error"]["class"] == "InvalidParameter"
