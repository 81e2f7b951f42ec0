"""``ringpool serve`` as a process of its own: started on a free port, stopped by its pid."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 60

RINGPOOL = Path(sys.executable).with_name("ringpool")
"""The command of the environment that the tests run in."""


@dataclass(frozen=True)
class Service:
    """A running service. ``said``: what it has printed, up to its being ready."""

    url: str
    said: tuple[str, ...]
    pid: int


@contextmanager
def serving(
    folder: Path, *arguments: str, last_line: str = "listens on", command: Path = RINGPOOL
) -> Iterator[Service]:
    """Serve from ``folder`` with its data in it; ready when a line with ``last_line`` is printed.

    The port listens by then: requests wait until the app is up.
    """
    with (folder / "stderr").open("ab") as errors:
        process = subprocess.Popen(
            [command, "serve", "--port", "0", *arguments],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdout is not None
    with process.stdout as output:
        try:
            said = []
            for line in output:
                said.append(line.rstrip("\n"))
                if last_line in line:
                    break
            else:
                raise RuntimeError((folder / "stderr").read_text())
            found = re.search(r"http://\S+", "\n".join(said))
            assert found is not None, said
            yield Service(found[0], tuple(said), process.pid)
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def environment() -> Mapping[str, str]:
    """The environment without what would change the service, or lead Python to the source tree.

    The service waits for its store for as long as a busy machine needs.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RINGPOOL_", "PYTHONPATH", "PROMETHEUS_", "COV"))
    }
    return {**kept, "RINGPOOL_REDIS_TIMEOUT_MS": "10000"}
