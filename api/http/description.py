"""How an endpoint's operations are declared for ``/openapi.json``.

An ``Operation`` is plain OpenAPI but for its schemas: each may also be the type that msgspec reads
or writes (``Swaps``, ``datetime``, ``Annotated[str, Meta(...)]``). ``api.openapi.document`` turns
these into JSON Schema when the document is asked for, so that declaring costs a request nothing.

Every parameter and every body has an example: clients are generated from this, and people read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from api.http.replies import Problem
from ringpool.model import Scope

JSON = "application/json"
PROBLEM = "application/problem+json"
PLAIN = "text/plain"

Schema = Any
"""JSON Schema as plain values, or a type; types may stand inside the plain values too."""

Described = dict[str, Any]
"""A part of the document, with types in the place of schemas."""

SECURITY_SCHEMES = {
    "Bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The administrator's token; an API key of an account that has the scope "
        "named (`manage` includes `read`); for the number API the pool's key.",
    },
    "RingPoolKey": {"type": "apiKey", "in": "query", "name": "ring_pool_key"},
    "CarrierLogin": {"type": "http", "scheme": "basic"},
    "CarrierSignature": {
        "type": "apiKey",
        "in": "header",
        "name": "Ringpool-Signature",
        "description": "`t=` and the time in Unix seconds, `,v1=` and the HMAC-SHA256 in hex of "
        "that time, a dot and the body, with a secret of the account's. Twilio and Telnyx have "
        "headers of their own.",
    },
}

TAGS = {
    "pages": "For pages, and servers that render them: the script, and the numbers it shows",
    "links": "For media buyers: tracking links",
    "ad servers": "For ad servers: the number API, one number or many",
    "accounts": "For managers: who owns pools",
    "keys": "For managers: accounts' API keys",
    "pools": "For managers: numbers handed out under one set of rules",
    "stocks": "For managers: numbers from which pools grow",
    "numbers": "For managers: who holds a number, or held it",
    "calls": "For carriers and call centres: inbound calls, credited to who held the number",
    "reports": "For managers: how many clicks and calls, whose, and when",
    "changes": "For managers: who changed what, and undoing it",
    "operators": "For operators: alive, ready, metrics, this document",
}
"""What operations are grouped by, in the document and in generated clients."""

_CLASSES = {
    400: ("InvalidParameter", "visitor: 1 to 128 letters, digits and . _ : ~ - are an id"),
    401: ("Unauthorized", "send Authorization: Bearer with a token of this service"),
    403: ("Forbidden", "this key is for account newspress alone"),
    404: ("UnknownPool", "there is no pool 'ad-placement'"),
    415: ("UnsupportedMediaType", "send application/json"),
    429: (
        "QuotaExceeded",
        "quota.requests: the account has made as many requests as it may make in a minute",
    ),
    503: ("StoreUnavailable", "the store doesn't answer, try again"),
}
"""An example of a class and its message for statuses of a refusal that say the same everywhere."""

INVALID_JSON = ("InvalidDocument", "not JSON: JSON is malformed: invalid character (byte 0)")
"""Class and detail of status 400, where a body is sent."""

_PROBLEMS = {
    400: "Something in the request can't be read; the problem says what",
    401: "No token, or not one of this service",
    403: "Not with this token, with a key of its scopes, or with what the account may have",
    404: "No such thing",
    409: "In conflict with what there is",
    412: "It isn't as `If-Match` or `If-None-Match` says",
    413: "The body is too large",
    415: "The body isn't JSON",
    422: "Well written but not acceptable; the problem names each field",
    428: "`If-Match` is needed",
    429: "The account's quota of requests is used up: try again after `Retry-After`",
    503: "The store is away: try again",
}

DESCRIPTIONS = {200: "The answer", 201: "Made", 204: "Done", 304: "As you have it"}
"""Of responses that have nothing to be said of them."""


class Operation(NamedTuple):
    """One method of an endpoint's path. ``id``: the operationId.

    ``responses``: by status, the type of the JSON body, ``content(...)`` of another body, None for
    no body, or a whole ``response(...)``. ``problems``: statuses that are answered as
    problem+json, to which 503 is added; None: there are none. ``body``: of the request, a type or
    ``content(...)``. ``security``: names of ``SECURITY_SCHEMES``, any of which will do; "" among
    them: it works without. ``fixed``: values of path parameters, when one route is described as
    several paths. ``tag``: one of TAGS. ``examples``: by status, of a response's body; ``example``:
    of the request's. ``text``: what whoever calls it has to know beside the summary.
    ``refusals``: by status, class and detail (and ``action``) of an example of a problem, where the
    general one wouldn't come. ``classes``: by status, all that a problem may have, where there are
    several.
    ``scopes``: an account's key needs one of these; the administrator's token none.
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
    tag: str = ""
    examples: Mapping[int, Any] = {}
    example: Any = None
    text: str = ""
    refusals: Mapping[int, tuple[str, ...]] = {}
    classes: Mapping[int, Sequence[str]] = {}
    scopes: Sequence[Scope] = ()

    def described(self) -> Described:
        """The operation object of OpenAPI."""
        responses = {
            status: body if _is_response(body) else response(DESCRIPTIONS[status], body)
            for status, body in self.responses.items()
        }
        for status, example in self.examples.items():
            responses[status] = _with_example(responses[status], example)
        if self.problems is not None:
            for status in (*self.problems, 503):
                refused = self.refusals.get(status) or refusal_example(status)
                body = content(Problem, PROBLEM, example=_problem_example(status, *refused))
                classes = ", ".join(f"`{kind}`" for kind in self.classes.get(status, ()))
                text = f"{_PROBLEMS[status]}: {classes}" if classes else _PROBLEMS[status]
                responses[status] = response(text, body)
        made: Described = {
            "operationId": self.id,
            "summary": self.summary,
            "description": self.text,
            "responses": {str(status): each for status, each in responses.items()},
        }
        if self.tag:
            made["tags"] = [self.tag]
        if self.parameters:
            made["parameters"] = list(self.parameters)
        if self.body is not None:
            body = {"required": True, "content": _content(self.body)}
            made["requestBody"] = _with_example(body, self.example)
        if self.security:
            made["security"] = [
                {scheme: scopes} if scheme else {}
                for scheme in self.security
                for scopes in self._scopes_of(scheme)
            ]
        return made

    def _scopes_of(self, scheme: str) -> Sequence[list[str]]:
        """The scopes that a key needs, any of which will do."""
        if scheme != "Bearer" or not self.scopes:
            return [[]]
        return [[scope.value] for scope in self.scopes]


def content(schema: Schema, *media: str, example: Any = None) -> Described:
    """A body in any of these media types (JSON, if none is named)."""
    shown = {} if example is None else {"example": example}
    return {name: {"schema": schema, **shown} for name in media or (JSON,)}


def named(name: str, properties: Mapping[str, Schema], required: Sequence[str]) -> Described:
    """The schema of an object that no struct describes, under a name of its own."""
    return {
        "title": name,
        "type": "object",
        "required": list(required),
        "properties": dict(properties),
    }


def too_large(limit: int) -> tuple[str, str]:
    """Class and detail of status 413. ``limit``: bytes."""
    return "BodyTooLarge", f"the body may have at most {limit:,} bytes"


def refusal_example(status: int) -> tuple[str, str]:
    """A class and a message that answers of this status may have."""
    return _CLASSES[status]


def _problem_example(status: int, kind: str, detail: str, action: str = "") -> Described:
    """As ``replies.problem`` writes it: what is about a field names that."""
    field, _, message = detail.partition(": ")
    problem = {
        "title": HTTPStatus(status).phrase,
        "status": status,
        "class": kind,
        "detail": message if kind == "InUse" else detail,
    }
    if status == 422 or kind in (
        "InvalidParameter",
        "MissingParameter",
        "InUse",
        "QuotaExceeded",
        "ChangedSince",
    ):
        problem["errors"] = [{"field": field, "message": message}]
    if action:
        problem["action"] = action
    return problem


def _with_example(described: Described, example: Any) -> Described:
    """A response or request body with this example in each of its media types."""
    media = {name: {**each, "example": example} for name, each in described["content"].items()}
    return {**described, "content": media}


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
    text: str,
    example: Any = None,
) -> Described:
    """A parameter, ``text`` saying what it is; one of the path is always required.

    ``example`` None: whoever declares the operation adds one.
    """
    return {
        "name": name,
        "in": where,
        "required": required or where == "path",
        "schema": schema,
        "description": text,
        **({} if example is None else {"example": example}),
    }
