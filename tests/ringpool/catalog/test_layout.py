"""The layout of the store's keys: older ones are migrated, newer ones refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from allocator.port import Store, StoreUnavailable
from ringpool.catalog import layout
from ringpool.catalog.layout import NewerLayout
from tests.ringpool.catalog.test_catalog import a_file, a_pool
from tests.ringpool.conftest import Bench
from tests.servers.service import RINGPOOL, environment

STATE = "rp:{ringpool}:catalog-state"


def written(bench: Bench) -> int:
    return int(bench.server.command("HGET", STATE, "layout") or 0)


async def test_a_store_of_before_is_the_first(bench: Bench) -> None:
    """What has no layout written down has the first one, whatever is in it."""
    await bench.catalog.apply(a_file(a_pool("p", ["+12126660101"])))
    assert written(bench) == 0
    await bench.catalog.settle_layout()
    assert written(bench) == layout.LAYOUT == 1


async def test_an_older_one_is_migrated_step_by_step(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that fails on the way goes on from the step that it reached."""
    steps: list[int] = []

    async def second(_: Store) -> None:
        steps.append(1)

    async def third(_: Store) -> None:
        steps.append(2)
        if steps.count(2) == 1:
            raise StoreUnavailable

    monkeypatch.setattr(layout, "LAYOUT", 3)
    monkeypatch.setattr(layout, "MIGRATIONS", {1: second, 2: third})
    with pytest.raises(StoreUnavailable):
        await bench.catalog.settle_layout()
    assert written(bench) == 2
    await bench.catalog.settle_layout()
    await bench.catalog.settle_layout()
    assert (steps, written(bench)) == ([1, 2, 2], 3)


async def test_every_older_layout_has_a_migration() -> None:
    """A gap would stop the start of a service whose store is that old."""
    assert set(layout.MIGRATIONS) == set(range(1, layout.LAYOUT))


async def test_a_newer_one_is_neither_read_nor_changed(bench: Bench, tmp_path: Path) -> None:
    """A service doesn't start, and a command changes nothing: one line, status 1."""
    bench.server.command("HSET", STATE, "layout", layout.LAYOUT + 1)
    with pytest.raises(NewerLayout):
        await bench.catalog.revision()
    with pytest.raises(NewerLayout):
        await bench.catalog.apply(a_file(a_pool("p", ["+12126660101"])))
    done = subprocess.run(
        [RINGPOOL, "serve", "--port", "0"],
        cwd=tmp_path,
        env={**environment(), "RINGPOOL_REDIS_URL": bench.server.url},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: the store: its keys have layout 2, which is newer than this")
