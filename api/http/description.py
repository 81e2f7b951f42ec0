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


class Operation(NamedTuple):
    """One method of an endpoint's path. ``id``: the operationId. ``responses``: by status.

    ``body``: ``content(...)`` of the request. ``security``: names of ``SECURITY_SCHEMES``, any of
    which will do. ``fixed``: values of path parameters, when one route is described as several
    paths.
    """

    method: str
    id: str
    summary: str
    responses: Mapping[int, Described]
    parameters: Sequence[Described] = ()
    body: Described | None = None
    security: Sequence[str] = ()
    fixed: Mapping[str, str] = {}

    def described(self) -> Described:
        """The operation object of OpenAPI."""
        made: Described = {
            "operationId": self.id,
            "summary": self.summary,
            "responses": {str(status): each for status, each in self.responses.items()},
        }
        if self.parameters:
            made["parameters"] = list(self.parameters)
        if self.body is not None:
            made["requestBody"] = {"required": True, "content": self.body}
        if self.security:
            made["security"] = [{scheme: []} for scheme in self.security]
        return made


def content(schema: Schema, *media: str) -> Described:
    """A body in any of these media types (JSON, if none is named)."""
    return {name: {"schema": schema} for name in media or (JSON,)}


def response(description: str, body: Described | None = None) -> Described:
    """A response, and its ``content(...)`` when it has a body."""
    return {"description": description} | ({"content": body} if body else {})


def responses_with(body: Described, descriptions: Mapping[int, str]) -> dict[int, Described]:
    """Several responses whose bodies are alike."""
    return {status: response(text, body) for status, text in descriptions.items()}


def problems(*statuses: int) -> dict[int, Described]:
    """Refusals as problem+json; 503 for a store that is away is always among them."""
    return responses_with(
        content(Problem, PROBLEM), {status: _PROBLEMS[status] for status in (*statuses, 503)}
    )


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
