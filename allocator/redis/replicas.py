"""The WAIT command that follows a write when ``RINGPOOL_WAIT_REPLICAS`` is set."""

from __future__ import annotations


def wait_command(replicas: int, seconds: float) -> tuple[str, int, int]:
    """WAIT for that many replicas, of a call that has so many seconds left.

    The server looks at its time limits ten times a second. So that it, not the call's deadline,
    ends the wait and replies how many have confirmed, it gets up to a fifth of a second less.
    """
    milliseconds = int(1000 * max(seconds / 2, seconds - 0.2))
    return "WAIT", replicas, max(1, milliseconds)  # 0 would be "for ever"


def too_few_confirmed(confirmed: int, replicas: int) -> str:
    """The reason of a StoreUnavailable."""
    return f"{confirmed} of {replicas} replicas confirmed in time"
