"""The scripts against the plain model while visitors are forgotten: no promise is broken."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis.stateful import rule

from allocator.answers import State
from allocator.searching import rename_tuple
from tests.allocator.machines import Runtime, run_machine
from tests.allocator.test_model_stateful import Machine, pools, tuples


class ForgettingMachine(Machine):
    """Tuples are renamed between all that may happen to their numbers."""

    seen: ClassVar[set[tuple[bool, bool, State]]] = set()
    budgeted: ClassVar[set[State]] = set()
    renamed: ClassVar[list[bool]] = []

    @rule(pool=pools, tuple_=tuples)
    def forget(self, pool: str, tuple_: str) -> None:
        """Its number stays promised, as a tuple's that no visit has."""
        other = f"website=forgotten.{len(self.renamed)}"
        done = self.do(rename_tuple(self.runtime.store, pool, tuple_, other))
        assert done == self.pools[pool].forget(tuple_, other)
        self.renamed.append(done)


@pytest.mark.timeout(600)  # as the model's own test
def test_who_is_forgotten_breaks_no_promise(runtime: Runtime) -> None:
    """Whatever was done before and comes after, the scripts answer as the plain model does."""
    run_machine(ForgettingMachine, runtime, examples=300, steps=40)
    assert ForgettingMachine.renamed.count(True) >= 20
