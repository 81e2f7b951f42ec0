"""``/openapi.json``: OpenAPI 3.1 made of what the endpoints declare (``api.http.description``)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from api.http import replies
from api.http.description import SECURITY_SCHEMES, TAGS, Described, Operation, content
from api.http.endpoint import Endpoint, problem_form
from api.http.replies import Reply
from api.http.request import Request
from api.openapi.meanings import meaning
from ringpool.aside import SHORT, aside

_REFERENCE = "#/components/schemas/{name}"

_PLAIN = (str, int, float, bool, type(None))


def openapi_document(routes: Iterable[BaseRoute]) -> Described:
    """The whole document. A route whose endpoint declares no operation isn't in it."""
    paths: dict[str, Described] = {}
    for route in routes:
        if isinstance(route, Route) and isinstance(route.endpoint, Endpoint):
            for operation in route.endpoint.operations:
                path = route.path
                for name, value in operation.fixed.items():
                    path = path.replace(f"{{{name}}}", value)
                described = operation.described()
                paths.setdefault(path, {})[operation.method.lower()] = described
    types: dict[str, type[Struct]] = {}
    named: dict[str, Described] = {}
    written = _with_schemas(paths, types, named)
    _, schemas = msgspec.json.schema_components(types.values(), ref_template=_REFERENCE)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ringpool",
            "version": version("ringpool"),
            "description": "Every traffic source gets its own phone number.",
        },
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": _with_parameters_told(written),
        "components": {
            "schemas": {
                name: _with_meanings(name, schema) for name, schema in (schemas | named).items()
            },
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _with_parameters_told(paths: Described) -> Described:
    """The paths with what a parameter is in its schema too: there client generators look for it."""
    for operations in paths.values():
        for operation in operations.values():
            for each in operation.get("parameters", ()):
                each["schema"] = {**each["schema"], "description": each["description"]}
    return paths


def _with_meanings(name: str, schema: Described) -> Described:
    """The schema with what the type and its fields mean. Others keep their own description."""
    text, fields = meaning(name)
    made = {**schema, "description": text} if text else schema
    if "properties" not in made:
        return made
    properties = {
        field: {**each, "description": fields[field]} if field in fields else each
        for field, each in made["properties"].items()
    }
    return {**made, "properties": properties}


def _with_schemas(value: Any, types: dict[str, type[Struct]], named: dict[str, Described]) -> Any:
    """``value`` with a schema in the place of each type.

    Structs, and schemas that have a name (``description.named``), are referred to and collected.
    """
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, dict):
        made = {name: _with_schemas(item, types, named) for name, item in value.items()}
        if "properties" not in made or "title" not in made:
            return made
        name = made["title"]
        if named.setdefault(name, made) != made:
            raise ValueError(f"two types of the API are called {name}")
        return {"$ref": _REFERENCE.format(name=name)}
    if isinstance(value, list | tuple):
        return [_with_schemas(item, types, named) for item in value]
    if isinstance(value, type) and issubclass(value, Struct):
        name = value.__name__
        if types.setdefault(name, value) is not value:
            raise ValueError(f"two types of the API are called {name}")
        return {"$ref": _REFERENCE.format(name=name)}
    return msgspec.json.schema(value)


def _encoded(app: Starlette) -> bytes:
    return msgspec.json.encode(openapi_document(app.routes))


@lru_cache(maxsize=1)
def _encoding(app: Starlette) -> asyncio.Future[bytes]:
    """The document, put together once, on a thread: a second in which others would wait."""
    return asyncio.ensure_future(aside(SHORT + 1, _encoded, app))


async def _document(request: Request) -> Reply:
    # Whoever asks first may leave: the others still wait for it.
    return replies.json_text(await asyncio.shield(_encoding(request.scope["app"])))


_OPENAPI = Operation(
    "GET",
    "openapi",
    "This document",
    {200: content(dict)},
    tag="operators",
    text="OpenAPI 3.1: what this service's version takes and answers, with an example of each.",
    examples={200: {"openapi": "3.1.0", "info": {"title": "Ringpool"}}},
)
document = Endpoint("openapi", problem_form, {"GET": _document}, [_OPENAPI])
