"""``/openapi.json``: OpenAPI 3.1 made from the msgspec types that the endpoints read and write.

``callback`` of ``/v1/swap`` and ``/v1/verify`` is told in words: with it the answer is a script,
200 whatever happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct

from allocator.answers import PoolStatus
from api import replies
from api.ad_servers import Allocation
from api.bulk import BulkAnswer, BulkError, BulkRequest
from api.endpoint import Endpoint
from api.managers import problem
from api.number_stories import CallReply, CallReport, NumberStory
from api.operators import Health
from api.pages import Swaps, Verdict
from api.pool_numbers import NumberChange, PoolNumbers
from api.replies import Problem, Reply
from api.request import Request
from ringpool.durations import Duration
from ringpool.model import Account, Pool, Stock

_TYPES = (
    Allocation,
    BulkAnswer,
    BulkError,
    BulkRequest,
    CallReply,
    CallReport,
    Health,
    NumberChange,
    NumberStory,
    PoolNumbers,
    PoolStatus,
    Problem,
    Swaps,
    Verdict,
)
_COMPONENT = "#/components/schemas/{name}"

_TEXT: dict[str, Any] = {"type": "string"}
_ID = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"}
_NUMBER = {"type": "string", "minLength": 1, "maxLength": 40}
_LIMIT = {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
_MOMENT = {"type": "string", "format": "date-time"}

_OBJECT = {"type": "object"}
_ROWS = {
    "type": "object",
    "required": ["responses"],
    "properties": {
        "responses": {
            "type": "array",
            "items": {
                "anyOf": [
                    {"$ref": "#/components/schemas/BulkAnswer"},
                    {"$ref": "#/components/schemas/BulkError"},
                ]
            },
        }
    },
}

_JSON = "application/json"
_PROBLEM = "application/problem+json"

_DURATION = Annotated[str, Meta(pattern="^[0-9]{1,9}[smhdwy]$")]

Operation = dict[str, Any]


def _schema_of(kind: type[Struct]) -> dict[str, Any]:
    return {"$ref": _COMPONENT.format(name=kind.__name__)}


def _content(kind: type[Struct], media: str = _JSON) -> dict[str, Any]:
    return {media: {"schema": _schema_of(kind)}}


def _text(*media: str) -> dict[str, Any]:
    return {name: {"schema": {"type": "string"}} for name in media}


def _says(description: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"description": description} | ({"content": content} if content else {})


def _problems(*statuses: int) -> dict[str, Any]:
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
        str(status): _says(described[status], _content(Problem, _PROBLEM))
        for status in (*statuses, 503)
    }


def _parameter(
    name: str,
    schema: dict[str, Any],
    where: str = "query",
    *,
    required: bool = False,
    text: str = "",
) -> dict[str, Any]:
    parameter = {"name": name, "in": where, "required": required or where == "path"}
    return parameter | {"schema": schema} | ({"description": text} if text else {})


def _body(name: str, media: Sequence[str] = (_JSON,)) -> dict[str, Any]:
    schema = {"$ref": _COMPONENT.format(name=name)}
    return {"required": True, "content": {kind: {"schema": schema} for kind in media}}


def _operation(
    name: str,
    summary: str,
    responses: dict[str, Any],
    parameters: Sequence[dict[str, Any]] = (),
    **more: Any,
) -> Operation:
    operation: Operation = {"operationId": name, "summary": summary, "responses": responses}
    if parameters:
        operation["parameters"] = list(parameters)
    return operation | more


_PAGE_PARAMETERS = (
    _parameter("account", {"type": "string", "minLength": 1}, required=True),
    _parameter("url", _TEXT, text="The page's URL"),
    _parameter("ref", _TEXT, text="The page's referrer"),
    _parameter("visitor", {"type": "string", "pattern": "^[A-Za-z0-9._:~-]{0,128}$"}),
    _parameter("targets", _TEXT, text="E.164 numbers on the page, with commas"),
    _parameter("pool", _TEXT, text="Only this pool"),
)
_ALLOCATION_PARAMETERS = (
    _parameter("pool", _TEXT, "path"),
    *(_parameter(f"param{place}", _TEXT) for place in range(1, 11)),
    _parameter("search_engine", _TEXT),
    _parameter("search_keywords", _TEXT),
    _parameter("search_keyword_id", _TEXT),
    _parameter("landing_page", _TEXT),
    _parameter("referrer", _TEXT),
    _parameter("mobile_click_to_call", {"type": "string", "enum": ["0", "1"]}),
    _parameter("publisher", _TEXT, text="The account to credit"),
)
_KEYED: dict[str, Any] = {"security": [{"RingPoolKey": []}, {"Bearer": []}]}
_MANAGED: dict[str, Any] = {"security": [{"Bearer": []}]}


def _page_refusals() -> dict[str, Any]:
    described = {
        "400": "A parameter that can't be read",
        "403": "A page that isn't the account's",
        "404": "No such account, or no such pool of it",
        "503": "The store is away",
    }
    return {status: _says(text, _content(Swaps)) for status, text in described.items()}


def _signal(name: str, summary: str) -> dict[str, Operation]:
    responses = _page_refusals() | {
        "204": _says("Noted"),
        "413": _says("The form is too large", _content(Swaps)),
        "415": _says("The body is no form", _content(Swaps)),
    }
    return {
        "get": _operation(name, summary, responses, _PAGE_PARAMETERS),
        "post": _operation(f"{name}_beacon", summary, responses, _PAGE_PARAMETERS),
    }


def _allocate(form: str, media: str, content: dict[str, Any]) -> Operation:
    error = "application/xml" if form == "xml" else "text/plain"
    refusals = {
        status: _says(text, _text(error))
        for status, text in (
            ("400", "A parameter that isn't acceptable"),
            ("401", "No key, or not the pool's"),
            ("404", "No such pool"),
            ("503", "The store is away: try again"),
        )
    }
    refusals["404"]["content"] |= _content(Problem, _PROBLEM)  # a pool with a slash: another path
    return _operation(
        f"allocate_number_{form}",
        "A number for a parameter tuple; the pool's own parameter names work too",
        {"200": _says("The number, or state none", content or _text(media)), **refusals},
        _ALLOCATION_PARAMETERS,
        **_KEYED,
    )


def _collection(word: str, kind: type[Struct]) -> dict[str, Any]:
    one = _parameter("id", _ID, "path")
    page = (_parameter("after", _TEXT), _parameter("limit", _LIMIT))
    writing = _problems(400, 401, 403, 404, 409, 413, 415, 422)
    listed = {
        "type": "object",
        "required": [f"{word}s"],
        "properties": {f"{word}s": {"type": "array", "items": _schema_of(kind)}, "next": _TEXT},
    }
    return {
        f"/admin/v1/{word}s": {
            "get": _operation(
                f"list_{word}s",
                f"The {word}s, by id",
                {
                    "200": _says("A page", {_JSON: {"schema": listed}}),
                    **_problems(400, 401),
                },
                page,
                **_MANAGED,
            ),
            "post": _operation(
                f"create_{word}",
                f"Make a {word}",
                {"201": _says("Made", _content(kind)), **writing},
                requestBody=_body(kind.__name__),
                **_MANAGED,
            ),
        },
        f"/admin/v1/{word}s/{{id}}": {
            "get": _operation(
                f"get_{word}",
                f"A {word} without its numbers",
                {"200": _says("It", _content(kind)), **_problems(401, 404)},
                (one,),
                **_MANAGED,
            ),
            "put": _operation(
                f"put_{word}",
                "Make or replace; numbers are left alone unless given",
                {
                    "200": _says("Replaced", _content(kind)),
                    "201": _says("Made", _content(kind)),
                    **writing,
                },
                (one,),
                requestBody=_body(f"Put{kind.__name__}"),
                **_MANAGED,
            ),
            "patch": _operation(
                f"patch_{word}",
                "Change some fields (RFC 7396)",
                {"200": _says("Changed", _content(kind)), **writing},
                (one,),
                requestBody=_body(f"Patch{kind.__name__}", (_JSON, "application/merge-patch+json")),
                **_MANAGED,
            ),
            "delete": _operation(
                f"delete_{word}",
                "Remove it; refused while it is in use",
                {"204": _says("Removed"), **_problems(401, 403, 404, 409)},
                (one,),
                **_MANAGED,
            ),
        },
    }


def _managed_paths() -> dict[str, Any]:
    one = _parameter("id", _ID, "path")
    page = (
        _parameter("after", {"type": "string", "pattern": "^[0-9]{0,20}$"}),
        _parameter("limit", _LIMIT),
    )
    writing = _problems(400, 401, 404, 413, 415, 422)
    return {
        **_collection("account", Account),
        **_collection("pool", Pool),
        **_collection("stock", Stock),
        "/admin/v1/pools/{id}/numbers": {
            "get": _operation(
                "list_pool_numbers",
                "The numbers in a pool and who holds them",
                {"200": _says("A page", _content(PoolNumbers)), **_problems(400, 401, 404)},
                (one, *page),
                **_MANAGED,
            ),
            "post": _operation(
                "add_pool_numbers",
                "Add numbers",
                {"204": _says("Added"), **writing},
                (one,),
                requestBody=_body(NumberChange.__name__),
                **_MANAGED,
            ),
            "delete": _operation(
                "remove_pool_numbers",
                "Drain numbers: each goes when its guarantee is over. A body works as in POST",
                {"204": _says("Draining, or gone"), **writing},
                (one, _parameter("number", _NUMBER, required=True)),
                **_MANAGED,
            ),
        },
        "/admin/v1/pools/{id}/status": {
            "get": _operation(
                "get_pool_status",
                "How a pool stands",
                {"200": _says("Its numbers, counted", _content(PoolStatus)), **_problems(401, 404)},
                (one,),
                **_MANAGED,
            )
        },
        "/admin/v1/numbers/{number}": {
            "get": _operation(
                "get_number",
                "Whose a number is, and who holds it or held it at a moment",
                {"200": _says("Its story", _content(NumberStory)), **_problems(400, 401, 404)},
                (_parameter("number", _NUMBER, "path"), _parameter("at", _MOMENT)),
                **_MANAGED,
            )
        },
        "/admin/v1/calls": {
            "post": _operation(
                "record_call",
                "Credit an inbound call to who held its number, once per id",
                {"200": _says("Credited", _content(CallReply)), **writing},
                requestBody=_body(CallReport.__name__),
                **_MANAGED,
            )
        },
    }


def _public_paths() -> dict[str, Any]:
    script = _text("text/javascript")
    base = "/api/v1/ring_pools/{pool}/allocate_number"
    return {
        f"{base}.json": {"get": _allocate("json", _JSON, _content(Allocation))},
        f"{base}.xml": {"get": _allocate("xml", "application/xml", {})},
        f"{base}.csv": {"get": _allocate("csv", "text/csv", {})},
        "/api/v1/bulk.json": {
            "post": _operation(
                "bulk",
                "Up to 1,000 number requests; a bad row fails alone",
                {
                    "200": _says(
                        "An answer or an error a row, in order", {_JSON: {"schema": _ROWS}}
                    ),
                    **{
                        status: _says(text, _text("text/plain"))
                        for status, text in (
                            ("400", "No list of requests"),
                            ("413", "The body is too large"),
                            ("415", "The body isn't JSON"),
                            ("503", "The store is away: try again"),
                        )
                    },
                },
                requestBody=_body(BulkRequest.__name__),
            )
        },
        "/v1/swap": {
            "get": _operation(
                "swap",
                "Which numbers a page shows; with callback=NAME as JSONP",
                {
                    "200": _says("Numbers, and targets that keep theirs", _content(Swaps)),
                    **_page_refusals(),
                },
                _PAGE_PARAMETERS,
            )
        },
        "/v1/ping": _signal("ping", "The visitor is still there"),
        "/v1/release": _signal("release", "The visitor has left (visitor pools)"),
        "/v1/verify": {
            "get": _operation(
                "verify",
                "Whether a tracking link's number is ours; with callback=NAME as JSONP",
                {
                    "200": _says("The verdict", _content(Verdict)),
                    "400": _says("A parameter is missing", _content(Swaps)),
                },
                [
                    _parameter("rp_number", {"type": "string", "minLength": 1}, required=True),
                    _parameter("rp_pool", {"type": "string", "minLength": 1}, required=True),
                    _parameter(
                        "rp_exp", {"type": "string", "pattern": "^[0-9]{1,12}$"}, required=True
                    ),
                    _parameter("rp_sig", {"type": "string", "minLength": 1}, required=True),
                ],
            )
        },
        "/t/{pool}": {
            "get": _operation(
                "link",
                "To the landing page with a signed number, the query's parameters kept",
                {
                    "200": _says("A page that dials, for phones", _text("text/html")),
                    "302": _says("The landing page"),
                    **_problems(400, 404),
                },
                [_parameter("pool", _TEXT, "path")],
            )
        },
        "/dni.js": {
            "get": _operation(
                "account_script",
                "The page script with an account's settings",
                {
                    "200": _says("JavaScript", script),
                    "304": _says("As you have it"),
                    **_problems(400, 404),
                },
                [_parameter("account", {"type": "string", "minLength": 1}, required=True)],
            )
        },
        "/dni/{version}/{file}": {
            "get": _operation(
                "pinned_script",
                "The page script of one version, for ever",
                {"200": _says("JavaScript", script), **_problems(404)},
                [_parameter("version", _TEXT, "path"), _parameter("file", _TEXT, "path")],
            )
        },
        "/livez": {"get": _operation("livez", "Alive", {"200": _says("Yes", _content(Health))})},
        "/readyz": {
            "get": _operation(
                "readyz", "Ready", {"200": _says("Yes", _content(Health)), **_problems()}
            )
        },
        "/metrics": {
            "get": _operation(
                "metrics", "Prometheus", {"200": _says("Text format", _text("text/plain"))}
            )
        },
        "/openapi.json": {
            "get": _operation(
                "openapi",
                "This",
                {"200": _says("OpenAPI", {_JSON: {"schema": _OBJECT}})},
            )
        },
    }


@cache
def description() -> dict[str, Any]:
    """The whole document."""
    entities = [
        written
        for kind in (Account, Pool, Stock)
        for written in (
            _in_words(kind),
            _in_words(kind, f"Put{kind.__name__}"),
            _in_words(kind, f"Patch{kind.__name__}", patch=True),
        )
    ]
    types = (*_TYPES, *entities)
    _, schemas = msgspec.json.schema_components(types, ref_template=_COMPONENT)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ringpool",
            "version": version("ringpool"),
            "description": "Every traffic source gets its own phone number.",
        },
        "paths": {**_public_paths(), **_managed_paths()},
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "Bearer": {"type": "http", "scheme": "bearer"},
                "RingPoolKey": {"type": "apiKey", "in": "query", "name": "ring_pool_key"},
            },
        },
    }


def _in_words(kind: type[Struct], name: str = "", *, patch: bool = False) -> type[Struct]:
    """The struct as JSON writes it: durations are text, and so are their defaults.

    Under a ``name`` of its own the id may be left out, as the URL says it; in a ``patch``,
    everything may, and null removes what isn't required.
    """
    fields: list[Any] = []
    for field in msgspec.structs.fields(kind):
        written = _DURATION if field.type is Duration else field.type
        default = str(field.default) if isinstance(field.default, Duration) else field.default
        if patch:
            fields.append((field.name, written if field.required else written | None, UNSET))
        elif field.required and name and field.name == "id":
            fields.append((field.name, written, UNSET))
        elif field.required:
            fields.append((field.name, written))
        else:
            fields.append((field.name, written, default))
    return msgspec.defstruct(
        name or kind.__name__,
        fields,
        namespace={"__doc__": kind.__doc__},
        kw_only=True,
        forbid_unknown_fields=True,
    )


async def _document(_request: Request) -> Reply:
    return replies.json(description())


document = Endpoint("openapi", problem, {"GET": _document})
