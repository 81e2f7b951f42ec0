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

from tests.servers.process import running

RINGPOOL = Path(sys.executable).with_name("ringpool")
"""The command of the environment that the tests run in."""


@dataclass(frozen=True)
class Service:
    """A running service. ``printed``: the lines on its stdout, up to its being ready."""

    url: str
    printed: tuple[str, ...]
    process: subprocess.Popen[bytes]


@contextmanager
def serving(
    folder: Path,
    *arguments: str,
    last_line: str = "listens on",
    command: Path = RINGPOOL,
    port: int = 0,
    settings: Mapping[str, str] | None = None,
    cores: frozenset[int] | None = None,
) -> Iterator[Service]:
    """Serve from ``folder``; ready when a line with ``last_line`` is printed.

    The port listens by then: requests wait until the app is up. The data is in ``folder`` unless
    ``settings``, its RINGPOOL_ variables, say otherwise; its log is ``folder``/log.
    """
    log = folder / "log"
    with running(
        [command, "serve", "--port", str(port), *arguments],
        log,
        environment={**environment(), **(settings or {})},
        cores=cores,
        cwd=folder,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        with process.stdout as output:
            printed = []
            for line in output:
                printed.append(line.decode().rstrip("\n"))
                if last_line in printed[-1]:
                    break
            else:
                raise RuntimeError(log.read_text())
            found = re.search(r"http://\S+", "\n".join(printed))
            assert found is not None, printed
            yield Service(found[0], tuple(printed), process)


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
