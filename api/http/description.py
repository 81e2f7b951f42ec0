"""How an endpoint's operations are declared for ``/openapi.json``.

An ``Operation`` is plain OpenAPI but for its schemas: each may also be the type that msgspec reads
or writes (``Swaps``, ``datetime``, ``Annotated[str, Meta(...)]``). ``api.openapi.document`` turns
these into JSON Schema when the document is asked for, so that declaring costs a request nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from api.http.replies import Problem

JSON = "application/json"
PROBLEM = "application/problem+json"
PLAIN = "text/plain"

Schema = Any
"""JSON Schema as plain values, or a type; types may stand inside the plain values too."""

Described = dict[str, Any]
"""A part of the document, with types in the place of schemas."""

SECURITY_SCHEMES = {
    "Bearer": {"type": "http", "scheme": "bearer"},
    "RingPoolKey": {"type": "apiKey", "in": "query", "name": "ring_pool_key"},
}

_PROBLEMS = {
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


_DESCRIPTIONS = {200: "The answer", 201: "Made", 204: "Done", 304: "As you have it"}


class Operation(NamedTuple):
    """One method of an endpoint's path. ``id``: the operationId.

    ``responses``: by status, the type of the JSON body, ``content(...)`` of another body, None for
    no body, or a whole ``response(...)``. ``problems``: statuses that are answered as
    problem+json, to which 503 is added; None: there are none. ``body``: of the request, a type or
    ``content(...)``. ``security``: names of ``SECURITY_SCHEMES``, any of which will do. ``fixed``:
    values of path parameters, when one route is described as several paths.
    """

    method: str
    id: str
    summary: str
    responses: Mapping[int, Any]
    problems: Sequence[int] | None = None
    parameters: Sequence[Described] = ()
    body: Any = None
    security: Sequence[str] = ()
    fixed: Mapping[str, str] = {}

    def described(self) -> Described:
        """The operation object of OpenAPI."""
        responses = {
            status: body if _is_response(body) else response(_DESCRIPTIONS[status], body)
            for status, body in self.responses.items()
        }
        if self.problems is not None:
            for status in (*self.problems, 503):
                responses[status] = response(_PROBLEMS[status], content(Problem, PROBLEM))
        made: Described = {
            "operationId": self.id,
            "summary": self.summary,
            "responses": {str(status): each for status, each in responses.items()},
        }
        if self.parameters:
            made["parameters"] = list(self.parameters)
        if self.body is not None:
            made["requestBody"] = {"required": True, "content": _content(self.body)}
        if self.security:
            made["security"] = [{scheme: []} for scheme in self.security]
        return made


def content(schema: Schema, *media: str) -> Described:
    """A body in any of these media types (JSON, if none is named)."""
    return {name: {"schema": schema} for name in media or (JSON,)}


def response(description: str, body: Any = None) -> Described:
    """A response in words; ``body`` as in ``Operation.responses``."""
    return {"description": description} | ({} if body is None else {"content": _content(body)})


def _is_response(body: Any) -> bool:
    return isinstance(body, dict) and "description" in body


def _content(body: Any) -> Described:
    return body if isinstance(body, dict) else content(body)


def parameter(
    name: str,
    schema: Schema = str,
    where: str = "query",
    *,
    required: bool = False,
    text: str = "",
) -> Described:
    """A parameter; one of the path is always required."""
    made = {"name": name, "in": where, "required": required or where == "path", "schema": schema}
    return made | ({"description": text} if text else {})
