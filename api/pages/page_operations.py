"""What the operations for pages have in common, for ``/openapi.json``.

``callback`` isn't among the parameters: with it the answer is a script, 200 whatever happened.
"""

from __future__ import annotations

from typing import Any

from api.http.description import (
    Described,
    Operation,
    parameter,
    refusal_example,
    response,
    too_large,
)
from api.http.parameters import AGENT, VISIT, NotEmpty
from api.pages.swap_answers import Swaps

MAX_FORM_BYTES = 16 * 1024
"""Of a beacon's form."""

ACCOUNT = parameter(
    "account",
    NotEmpty,
    text="The id of the page's account; needed where its key isn't sent",
    example="newspress",
)

_PAGE = (
    *VISIT,
    parameter(
        "targets",
        text="Printed numbers in E.164, with commas; each may have a format after a colon: "
        "`national`, `international`, `e164` or `as_found`. Without: every target of the account",
        example="+18005550100:national",
    ),
    parameter("pool", text="Only this pool, whatever its rule says", example="ad-placement"),
)
PAGE_PARAMETERS = (ACCOUNT, *_PAGE)
SWAP_PARAMETERS = (
    # A server's key says whose pools are asked, so that no account is needed beside it.
    {**ACCOUNT, "required": False, "description": f"{ACCOUNT['description']}; needless with a key"},
    *_PAGE,
    {**AGENT, "description": f"With an API key: {AGENT['description']}"},
    parameter(
        "address",
        text="With an API key: the visitor's IPv4 or IPv6 address",
        example="192.0.2.7",
    ),
)


_REFUSALS = {
    401: ("Unauthorized", "not an API key of an account"),
    403: ("ForbiddenOrigin", "https://elsewhere.example is not an origin of this account"),
    404: ("UnknownAccount", "there is no account 'newspress'"),
    413: too_large(MAX_FORM_BYTES),
    415: ("UnsupportedMediaType", "send a form: name=value&name=value"),
}
"""What pages are told."""


def error_example(status: int, refused: tuple[str, str] | None = None) -> Described:
    """What a refusal with this status may look like. ``refused``: its class and message."""
    kind, message = refused or _REFUSALS.get(status) or refusal_example(status)
    return {"error": {"class": kind, "message": message}, "swaps": []}


def error_examples(*statuses: int) -> dict[int, Any]:
    """The same for several."""
    return {status: error_example(status) for status in statuses}


PAGE_REFUSALS = {
    400: response("A parameter that can't be read", Swaps),
    401: response("A key, but not an account's", Swaps),
    403: response("A page that isn't the account's", Swaps),
    404: response("No such account, or no such pool of it", Swaps),
    429: response("A server's key whose account's quota of requests is used up", Swaps),
    503: response("The store is away", Swaps),
}

_FORM_REFUSALS = {
    413: response("The form is too large", Swaps),
    415: response("The body is no form", Swaps),
}


def beacon_operations(name: str, summary: str, text: str) -> list[Operation]:
    """What a page reports without waiting for an answer: GET, or POST as browsers send beacons."""
    read = Operation(
        "GET",
        name,
        summary,
        {204: None, **PAGE_REFUSALS},
        parameters=PAGE_PARAMETERS,
        tag="pages",
        text=text,
        security=("", "Bearer"),
        examples=error_examples(*PAGE_REFUSALS),
    )
    sent = read._replace(
        method="POST",
        id=f"{name}_beacon",
        responses={**read.responses, **_FORM_REFUSALS},
        examples={**read.examples, **error_examples(*_FORM_REFUSALS)},
    )
    return [read, sent]
