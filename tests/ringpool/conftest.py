"""A catalog of one's own: the configuration is one for a whole store, so these tests empty it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import pytest

from allocator.allocator import Allocator
from allocator.port import Store
from allocator.redis.url import connect
from allocator.stocks import Stocks
from ringpool.catalog import writer
from ringpool.catalog.catalog import Catalog
from tests.conftest import PATIENT_MS
from tests.servers import stores


@dataclass
class Bench:
    """A store that is empty at the start of the test, and what works on it."""

    server: stores.Server
    store: Store

    @property
    def allocator(self) -> Allocator:
        return Allocator(self.store)

    @property
    def stocks(self) -> Stocks:
        return Stocks(self.store)

    @property
    def catalog(self) -> Catalog:
        return self.catalog_on(self.store)

    def catalog_on(self, store: Store) -> Catalog:
        return Catalog(store, Allocator(store), Stocks(store))

    def break_lock(self) -> None:
        """Let the lock of a writer that died run out now."""
        self.server.command("DEL", "rp:{ringpool}:catalog-lock")


@pytest.fixture(scope="session")
def emptied_server() -> Iterator[stores.Server]:
    """A server that tests may empty."""
    with stores.valkey() as server:
        yield server


@pytest.fixture
async def bench(
    emptied_server: stores.Server, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    """An empty store for this test, whose writers wait their turn for as long as it takes."""
    monkeypatch.setattr(writer, "_LOCK_SECONDS", 60.0)
    emptied_server.command("FLUSHALL")
    store = await connect(emptied_server.url, timeout_ms=PATIENT_MS)
    yield Bench(emptied_server, store)
    await store.aclose()


@pytest.fixture
def phone() -> Callable[[int], str]:
    """Numbers for tests: ``phone(7)`` is ``+18882000007``."""
    return lambda index: f"+1888{2_000_000 + index}"
