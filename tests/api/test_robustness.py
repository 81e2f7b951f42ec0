"""Whatever comes in, no 5xx goes out."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from allocator.redis.url import connect
from api.app import create_app
from ringpool.settings import Settings
from tests.api.conftest import ADMIN, KEY, Site, running
from tests.servers import stores

PATHS = (
    "/v1/swap",
    "/v1/ping",
    "/v1/release",
    "/v1/verify",
    "/dni.js",
    "/t/fuzz-pool",
    "/t/fuzz-visitors",
    "/api/v1/ring_pools/fuzz-pool/allocate_number.json",
    "/api/v1/ring_pools/fuzz-search/allocate_number.xml",
    "/api/v1/ring_pools/fuzz-visitors/allocate_number.csv",
    "/admin/v1/pools",
    "/admin/v1/pools/fuzz-pool/numbers",
    "/admin/v1/numbers/+12125590000",
)
NAMES = st.sampled_from(
    """
    account url ref visitor targets pool callback ring_pool_key website location path param1
    param10 search_engine search_keywords search_keyword_id landing_page referrer publisher
    mobile_click_to_call rp_number rp_pool rp_exp rp_sig after limit at gclid
    """.split()  # noqa: SIM905 - as a list of strings it would be 30 lines
)
VALUES = (
    st.sampled_from(["fuzz", "fuzz-pool", KEY, "", "1", "+12125590000", "2026-01-01T00:00:00Z"])
    | st.text(max_size=40)
    | st.sampled_from(["http://[", "https://a:99999999/", "//", "http://\u2028", "9" * 5000])
)
QUERIES = st.dictionaries(NAMES, VALUES, max_size=6).map(lambda some: str(httpx.QueryParams(some)))
RAW = st.binary(max_size=60).map(
    # Any bytes, escaped only where HTTP itself wouldn't let them pass.
    lambda raw: "".join(chr(b) if 32 < b < 127 and b != 35 else f"%{b:02x}" for b in raw)
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["user-agent", "referer", "origin", "host", "x-request-id", "accept", "sec-ch-ua-mobile"]
    ),
    st.binary(max_size=30).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b"").strip()),
    max_size=3,
)


def test_no_request_breaks_the_service(valkey_server: stores.Server, tmp_path: Path) -> None:
    """Random queries and headers at every audience's endpoints, with and without keys."""
    with asyncio.Runner() as runner:

        async def begin(stack: AsyncExitStack) -> httpx.AsyncClient:
            store = await connect(valkey_server.url, timeout_ms=10_000)
            stack.push_async_callback(store.aclose)
            app = create_app(Settings(data_dir=tmp_path, admin_token=ADMIN), store=store)
            client = await stack.enter_async_context(running(app))
            site = Site(client, "fuzz", "212559")
            await site.make_account()
            await site.pool(3, swap_targets=[site.number(8000)])
            await site.pool(3, "search", type="search", swap_targets=[site.number(8001)])
            await site.pool(3, "visitors", type="visitor", swap_targets=[site.number(8002)])
            return client

        stack = AsyncExitStack()
        client = runner.run(begin(stack))

        @settings(
            max_examples=300,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            phases=[Phase.generate],  # a request that fails is short enough to be read as it is
        )
        @given(st.sampled_from(PATHS), QUERIES | RAW, HEADERS, st.booleans())
        def ask(path: str, query: str, headers: dict[str, bytes], authorised: bool) -> None:
            given_headers: list[tuple[bytes, bytes]] = [
                (name.encode(), value) for name, value in headers.items()
            ]
            if authorised:
                token = KEY if path.startswith("/api") else ADMIN
                given_headers.append((b"authorization", b"Bearer " + token.encode()))
            if authorised and path.startswith("/v1/"):
                query = f"account=fuzz&{query}"
            response = runner.run(client.get(f"{path}?{query}", headers=given_headers))
            assert response.status_code < 500, response.text

        try:
            ask()
        finally:
            runner.run(stack.aclose())
