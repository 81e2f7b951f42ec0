"""What the operations for pages have in common, for ``/openapi.json``.

``callback`` isn't among the parameters: with it the answer is a script, 200 whatever happened.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from api.http.description import Operation, content, parameter, response, responses_with
from api.pages.swap_answers import Swaps

NotEmpty = Annotated[str, Meta(min_length=1)]

ACCOUNT = parameter("account", NotEmpty, required=True)

PAGE_PARAMETERS = (
    ACCOUNT,
    parameter("url", text="The page's URL"),
    parameter("ref", text="The page's referrer"),
    parameter("visitor", Annotated[str, Meta(pattern="^[A-Za-z0-9._:~-]{0,128}$")]),
    parameter("targets", text="E.164 numbers on the page, with commas"),
    parameter("pool", text="Only this pool"),
)

PAGE_REFUSALS = responses_with(
    content(Swaps),
    {
        400: "A parameter that can't be read",
        403: "A page that isn't the account's",
        404: "No such account, or no such pool of it",
        503: "The store is away",
    },
)


def beacon_operations(name: str, summary: str) -> list[Operation]:
    """What a page reports without waiting for an answer: GET, or POST as browsers send beacons."""
    reported = (
        PAGE_REFUSALS
        | {204: response("Noted")}
        | responses_with(content(Swaps), {413: "The form is too large", 415: "The body is no form"})
    )
    return [
        Operation("GET", name, summary, reported, PAGE_PARAMETERS),
        Operation("POST", f"{name}_beacon", summary, reported, PAGE_PARAMETERS),
    ]
