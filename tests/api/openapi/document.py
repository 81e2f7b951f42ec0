"""What /openapi.json says, for tests of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import jsonschema_rs

from api.app import routes
from api.openapi.document import openapi_document

DOCUMENT = openapi_document(routes())


class Described(NamedTuple):
    """One operation: where it is, and the operation object."""

    path: str
    method: str
    operation: dict[str, Any]


OPERATIONS = {
    operation["operationId"]: Described(path, method.upper(), operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
"""Each operation by its id."""


def check_schema(schema: Any, value: Any) -> None:
    """Raise unless the value is what a schema of the document describes."""
    whole = {"allOf": [schema], "components": DOCUMENT["components"]}
    jsonschema_rs.validator_for(whole).validate(value)


def media_of(described: dict[str, Any]) -> dict[str, Any]:
    """The first media type of a request's or response's body, with its schema and example."""
    media: dict[str, Any] = next(iter(described["content"].values()))
    return media
