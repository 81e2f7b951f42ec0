"""The event loops that the tests run on, and the store of state machines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping

import pytest
import uvloop

from tests.allocator.machines import Runtime
from tests.servers import stores

_ON_BOTH = {"test_connection.py"}
"""Tests of what leans on a loop's transports: also on the loop that serves."""


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Asked for every asynchronous test."""
    if item.path.name in _ON_BOTH:
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture(scope="module")
def runtime() -> Iterator[Runtime]:
    """A server of a module's own: its state machine empties it."""
    with stores.valkey() as server:
        runtime = Runtime(server)
        yield runtime
        runtime.close()
