"""The words that ``/openapi.json`` is written in: parameters, bodies, answers, operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from api.http.replies import Problem
from ringpool.model import ID_PATTERN

COMPONENT = "#/components/schemas/{name}"

TEXT: dict[str, Any] = {"type": "string"}
ID = {"type": "string", "pattern": ID_PATTERN}
NUMBER = {"type": "string", "minLength": 1, "maxLength": 40}
LIMIT = {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
MOMENT = {"type": "string", "format": "date-time"}

JSON = "application/json"
PROBLEM = "application/problem+json"

KEYED: dict[str, Any] = {"security": [{"RingPoolKey": []}, {"Bearer": []}]}
MANAGED: dict[str, Any] = {"security": [{"Bearer": []}]}

Operation = dict[str, Any]


def schema_of(kind: type[Struct]) -> dict[str, Any]:
    """A reference to the type's schema."""
    return {"$ref": COMPONENT.format(name=kind.__name__)}


def content(kind: type[Struct], media: str = JSON) -> dict[str, Any]:
    """A body of this type."""
    return {media: {"schema": schema_of(kind)}}


def as_text(*media: str) -> dict[str, Any]:
    """A body that is text, in any of these media types."""
    return {name: {"schema": {"type": "string"}} for name in media}


def says(description: str, written: dict[str, Any] | None = None) -> dict[str, Any]:
    """An answer, and how it is ``written`` when it has a body."""
    return {"description": description} | ({"content": written} if written else {})


def problems(*statuses: int) -> dict[str, Any]:
    """Refusals as problem+json; 503 for a store that is away is always among them."""
    described = {
        400: "Something in the request can't be read; the problem says what",
        401: "No token, or not one of this service",
        403: "Not with this token",
        404: "No such thing",
        409: "In conflict with what there is",
        413: "The body is too large",
        415: "The body isn't JSON",
        422: "Well written but not acceptable; the problem names each field",
        503: "The store is away: try again",
    }
    return {
        str(status): says(described[status], content(Problem, PROBLEM))
        for status in (*statuses, 503)
    }


def parameter(
    name: str,
    schema: dict[str, Any],
    where: str = "query",
    *,
    required: bool = False,
    text: str = "",
) -> dict[str, Any]:
    """A parameter; one of the path is always required."""
    described = {"name": name, "in": where, "required": required or where == "path"}
    return described | {"schema": schema} | ({"description": text} if text else {})


def body(name: str, media: Sequence[str] = (JSON,)) -> dict[str, Any]:
    """A request's body, by the name of its schema."""
    schema = {"$ref": COMPONENT.format(name=name)}
    return {"required": True, "content": {kind: {"schema": schema} for kind in media}}


def operation(
    name: str,
    summary: str,
    responses: dict[str, Any],
    parameters: Sequence[dict[str, Any]] = (),
    **more: Any,
) -> Operation:
    """A method of a path. ``more``: further members, such as ``requestBody``."""
    made: Operation = {"operationId": name, "summary": summary, "responses": responses}
    if parameters:
        made["parameters"] = list(parameters)
    return made | more
