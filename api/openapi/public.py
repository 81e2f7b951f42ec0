"""What ``/openapi.json`` says of the paths for pages, links, ad servers and operators."""

from __future__ import annotations

from typing import Any

from api.ad_servers.allocation import Allocation
from api.ad_servers.bulk import BulkRequest
from api.http.replies import Problem
from api.openapi.parts import (
    JSON,
    KEYED,
    PROBLEM,
    TEXT,
    Operation,
    as_text,
    body,
    content,
    operation,
    parameter,
    problems,
    says,
)
from api.operators.health import Health
from api.pages.swap_answers import Swaps
from api.pages.verify import Verdict

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

_PAGE_PARAMETERS = (
    parameter("account", {"type": "string", "minLength": 1}, required=True),
    parameter("url", TEXT, text="The page's URL"),
    parameter("ref", TEXT, text="The page's referrer"),
    parameter("visitor", {"type": "string", "pattern": "^[A-Za-z0-9._:~-]{0,128}$"}),
    parameter("targets", TEXT, text="E.164 numbers on the page, with commas"),
    parameter("pool", TEXT, text="Only this pool"),
)
_ALLOCATION_PARAMETERS = (
    parameter("pool", TEXT, "path"),
    *(parameter(f"param{place}", TEXT) for place in range(1, 11)),
    parameter("search_engine", TEXT),
    parameter("search_keywords", TEXT),
    parameter("search_keyword_id", TEXT),
    parameter("landing_page", TEXT),
    parameter("referrer", TEXT),
    parameter("mobile_click_to_call", {"type": "string", "enum": ["0", "1"]}),
    parameter("publisher", TEXT, text="The account to credit"),
)


def _page_refusals() -> dict[str, Any]:
    described = {
        "400": "A parameter that can't be read",
        "403": "A page that isn't the account's",
        "404": "No such account, or no such pool of it",
        "503": "The store is away",
    }
    return {status: says(text, content(Swaps)) for status, text in described.items()}


def _signal(name: str, summary: str) -> dict[str, Operation]:
    responses = _page_refusals() | {
        "204": says("Noted"),
        "413": says("The form is too large", content(Swaps)),
        "415": says("The body is no form", content(Swaps)),
    }
    return {
        "get": operation(name, summary, responses, _PAGE_PARAMETERS),
        "post": operation(f"{name}_beacon", summary, responses, _PAGE_PARAMETERS),
    }


def _allocate(form: str, media: str, written: dict[str, Any]) -> Operation:
    error = "application/xml" if form == "xml" else "text/plain"
    refusals = {
        status: says(text, as_text(error))
        for status, text in (
            ("400", "A parameter that isn't acceptable"),
            ("401", "No key, or not the pool's"),
            ("404", "No such pool"),
            ("503", "The store is away: try again"),
        )
    }
    refusals["404"]["content"] |= content(Problem, PROBLEM)  # a pool with a slash: another path
    return operation(
        f"allocate_number_{form}",
        "A number for a parameter tuple; the pool's own parameter names work too",
        {"200": says("The number, or state none", written or as_text(media)), **refusals},
        _ALLOCATION_PARAMETERS,
        **KEYED,
    )


def public_paths() -> dict[str, Any]:
    """Path by path, each with its methods."""
    script = as_text("text/javascript")
    base = "/api/v1/ring_pools/{pool}/allocate_number"
    return {
        f"{base}.json": {"get": _allocate("json", JSON, content(Allocation))},
        f"{base}.xml": {"get": _allocate("xml", "application/xml", {})},
        f"{base}.csv": {"get": _allocate("csv", "text/csv", {})},
        "/api/v1/bulk.json": {
            "post": operation(
                "bulk",
                "Up to 1,000 number requests; a bad row fails alone",
                {
                    "200": says("An answer or an error a row, in order", {JSON: {"schema": _ROWS}}),
                    **{
                        status: says(text, as_text("text/plain"))
                        for status, text in (
                            ("400", "No list of requests"),
                            ("413", "The body is too large"),
                            ("415", "The body isn't JSON"),
                            ("503", "The store is away: try again"),
                        )
                    },
                },
                requestBody=body(BulkRequest.__name__),
            )
        },
        "/v1/swap": {
            "get": operation(
                "swap",
                "Which numbers a page shows; with callback=NAME as JSONP",
                {
                    "200": says("Numbers, and targets that keep theirs", content(Swaps)),
                    **_page_refusals(),
                },
                _PAGE_PARAMETERS,
            )
        },
        "/v1/ping": _signal("ping", "The visitor is still there"),
        "/v1/release": _signal("release", "The visitor has left (visitor pools)"),
        "/v1/verify": {
            "get": operation(
                "verify",
                "Whether a tracking link's number is ours; with callback=NAME as JSONP",
                {
                    "200": says("The verdict", content(Verdict)),
                    "400": says("A parameter is missing", content(Swaps)),
                },
                [
                    parameter("rp_number", {"type": "string", "minLength": 1}, required=True),
                    parameter("rp_pool", {"type": "string", "minLength": 1}, required=True),
                    parameter(
                        "rp_exp", {"type": "string", "pattern": "^[0-9]{1,12}$"}, required=True
                    ),
                    parameter("rp_sig", {"type": "string", "minLength": 1}, required=True),
                ],
            )
        },
        "/t/{pool}": {
            "get": operation(
                "link",
                "To the landing page with a signed number, the query's parameters kept",
                {
                    "200": says("A page that dials, for phones", as_text("text/html")),
                    "302": says("The landing page"),
                    **problems(400, 404),
                },
                [parameter("pool", TEXT, "path")],
            )
        },
        "/dni.js": {
            "get": operation(
                "account_script",
                "The page script with an account's settings",
                {
                    "200": says("JavaScript", script),
                    "304": says("As you have it"),
                    **problems(400, 404),
                },
                [parameter("account", {"type": "string", "minLength": 1}, required=True)],
            )
        },
        "/dni/{version}/{file}": {
            "get": operation(
                "pinned_script",
                "The page script of one version, for ever",
                {"200": says("JavaScript", script), **problems(404)},
                [parameter("version", TEXT, "path"), parameter("file", TEXT, "path")],
            )
        },
        "/livez": {"get": operation("livez", "Alive", {"200": says("Yes", content(Health))})},
        "/readyz": {
            "get": operation("readyz", "Ready", {"200": says("Yes", content(Health)), **problems()})
        },
        "/metrics": {
            "get": operation(
                "metrics", "Prometheus", {"200": says("Text format", as_text("text/plain"))}
            )
        },
        "/openapi.json": {
            "get": operation(
                "openapi",
                "This",
                {"200": says("OpenAPI", {JSON: {"schema": _OBJECT}})},
            )
        },
    }
