"""Debian's PostgreSQL for the comparison: a cluster of its own in a temporary folder."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loadtests.figures import Skipped
from loadtests.tools import machine
from tests.servers.stores import free_port, until

_INSTALLED = "usr/lib/postgresql/*/bin"
_MISSING = "PostgreSQL isn't installed (Debian: apt install postgresql)"

# What a careful operator would set for this load: Redis writes nothing to disk here either, so a
# commit needn't wait for one.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "256MB",
    "synchronous_commit": "off",
    "max_connections": "50",
}


@contextlib.contextmanager
def running(folder: Path, cores: frozenset[int]) -> Iterator[str]:
    """A server; yields its URL. Raises Skipped when PostgreSQL isn't installed."""
    binaries = sorted(Path("/").glob(_INSTALLED))
    if not binaries:
        raise Skipped(_MISSING)
    owner = _owner()
    data = folder / "postgres"
    data.mkdir()
    if owner is not None:
        shutil.chown(data, owner)
        folder.chmod(0o711)  # its way to the data
    identity: dict[str, Any] = {"user": owner, "cwd": data}
    port = free_port()
    with (folder / "postgres.log").open("wb") as log:
        subprocess.run(
            [binaries[-1] / "initdb", "-D", data, "-U", "bench", "--auth=trust", "--no-sync"],
            **identity,
            stdout=log,
            stderr=log,
            check=True,
            timeout=60,
        )
        options = [f"-c{name}={value}" for name, value in _SETTINGS.items()]
        started = subprocess.Popen(
            [binaries[-1] / "postgres", "-D", data, "-p", str(port), "-k", data, *options],
            **identity,
            stdout=log,
            stderr=log,
        )
    try:
        machine.pin(started.pid, cores)
        ready = [str(binaries[-1] / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        until(lambda: subprocess.run(ready, check=False).returncode == 0)
        yield f"postgresql://bench@127.0.0.1:{port}/postgres"
    finally:
        started.send_signal(signal.SIGINT)  # ends its sessions, then stops
        started.wait(30)


def _owner() -> str | None:
    """Whom PostgreSQL runs as: it refuses root."""
    if os.getuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    raise Skipped("PostgreSQL doesn't run as root, and there is no user postgres")
