"""Paths of the number API that begin with a date, ``/api/2014-01-01/…``, as callers may have them.

They answer as ``/api/v1/…`` does, whichever day it is.
"""

from __future__ import annotations

import re

from api.http.description import Operation, parameter
from api.http.refusals import Refusal
from api.http.request import Request
from ringpool.patterns import whole

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

VERSION_OR_DATE = rf"(?:v1|{_DATE.pattern})"
"""A pattern of what stands between ``/api/`` and the rest of a path."""


NO_DATE = "there is no such path: begin with /api/v1 or a date"
"""What a path says that begins with neither."""

_PARAMETER = parameter(
    "date",
    {"type": "string", "pattern": whole(_DATE.pattern)},
    "path",
    text="Any date: all answer alike",
    example="2014-01-01",
)


def dated(operation: Operation) -> Operation:
    """The same operation under a path with a date."""
    return operation._replace(
        id=f"dated_{operation.id}",
        summary=f"{operation.summary}: for addresses that have a date in them",
        parameters=(_PARAMETER, *operation.parameters),
    )


def check_date(request: Request) -> None:
    """Raise Refusal 404 when the path's ``date`` is none."""
    if _DATE.fullmatch(request.path("date")) is None:
        raise Refusal(404, "NotFound", NO_DATE)
