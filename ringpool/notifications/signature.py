"""The signature of a webhook: ``t=<Unix seconds>,v1=<HMAC-SHA256, hex>``, over ``<t>.<body>``.

While a secret is being replaced there is a ``v1`` of each, and a receiver takes what matches one.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

HEADER = "Ringpool-Signature"


def sign(secrets: Sequence[str], at: int, body: bytes) -> str:
    """Return the header's value. ``at``: Unix seconds."""
    signed = f"{at}.".encode() + body
    digests = (hmac.new(secret.encode(), signed, "sha256").hexdigest() for secret in secrets)
    return ",".join([f"t={at}", *(f"v1={digest}" for digest in digests)])
