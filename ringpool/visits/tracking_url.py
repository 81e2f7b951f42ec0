"""The tracking link of a parameter tuple."""

from __future__ import annotations

import re
from urllib.parse import quote

_PLAIN = re.compile(r"[A-Za-z0-9_.~%&=-]*")
"""What ``quote`` would leave as it is."""


def tracking_url(base_url: str, pool_id: str, tuple_text: str, also: str = "") -> str:
    """The pool's tracking link with the tuple's parameters filled in.

    A canonical tuple is a query but for the characters that a URL can't carry: its own escapes
    (``%25 %26 %3D``) stay. ``also``: further parameters, already encoded.
    """
    if not _PLAIN.fullmatch(tuple_text):
        tuple_text = quote(tuple_text, safe="%&=")
    query = f"{tuple_text}&{also}" if tuple_text and also else tuple_text or also
    return f"{base_url}/t/{pool_id}?{query}" if query else f"{base_url}/t/{pool_id}"
