"""State machines on a store of their own: how they are set up, and how they are run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from allocator.allocator import Allocator
from allocator.port import Store
from allocator.redis.url import connect
from allocator.stocks import Stocks
from allocator.transfers import Transfers
from tests.servers import stores

T = TypeVar("T")


class Runtime:
    """A loop and a store for state machines, which aren't asynchronous, and an empty server."""

    def __init__(self, server: stores.Server) -> None:
        self._runner = asyncio.Runner()
        self._server = server
        self.store: Store = self.do(connect(server.url, timeout_ms=10_000))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        # Not the runner's own run, which sets the interrupt handler up each time.
        return self._runner.get_loop().run_until_complete(work)

    def empty(self) -> None:
        self._server.command("FLUSHALL")

    def command(self, *words: object) -> Any:
        return self._server.command(*words)

    def close(self) -> None:
        self.do(self.store.aclose())
        self._runner.close()


class StoreMachine(RuleBasedStateMachine):
    """A machine on an empty store, whose time (ms) begins at ``start``."""

    def __init__(self, runtime: Runtime, start: int) -> None:
        super().__init__()
        runtime.empty()
        self.do = runtime.do
        self.allocator = Allocator(runtime.store)
        self.stocks = Stocks(runtime.store)
        self.transfers = Transfers(runtime.store)
        self.now = start


def run_machine(
    machine: Callable[[Runtime], StoreMachine], runtime: Runtime, *, examples: int, steps: int
) -> None:
    """Run the same examples every time."""
    run_state_machine_as_test(
        lambda: machine(runtime),  # type: ignore[arg-type]  # any callable does
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=True,
            deadline=None,
            database=None,
            print_blob=False,
            report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
