"""Pages of a list: ``?after=&limit=``."""

from __future__ import annotations

from api.http.description import Described, Schema, parameter
from api.http.request import Request
from ringpool.faults import Fault

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


PAGE_REFUSALS = {400: ("InvalidParameter", f"limit: expected 1 to {MAX_LIMIT}")}
"""Class and detail of what is refused, for ``/openapi.json``."""


def page(request: Request) -> tuple[str, int]:
    """``after`` ("" for the first page) and ``limit`` (1 to 1000); raises Fault."""
    parameters = request.parameters()
    text = parameters.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= MAX_LIMIT):
        raise Fault("limit", f"expected 1 to {MAX_LIMIT}")
    return parameters.get("after", ""), int(text)


def page_parameters(
    after: Schema = str, example: str = "ad-placement", limit_text: str = "How many on a page"
) -> tuple[Described, Described]:
    """Both parameters for ``/openapi.json``. ``example``: of ``after``."""
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    return (
        parameter("after", after, text="What the page before gave as `next`", example=example),
        parameter("limit", limit, text=limit_text, example=DEFAULT_LIMIT),
    )
