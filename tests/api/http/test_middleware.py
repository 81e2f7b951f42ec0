"""What surrounds every request."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from xml.etree import ElementTree

import httpx
import pytest
from starlette.routing import Route
from structlog.testing import capture_logs

from allocator.port import Store
from api.app import create_app
from api.http import request_log
from api.http.endpoint import Endpoint
from api.http.replies import Reply, problem
from api.http.request import Request
from ringpool.settings import Settings
from tests.api.conftest import ADMIN, KEY, Site, running


async def test_every_answer_has_an_id_and_security_headers(client: httpx.AsyncClient) -> None:
    """Also those that no endpoint gave; a safe id of the caller's is kept."""
    for path in ("/livez", "/no-such-path", "/admin/v1/pools"):
        response = await client.get(path, headers={"x-request-id": "abc-1"})
        assert response.headers["x-request-id"] == "abc-1"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in response.headers["content-security-policy"]
    ids = {(await client.get("/livez")).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    odd = await client.get("/livez", headers={"x-request-id": "a b<script>"})
    assert "<" not in odd.headers["x-request-id"]


async def test_an_unknown_path_is_a_problem(client: httpx.AsyncClient) -> None:
    """404 as problem+json, with or without a slash at the end."""
    for path in ("/", "/v1", "/v1/swap/", "/%2e%2e/etc/passwd", "/t/", "/t/a/b"):
        response = await client.get(path)
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
async def test_an_unsupported_method_is_405_with_allow(
    client: httpx.AsyncClient, method: str
) -> None:
    """Every audience's endpoints."""
    for path in ("/livez", "/t/x", "/v1/swap", "/dni.js", "/openapi.json"):
        response = await client.request(method, path)
        assert response.status_code == 405
        assert "GET" in response.headers["allow"]


async def test_what_is_too_long_is_refused(client: httpx.AsyncClient) -> None:
    """URLs 414, headers 431."""
    assert (await client.get("/t/x?" + "a" * 17_000)).status_code == 414
    assert (await client.get("/" + "a" * 17_000)).status_code == 414
    assert (await client.get("/livez", headers={"x-a": "a" * 70_000})).status_code == 431


LONG = "a" * 17_000


async def test_a_url_that_is_too_long_is_refused_in_its_own_form(client: httpx.AsyncClient) -> None:
    """Its query, or its path: XML for XML, a line for JSON and CSV, JSONP, a problem."""
    for start in ("/api/v1", "/api/2014-01-01"):
        for rest in (f"x/allocate_number.xml?a={LONG}", f"{LONG}/allocate_number.xml"):
            response = await client.get(f"{start}/ring_pools/{rest}")
            assert response.status_code == 414
            assert ElementTree.fromstring(response.content).findtext("Class") == "UriTooLong"
        for form in ("json", "csv"):
            response = await client.get(f"{start}/ring_pools/x/allocate_number.{form}?a={LONG}")
            assert (response.status_code, response.text[:12]) == (414, "UriTooLong: ")
        response = await client.post(f"{start}/bulk.json?a={LONG}", json={})
        assert (response.status_code, response.text[:12]) == (414, "UriTooLong: ")
    response = await client.get(f"/v1/swap?url={LONG}")
    assert (response.status_code, response.json()["error"]["class"]) == (414, "UriTooLong")
    response = await client.get(f"/v1/swap?callback=cb&url={LONG}")
    assert (response.status_code, response.text[:7]) == (200, "/**/cb(")
    for path in ("/t/x", "/nowhere", "/livez"):
        response = await client.get(f"{path}?a={LONG}")
        assert (response.status_code, response.json()["class"]) == (414, "UriTooLong")


async def test_a_problem_has_the_errors_class(client: httpx.AsyncClient) -> None:
    """Beside RFC 9457's own members, as every other form has it."""
    for path, kind in (
        ("/t/nowhere", "UnknownPool"),
        ("/nowhere", "NotFound"),
        ("/admin/v1/pools", "Unauthorized"),
        ("/dni/0/dni.js", "UnknownVersion"),
    ):
        response = await client.get(path)
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["class"] == kind, path


async def test_a_path_of_the_number_api_that_is_not_there(client: httpx.AsyncClient) -> None:
    """Is refused as the number API refuses."""
    response = await client.get("/api/v1/ring_pools/a/b/allocate_number.xml")
    assert response.status_code == 404
    assert ElementTree.fromstring(response.content).findtext("Class") == "NotFound"
    response = await client.get("/api/v1/ring_pools/a/b/allocate_number.json")
    assert (response.status_code, response.text[:10]) == (404, "NotFound: ")


async def test_logs_hold_no_secrets(site: Site) -> None:
    """A failed call is logged with its path and id, without its query and headers."""
    pool = await site.pool()
    with capture_logs() as logs:
        await site.ask(pool, website="\x00secret-value")
        await site.client.get(
            f"/v1/verify?rp_sig=secret-value&callback=secretcallback&account={KEY}"
        )
    assert [entry["status"] for entry in logs] == [400, 200]
    text = repr(logs)
    for secret in (KEY, ADMIN, "secret-value", "secretcallback"):
        assert secret not in text


async def test_any_number_of_refusals_makes_few_lines(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first ones have a line each, others are counted in one; a change always has its own."""
    monkeypatch.setattr(request_log, "SAMPLE", 3)
    monkeypatch.setattr(request_log, "WINDOW_SECONDS", 0.5)
    with capture_logs() as logs:
        async with asyncio.timeout(30):
            while not any(entry["event"] == "requests_without_line" for entry in logs):
                await site.client.get("/nowhere")
                await site.client.get("/dni/0/dni.js")
                await asyncio.sleep(0)  # these answers wait for nothing
        await site.pool()
    told = [entry for entry in logs if entry["event"] == "requests_without_line"]
    assert set(told[0]["counts"]) == {"other 404", "pinned_script 404"}
    lines = [entry for entry in logs if entry["event"] == "request" and entry["status"] == 404]
    assert len(lines) <= 6  # a second window may have begun
    assert told[0]["counts"]["other 404"] > 6
    assert logs[-1]["path"].startswith("/admin/v1/pools/")


async def test_a_bug_answers_500_and_is_logged(settings: Settings, valkey_store: Store) -> None:
    """The caller learns nothing of it but its id."""

    async def broken(_request: Request) -> Reply:
        raise RuntimeError("the secret inside")

    route = Route(
        "/broken", Endpoint("broken", lambda _, refused: problem(refused), {"GET": broken})
    )
    async with running(create_app(settings, store=valkey_store, more_routes=[route])) as client:
        with capture_logs() as logs:
            response = await client.get("/broken")
    assert response.status_code == 500
    assert "secret" not in response.text
    assert logs[0]["event"] == "bug"


async def test_forwarded_headers_count_from_trusted_proxies_only(
    settings: Settings, valkey_store: Store
) -> None:
    """The scheme of links, and the client in logs."""
    headers = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"}
    for proxies, scheme, address in (
        ((), "http", "127.0.0.1"),
        (("127.0.0.0/8",), "https", "203.0.113.9"),
    ):
        app = create_app(replace(settings, trusted_proxies=proxies), store=valkey_store)
        async with running(app) as client:
            site = Site(client, f"proxied-{scheme}", "212556" if proxies else "212557")
            await site.make_account()
            pool = await site.pool(1)
            url = f"/api/v1/ring_pools/{pool}/allocate_number.json?ring_pool_key={KEY}"
            answer = (await client.get(url, headers=headers)).json()
            assert answer["tracking_url"].startswith(f"{scheme}://ringpool.test/t/")
            with capture_logs() as logs:
                await client.get("/no-such-path", headers=headers)
            assert logs[0]["client"] == address


@pytest.mark.parametrize("host", ['evil"/><script>', "evil.example", "evil.example:8000"])
async def test_nobody_is_sent_where_a_host_header_says(site: Site, host: str) -> None:
    """What caches keep for others is the same whatever the Host, and links are the service's."""
    pool = await site.pool(swap_targets=[site.number(8000)])
    script = f"/dni.js?account={site.account}"
    plain = await site.client.get(script)
    answers = [await site.client.get(script, headers={"host": host})]
    assert answers[0].content == plain.content
    assert answers[0].headers["etag"] == plain.headers["etag"]
    url = f"/api/v1/ring_pools/{pool}/allocate_number.json?ring_pool_key={KEY}"
    answers.append(await site.client.get(url, headers={"host": host}))
    assert answers[1].json()["tracking_url"] == f"http://ringpool.test/t/{pool}"
    bulk = {"requests": [{"api_suffix": url.partition("ring_pools/")[2]}]}
    answers.append(await site.client.post("/api/v1/bulk.json", json=bulk, headers={"host": host}))
    answers.append(await site.client.get(f"/t/{pool}", headers={"host": host}))
    for answer in answers:
        assert answer.status_code < 400
        assert "evil" not in answer.text + str(answer.headers)


async def test_the_public_url_is_the_base_of_links_and_in_the_script(
    settings: Settings, valkey_store: Store
) -> None:
    """Whatever address a request comes to."""
    public = "https://numbers.example"
    app = create_app(replace(settings, public_url=public), store=valkey_store)
    async with running(app) as client:
        site = Site(client, "public-url", "212558")
        await site.make_account()
        pool = await site.pool(1)
        answer = await site.ask(pool)
        assert answer.json()["tracking_url"] == f"{public}/t/{pool}"
        script = (await client.get(f"/dni.js?account={site.account}")).text
        assert f'"e":"{public}"' in script
