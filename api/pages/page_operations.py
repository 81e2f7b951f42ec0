"""What the operations for pages have in common, for ``/openapi.json``.

``callback`` isn't among the parameters: with it the answer is a script, 200 whatever happened.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from api.http.description import Operation, parameter, response
from api.pages.swap_answers import Swaps

NotEmpty = Annotated[str, Meta(min_length=1)]

ACCOUNT = parameter("account", NotEmpty, required=True)

PAGE_PARAMETERS = (
    ACCOUNT,
    parameter("url", text="The page's URL"),
    parameter("ref", text="The page's referrer"),
    parameter("visitor", Annotated[str, Meta(pattern="^[A-Za-z0-9._:~-]{0,128}$")]),
    parameter("targets", text="E.164 numbers on the page, with commas"),
    parameter("pool", text="Only this pool, whatever its rule says"),
    parameter("first_url", text="URL of the visitor's first visit"),
    parameter("first_ref", text="Referrer of the visitor's first visit"),
    parameter("held", text="`keep` of numbers of sticky pools that the visitor has, with commas"),
)

PAGE_REFUSALS = {
    400: response("A parameter that can't be read", Swaps),
    403: response("A page that isn't the account's", Swaps),
    404: response("No such account, or no such pool of it", Swaps),
    503: response("The store is away", Swaps),
}

_BEACON_RESPONSES = PAGE_REFUSALS | {
    204: None,
    413: response("The form is too large", Swaps),
    415: response("The body is no form", Swaps),
}


def beacon_operations(name: str, summary: str) -> list[Operation]:
    """What a page reports without waiting for an answer: GET, or POST as browsers send beacons."""
    return [
        Operation(method, id, summary, _BEACON_RESPONSES, parameters=PAGE_PARAMETERS)
        for method, id in (("GET", name), ("POST", f"{name}_beacon"))
    ]
