"""The app over a real store: one per test process, each test with an account of its own."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from allocator.allocator import Allocator
from allocator.answers import Ask
from allocator.port import Store
from api import scrape
from api.app import create_app, routes
from api.openapi.document import openapi_document
from ringpool.settings import Settings

ADMIN = "test-admin-token-0123456789"
KEY = "pool-key-0123456789abcdef"


@asynccontextmanager
async def running(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app whose lifespan runs, in this event loop."""
    begun, ended = asyncio.Event(), asyncio.Event()
    messages: list[dict[str, Any]] = []
    state: dict[str, Any] = {}

    async def receive() -> dict[str, Any]:
        if not begun.is_set():
            begun.set()
            return {"type": "lifespan.startup"}
        await ended.wait()
        return {"type": "lifespan.shutdown"}

    started = asyncio.Event()

    async def send(message: Any) -> None:
        messages.append(message)
        started.set()

    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": state}
    life = asyncio.create_task(app(scope, receive, send))  # type: ignore[arg-type]
    await started.wait()
    assert messages[0]["type"] == "lifespan.startup.complete", messages

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": dict(state)}, receive, send)

    transport = httpx.ASGITransport(with_state, raise_app_exceptions=True)
    try:
        async with httpx.AsyncClient(
            transport=transport,
            base_url="http://ringpool.test",
            timeout=30,
            event_hooks={"response": [check_described]},
        ) as client:
            yield client
    finally:
        ended.set()
        await life


async def check_described(response: httpx.Response) -> None:
    """Whatever a test asks of the managers' API: the classes of its 403 are in the document."""
    path, method = response.request.url.path, response.request.method.lower()
    if response.status_code != 403 or not path.startswith("/admin/") or method == "head":
        return
    kind = msgspec.json.decode(await response.aread())["class"]
    for pattern, operations in _described():
        if pattern.fullmatch(path):
            described = operations[method]["responses"]["403"]
            assert f"`{kind}`" in described["description"], (response.request, kind)


@cache
def _described() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """The operations of the managers' paths, by method."""
    paths = openapi_document(routes())["paths"]
    return [
        (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operations)
        for path, operations in paths.items()
        if path.startswith("/admin/")
    ]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a known admin token and a data directory of the test's own."""
    return Settings(data_dir=tmp_path, admin_token=ADMIN)


@pytest.fixture
async def client(settings: Settings, valkey_store: Store) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app over a real Valkey."""
    async with running(create_app(settings, store=valkey_store)) as client:
        yield client


@pytest.fixture(autouse=True)
def scrapes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have /metrics read anew whenever it is asked."""
    monkeypatch.setattr(scrape, "KEPT_SECONDS", 0.0)


class Site:
    """An account of one test's own, made through the managers' API, with pools as it needs."""

    def __init__(self, client: httpx.AsyncClient, account: str, area: str) -> None:
        self.client = client
        self.account = account
        self.area = area
        self.auth = {"authorization": f"Bearer {ADMIN}"}

    def number(self, index: int) -> str:
        """A number that no other test has."""
        return f"+1{self.area}{index:04d}"

    async def make_account(self, **more: Any) -> None:
        response = await self.put(f"/admin/v1/accounts/{self.account}", more)
        assert response.status_code in (200, 201), response.text

    async def put(self, path: str, document: dict[str, Any]) -> httpx.Response:
        """Make something, or replace whatever is there, as the administrator."""
        response = await self.client.put(path, json=document, headers=self.auth)
        if response.status_code == 428:
            headers = self.auth | {"if-match": "*"}
            response = await self.client.put(path, json=document, headers=headers)
        return response

    async def pool(self, size: int = 5, name: str = "pool", **more: Any) -> str:
        """Make a pool with ``size`` numbers and return its id."""
        pool_id = f"{self.account}-{name}"
        first = sum(name.encode()) % 50 * 100
        wanted = {
            "account": self.account,
            "key": KEY,
            "parameters": ["website", "location", "path"],
            "overflow_number": self.number(9999),
            "landing_url": "https://landing.example/offer",
            "numbers": [self.number(first + index) for index in range(size)],
        } | more
        if wanted.get("type", "custom") not in ("custom", "custom_search"):
            wanted.pop("parameters")
        response = await self.put(f"/admin/v1/pools/{pool_id}", wanted)
        assert response.status_code in (200, 201), response.text
        return pool_id

    async def ask(self, pool_id: str, form: str = "json", **parameters: str) -> httpx.Response:
        """Call the number API with the pool's key."""
        return await self.client.get(
            f"/api/v1/ring_pools/{pool_id}/allocate_number.{form}",
            params={"ring_pool_key": KEY, **parameters},
        )

    async def swap(self, headers: dict[str, str] | None = None, **query: str) -> httpx.Response:
        """Ask for the numbers of a page of this account."""
        return await self.client.get(
            "/v1/swap", params={"account": self.account, **query}, headers=headers
        )

    async def status(self, pool_id: str) -> dict[str, Any]:
        """The pool's state, as managers see it."""
        response = await self.client.get(f"/admin/v1/pools/{pool_id}/status", headers=self.auth)
        assert response.status_code == 200, response.text
        state: dict[str, Any] = response.json()
        return state

    async def metrics(self) -> str:
        """What the administrator reads at /metrics."""
        response = await self.client.get("/metrics", headers=self.auth)
        assert response.status_code == 200, response.text
        return response.text


def sent_on(response: httpx.Response) -> dict[str, list[str]]:
    """The parameters that a tracking link's redirect carries."""
    assert response.status_code == 302, response.text
    return parse_qs(urlsplit(response.headers["location"]).query, keep_blank_values=True)


async def let_guarantees_end(store: Store, pool_id: str) -> None:
    """Set the pool's clock an hour ahead; it stays there, as a clock never goes back."""
    later = int(time.time() * 1000) + 3_600_000
    await Allocator(store).touch(pool_id, [Ask("nobody")], now_ms=later)


_exchanges = itertools.count(step=2)
"""A count of tests, by two: one takes the exchange beside its own as well."""


@pytest.fixture
async def site(client: httpx.AsyncClient, unique: str) -> Site:
    """An account without pools."""
    # An area and exchange of its own: the tests of a process are on one store.
    area, exchange = divmod(next(_exchanges), 800)
    site = Site(client, unique, f"{200 + area}{200 + exchange}")
    await site.make_account(name="A test's account")
    return site
