"""The connection to a ``webkit_host.py``: commands out, answers and events in."""

from __future__ import annotations

import itertools
import json
import os
import select
import subprocess
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Error
from playwright.sync_api import TimeoutError as WaitedTooLong

PATIENCE_MS = 30_000
"""How long a command may take that says nothing else."""
_POLL_SECONDS = 0.02


class PageLeft(Error):
    """The page left while a script ran in it."""


class Connection:
    """A host process and what it answers.

    ``listeners``: what to do with a tab's events, called with the event's name and text.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._ids = itertools.count(1)
        self._rest = b""
        self.listeners: dict[int, Callable[[str, str], None]] = {}

    def new_id(self) -> int:
        """A number that no tab, context or command has yet."""
        return next(self._ids)

    def do(self, what: str, *, timeout_ms: float = PATIENCE_MS, **details: object) -> Any:
        """Have a command carried out. ``Error``: what it failed with."""
        id = self.new_id()
        assert self._process.stdin
        command = json.dumps({"id": id, "do": what, **details})
        self._process.stdin.write(command.encode() + b"\n")
        self._process.stdin.flush()
        limit = time.monotonic() + timeout_ms / 1000
        while True:
            for answer in self._messages(limit):
                if answer.get("id") != id:
                    continue  # of a command that took too long
                if "error" in answer:
                    raise (
                        PageLeft(answer["error"])
                        if answer["kind"] == "gone"
                        else Error(answer["error"])
                    )
                return answer["value"]
            if time.monotonic() > limit:
                raise WaitedTooLong(f"{what}: no answer in {timeout_ms:.0f} ms")

    def listen(self, seconds: float) -> None:
        """Pass on the events that come in for so long."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            self._messages(limit)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()

    def _messages(self, limit: float) -> list[dict[str, Any]]:
        """The answers that have come; events are passed on."""
        assert self._process.stdout
        descriptor = self._process.stdout.fileno()
        ready, _, _ = select.select([descriptor], [], [], max(0.0, limit - time.monotonic()))
        if not ready:
            return []
        read = os.read(descriptor, 1 << 20)
        if not read:
            raise Error(f"the WebKit host has ended: {self._process.wait()}")
        *lines, self._rest = (self._rest + read).split(b"\n")
        messages = [json.loads(line) for line in lines]
        for message in messages:
            if "event" in message and (listener := self.listeners.get(message["tab"])):
                listener(message["event"], message["text"])
        return [message for message in messages if "id" in message]


def until(look: Callable[[], Any], timeout_ms: float) -> Any:
    """What ``look`` gives as soon as it is true. That the page left meanwhile does no harm."""
    limit = time.monotonic() + timeout_ms / 1000
    while True:
        try:
            if found := look():
                return found
        except (PageLeft, WaitedTooLong):
            pass
        if time.monotonic() > limit:
            raise WaitedTooLong(f"waited {timeout_ms:.0f} ms in vain")
        time.sleep(_POLL_SECONDS)
