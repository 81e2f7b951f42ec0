"""Learning of a pool, in a process of its own: seconds of computing, which nobody waits for.

``python -m ringpool.attribution.learning`` reads a ``Task`` as JSON, and writes the fit as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

import msgspec
from msgspec import Struct
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from ringpool.archive.database import Archive, away
from ringpool.attribution.fit import Fit, fit_pool
from ringpool.attribution.fits import PoolKey
from ringpool.attribution.pool_evidence import pool_evidence

MOST_SECONDS = 900.0
"""A process that takes longer is ended: it waits for something, and other pools wait for it."""

_NICE = 10
"""Visits go first."""

_MODULE = "ringpool.attribution.learning"


class NotLearned(Exception):
    """What is said of a process that failed; one line."""


class Task(Struct, frozen=True):
    """``archive``: its URL, with the password. ``now_ms``: up to when it is learned from."""

    archive: str
    pool: PoolKey
    now_ms: int


async def learn(archive: Archive, pool: PoolKey, now_ms: int) -> Fit:
    """Learn of a pool; raises NotLearned, and OSError where no process can be had.

    Who is cancelled meanwhile ends the process.
    """
    task = msgspec.json.encode(Task(archive.address, pool, now_ms))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # as for any installed command, the working directory is no place of modules
        "-m",
        _MODULE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(MOST_SECONDS):
            written, said = await process.communicate(task)
    except TimeoutError:
        raise NotLearned(f"it took more than {MOST_SECONDS:.0f} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        *_, last = ["", *said.decode(errors="replace").strip().splitlines()]
        raise NotLearned(last[:200] or f"status {process.returncode}")
    return msgspec.json.decode(written, type=Fit)


async def _learned(task: Task) -> Fit:
    archive = Archive(make_url(task.archive))
    try:
        async with archive.engine.connect() as connection:
            evidence = await pool_evidence(connection, task.pool, task.now_ms)
    finally:
        await archive.close()
    return fit_pool(evidence)


def main() -> None:
    """Do the task that is read."""
    os.nice(_NICE)
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    try:
        fit = asyncio.run(_learned(task))
    except (DBAPIError, OSError) as error:  # not its text: that may tell of the address
        sys.exit(f"the archive doesn't answer: {away(error)}")
    sys.stdout.buffer.write(msgspec.json.encode(fit))


if __name__ == "__main__":
    main()
