"""The files of several workers' metrics: no full disk ends a process that counts in them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest, values
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

from api.server import metric_files
from tests.servers.process import NotInstalled
from tests.servers.small_disk import fill, small_disk

COUNT = """
import sys
from api.server import metric_files
metric_files.use(int(sys.argv[1]))
from prometheus_client import Counter
counter = Counter("tested", "Tested", ("id",))
for number in range(int(sys.argv[2])):
    counter.labels(str(number)).inc()
"""

COUNT_DEATH = 'from api.server.metric_files import death_counter; death_counter()("SIGKILL")'


def count(place: int, ids: int) -> int:
    """Count once for each of so many ids, in a process of its own; returns its exit status."""
    command = [sys.executable, "-c", COUNT, str(place), str(ids)]
    return subprocess.run(command, timeout=60).returncode


def told() -> int:
    """How often all processes have counted."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    text = generate_latest(registry).decode()
    lines = [line for line in text.splitlines() if line.startswith("tested_total{")]
    return sum(int(float(line.rpartition(" ")[2])) for line in lines)


@pytest.fixture(autouse=True)
def _unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set for the process is taken back."""
    monkeypatch.setenv(metric_files.VARIABLE, "")
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    monkeypatch.setattr(values, "MmapedDict", MmapedDict)


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for the files of two workers, and no more."""
    try:
        with small_disk(tmp_path / "tiny", 7 << 18) as folder:
            yield folder
    except NotInstalled as missing:
        pytest.skip(str(missing))


def test_a_full_disk_ends_no_process_that_counts(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What there is no room for isn't counted; the rest is, and nothing dies of it."""
    monkeypatch.setattr(metric_files, "_MEMORY", tiny)
    with metric_files.folder(2, tmp_path / "unused"):
        assert Path(os.environ[metric_files.VARIABLE]).parent == tiny
        fill(tiny)
        assert count(0, 4_000) == 0  # unallocated, its file would end it by SIGBUS
        assert 1_000 < told() < 4_000
    assert [path.name for path in tiny.iterdir()] == ["filler"]


def test_files_go_where_there_is_room(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in memory when that is full; not in the data directory while there is another place."""
    fill(tiny)
    monkeypatch.setattr(metric_files, "_MEMORY", tiny)
    with metric_files.folder(2, tmp_path / "unused"):
        made = Path(os.environ[metric_files.VARIABLE])
        assert tiny not in made.parents
        assert tmp_path / "unused" not in made.parents
    assert not made.exists()


def test_a_successor_counts_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place's files are those of one process after another, and grow with what is counted; the
    parent's deaths are in a file of their own."""
    monkeypatch.setattr(metric_files, "_MEMORY", tmp_path)
    with metric_files.folder(1, tmp_path):
        (made,) = tmp_path.glob("ringpool-metrics-*")
        before = sorted(path.name for path in made.iterdir())
        assert count(0, 3_000) == count(0, 1) == 0
        assert subprocess.run([sys.executable, "-c", COUNT_DEATH], timeout=60).returncode == 0
        assert told() == 3_001
        assert sorted(path.name for path in made.iterdir()) == before


def test_what_a_killed_service_left_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a directory that nobody counts in any more."""
    monkeypatch.setattr(metric_files, "_MEMORY", tmp_path)
    left = tmp_path / "ringpool-metrics-left"
    left.mkdir()
    with metric_files.folder(2, tmp_path), metric_files.folder(2, tmp_path):
        assert not left.exists()
        assert len(list(tmp_path.iterdir())) == 2
