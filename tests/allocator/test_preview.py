"""A preview says what an ask would get, and changes nothing."""

from __future__ import annotations

import pytest
from hypothesis.stateful import rule
from msgspec.structs import replace

from allocator.answers import Ask, State
from tests.allocator.machines import Runtime, run_machine
from tests.allocator.test_model_stateful import Machine, networks, pools, tuples, wanted_areas


class PreviewingMachine(Machine):
    """All that can happen to two pools and their stock; at times an ask is foretold."""

    @rule(pool=pools, tuple_=tuples, areas=wanted_areas, network=networks)
    def preview_then_ask(self, pool: str, tuple_: str, areas: str, network: str) -> None:
        known = self.pools[pool].rules.areas.split()
        if known and not {*areas.split()} <= {*known}:
            return  # no ask names an area that its pool doesn't have
        before = self.do(self.allocator.status(pool, now_ms=self.now))
        foretold = self.do(self.allocator.preview(pool, tuple_, areas, network, now_ms=self.now))
        assert self.do(self.allocator.status(pool, now_ms=self.now)) == before
        ask = Ask(tuple_, areas=areas, network=network)
        (given,) = self.do(self.allocator.allocate(pool, [ask], now_ms=self.now))
        assert [given] == self.pools[pool].allocate([ask], self.now)
        if foretold.state is State.NEW and not foretold.number:  # the stock sends one
            assert given.state is State.NEW
        else:
            assert replace(given, least_ms=0) == foretold

    @rule(pool=pools, tuple_=tuples, areas=wanted_areas, network=networks)
    def preview_when_all_is_due(self, pool: str, tuple_: str, areas: str, network: str) -> None:
        self.now = max(self.now, self.pools[pool].clock) + 20_000
        self.preview_then_ask(pool, tuple_, areas, network)


@pytest.mark.timeout(600)
def test_what_is_foretold_is_given(runtime: Runtime) -> None:
    """Under every rule, with backlogs, drains, growth and edits before it."""
    run_machine(PreviewingMachine, runtime, examples=60, steps=40)
