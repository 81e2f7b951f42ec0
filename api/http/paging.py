"""Pages of a list: ``?after=&limit=``."""

from __future__ import annotations

from api.http.request import Request
from ringpool.faults import Fault

DEFAULT_LIMIT = 100
MOST = 1000


def page(request: Request) -> tuple[str, int]:
    """``after`` ("" for the first page) and ``limit`` (1 to 1000); raises Fault."""
    parameters = request.parameters()
    text = parameters.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= MOST):
        raise Fault("limit", f"expected 1 to {MOST}")
    return parameters.get("after", ""), int(text)
