"""Debian's PostgreSQL: a server of its own in a folder, for the time of a context."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.servers.process import NotInstalled, free_port, running, until

_PROGRAMS = "usr/lib/postgresql/*/bin"


@contextlib.contextmanager
def postgres(
    folder: Path,
    *,
    settings: Mapping[str, str] | None = None,
    cores: frozenset[int] | None = None,
) -> Iterator[str]:
    """A server on loopback that believes everybody; yields the URL of an empty database.

    Raises NotInstalled. ``settings``: of its configuration file.
    """
    found = sorted(Path("/").glob(_PROGRAMS))
    if not found:
        raise NotInstalled("PostgreSQL isn't installed (Debian: apt install postgresql)")
    programs = found[-1]
    owner = _owner()
    data, log = folder / "postgres", folder / "postgres.log"
    data.mkdir()
    if owner is not None:
        shutil.chown(data, owner)
        folder.chmod(0o711)  # its way to the data
    identity: dict[str, Any] = {"user": owner, "cwd": data}
    port = free_port()
    with log.open("wb") as output:
        subprocess.run(
            (programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync"),
            **identity,
            stdout=output,
            stderr=output,
            check=True,
            timeout=60,
        )
    options = [f"-c{name}={value}" for name, value in (settings or {}).items()]
    address = ("-h", "127.0.0.1", "-p", str(port), "-k", str(data))
    command = (str(programs / "postgres"), "-D", str(data), *address, *options)
    # SIGINT ends its sessions, then stops.
    with running(command, log, cores=cores, stop=signal.SIGINT, **identity):
        ready = (programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port))
        until(lambda: subprocess.run(ready, check=False).returncode == 0)
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"


def _owner() -> str | None:
    """The user that PostgreSQL runs as: it refuses root."""
    if os.getuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    raise NotInstalled("PostgreSQL doesn't run as root, and there is no user postgres")
