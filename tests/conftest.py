"""Servers and stores that tests of every package share.

A server starts once per test process and is never flushed: a test works in a pool of its own
(``unique``). A test that breaks a server starts its own from ``tests.servers``.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from allocator.port import Store
from allocator.redis.url import connect
from tests.servers import stores
from tests.servers.cluster import Cluster, cluster3

# How long an example takes, or the making of one, is never the subject.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

PATIENT_MS = 10_000
"""A store timeout for tests that aren't about time: machines under test are busy."""


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[stores.Server]:
    """Valkey 9, as the embedded store runs it."""
    with stores.valkey() as server:
        yield server


@pytest.fixture(scope="session")
def redis7_server() -> Iterator[stores.Server]:
    """Debian's Redis 7."""
    with stores.redis7() as server:
        yield server


@pytest.fixture(scope="session")
def cluster_server() -> Iterator[Cluster]:
    """A cluster of three Valkeys."""
    with cluster3() as cluster:
        yield cluster


@pytest.fixture(params=["valkey", "redis7", "cluster"])
def backend(request: pytest.FixtureRequest) -> stores.Server | Cluster:
    """Each kind of server in turn."""
    server: stores.Server | Cluster = request.getfixturevalue(f"{request.param}_server")
    return server


@pytest.fixture
async def store(backend: stores.Server | Cluster) -> AsyncIterator[Store]:
    """A store on each kind of server in turn."""
    store = await connect(backend.url, timeout_ms=PATIENT_MS)
    yield store
    await store.aclose()


@pytest.fixture
async def valkey_store(valkey_server: stores.Server) -> AsyncIterator[Store]:
    """A store on Valkey alone, for tests that aren't about the store."""
    store = await connect(valkey_server.url, timeout_ms=PATIENT_MS)
    yield store
    await store.aclose()


@pytest.fixture
def unique() -> str:
    """An id (of a pool, account or stock) that no other test uses."""
    return f"t-{uuid.uuid4().hex[:12]}"
