"""Pages of numbers as the store goes through them: in no order, ``next`` is its cursor."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from api.http.paging import page, page_parameters
from api.http.request import Request
from ringpool.faults import Fault
from ringpool.patterns import whole

_LAST_CURSOR = 2**64 - 1  # of the store's HSCAN

SCANNED_PAGE = page_parameters(
    Annotated[str, Meta(pattern=whole("[0-9]{0,20}"))],
    "704",
    "About how many: small ones come on one page",
)
"""The parameters, for ``/openapi.json``."""


def scanned_page(request: Request) -> tuple[str, int]:
    """The store's cursor and about how many; raises Fault."""
    after, limit = page(request)
    if after and not (after.isascii() and after.isdecimal() and int(after[:21]) <= _LAST_CURSOR):
        raise Fault("after", "expected what the page before gave as next")
    return after or "0", limit
