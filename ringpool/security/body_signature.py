"""A signature of a body that goes by HTTP: ``t=<Unix seconds>,v1=<HMAC-SHA256, hex>``.

It is over ``<t>.<body>``. While a secret is being replaced there is a ``v1`` of each, and a
receiver takes what matches one.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Sequence

HEADER = "Ringpool-Signature"

WINDOW_SECONDS = 300
"""How far a signature's time may be from the receiver's."""

_SECONDS = re.compile(r"[0-9]{1,12}")
_MAX_PARTS = 20
"""Of one header: more are nobody's."""


def sign(secrets: Sequence[str], at: int, body: bytes) -> str:
    """Return the header's value. ``at``: Unix seconds."""
    return ",".join([f"t={at}", *(f"v1={each}" for each in _digests(secrets, str(at), body))])


def is_signed(header: str, body: bytes, secrets: Iterable[str], now: int) -> bool:
    """Tell whether a header has a signature by one of the secrets. ``now``: Unix seconds.

    The comparison takes as long whichever is wrong.
    """
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    if len(parts) > _MAX_PARTS or len(times) != 1 or _SECONDS.fullmatch(times[0]) is None:
        return False
    if abs(now - int(times[0])) > WINDOW_SECONDS:
        return False
    given = [value.encode() for name, _, value in parts if name == "v1"]
    expected = [digest.encode() for digest in _digests(secrets, times[0], body)]
    matches = [hmac.compare_digest(one, other) for one in given for other in expected]
    return any(matches)


def _digests(secrets: Iterable[str], at: str, body: bytes) -> list[str]:
    signed = at.encode() + b"." + body
    return [hmac.new(secret.encode(), signed, "sha256").hexdigest() for secret in secrets]
