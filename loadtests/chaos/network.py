"""Machines that only packets connect, and packets between them that are dropped.

Each machine is a network namespace on one bridge; the bridge is in a namespace of this process. All
of it ends with the process. Needs root on Linux, ``ip`` (iproute2) and ``nsenter`` (util-linux).
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from tests.servers.process import NotInstalled, Place

_NETWORK = "192.0.2"  # for documentation: nobody's
_NEW_NAMESPACE = 0x40000000  # CLONE_NEWNET


@dataclass
class Network:
    """What ``network`` makes. The harness is on it too, and is never cut off."""

    _stack: ExitStack
    _machines: int = 0
    _rules: list[tuple[Place, str]] = field(default_factory=list)

    def machine(self) -> Place:
        """A new one, with an address of its own."""
        self._machines += 1
        number = self._machines + 1
        holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo; exec cat"],  # ends when this process does
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._stack.enter_context(holder)
        assert holder.stdout is not None
        holder.stdout.readline()
        place = Place(f"{_NETWORK}.{number}", ("nsenter", f"--net=/proc/{holder.pid}/ns/net", "--"))
        _ip(f"link add machine{number} type veth peer name wire netns {holder.pid}")
        _ip(f"link set machine{number} master bridge up")
        _ip("link set lo up", place)
        _ip(f"address add {place.address}/24 dev wire", place)
        _ip("link set wire up", place)
        # Rules about senders come before the one that lets packets in.
        _ip("rule add pref 10 lookup local", place)
        _ip("rule delete pref 0", place)
        return place

    def cut(self, one_side: Sequence[Place], other_side: Sequence[Place]) -> None:
        """Drop every packet between the two sides, without a word to either."""
        for one in one_side:
            for other in other_side:
                for receiver, sender in ((one, other), (other, one)):
                    rule = f"pref 1 from {sender.address} blackhole"
                    _ip(f"rule add {rule}", receiver)
                    self._rules.append((receiver, rule))

    def heal(self) -> None:
        """Let every packet through again."""
        while self._rules:
            receiver, rule = self._rules.pop()
            _ip(f"rule delete {rule}", receiver)


@contextmanager
def network() -> Iterator[Network]:
    """Move this thread, and what it starts from now on, to a network of its own.

    Raises NotInstalled where that can't be done.
    """
    missing = [tool for tool in ("ip", "nsenter", "unshare") if shutil.which(tool) is None]
    if missing:
        raise NotInstalled(f"{missing[0]} isn't installed")
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(_NEW_NAMESPACE):
            raise NotInstalled("network namespaces need root")
        try:
            with ExitStack() as stack:
                _ip("link set lo up")
                _ip("link add bridge type bridge")
                _ip(f"address add {_NETWORK}.1/24 dev bridge")
                _ip("link set bridge up")
                yield Network(stack)
        finally:
            libc.setns(before, _NEW_NAMESPACE)
    finally:
        os.close(before)


def _ip(words: str, place: Place | None = None) -> None:
    command = [*(place.command if place else ()), "ip", *words.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotInstalled(f"ip {words}: {done.stderr.strip()}")
