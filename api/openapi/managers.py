"""What ``/openapi.json`` says of the managers' paths."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from allocator.answers import PoolStatus
from api.managers.number_lookup import CallReply, CallReport, NumberStory
from api.managers.pool_numbers import NumberChange, PoolNumbers
from api.openapi.parts import (
    ID,
    JSON,
    LIMIT,
    MANAGED,
    MOMENT,
    NUMBER,
    TEXT,
    body,
    content,
    operation,
    parameter,
    problems,
    says,
    schema_of,
)
from ringpool.model import Account, Pool, Stock


def _collection(word: str, kind: type[Struct]) -> dict[str, Any]:
    one = parameter("id", ID, "path")
    page = (parameter("after", TEXT), parameter("limit", LIMIT))
    writing = problems(400, 401, 403, 404, 409, 413, 415, 422)
    listed = {
        "type": "object",
        "required": [f"{word}s"],
        "properties": {f"{word}s": {"type": "array", "items": schema_of(kind)}, "next": TEXT},
    }
    return {
        f"/admin/v1/{word}s": {
            "get": operation(
                f"list_{word}s",
                f"The {word}s, by id",
                {
                    "200": says("A page", {JSON: {"schema": listed}}),
                    **problems(400, 401),
                },
                page,
                **MANAGED,
            ),
            "post": operation(
                f"create_{word}",
                f"Make a {word}",
                {"201": says("Made", content(kind)), **writing},
                requestBody=body(kind.__name__),
                **MANAGED,
            ),
        },
        f"/admin/v1/{word}s/{{id}}": {
            "get": operation(
                f"get_{word}",
                f"A {word} without its numbers",
                {"200": says("It", content(kind)), **problems(401, 404)},
                (one,),
                **MANAGED,
            ),
            "put": operation(
                f"put_{word}",
                "Make or replace; numbers are left alone unless given",
                {
                    "200": says("Replaced", content(kind)),
                    "201": says("Made", content(kind)),
                    **writing,
                },
                (one,),
                requestBody=body(f"Put{kind.__name__}"),
                **MANAGED,
            ),
            "patch": operation(
                f"patch_{word}",
                "Change some fields (RFC 7396)",
                {"200": says("Changed", content(kind)), **writing},
                (one,),
                requestBody=body(f"Patch{kind.__name__}", (JSON, "application/merge-patch+json")),
                **MANAGED,
            ),
            "delete": operation(
                f"delete_{word}",
                "Remove it; refused while it is in use",
                {"204": says("Removed"), **problems(401, 403, 404, 409)},
                (one,),
                **MANAGED,
            ),
        },
    }


def managers_paths() -> dict[str, Any]:
    """Path by path, each with its methods."""
    one = parameter("id", ID, "path")
    page = (
        parameter("after", {"type": "string", "pattern": "^[0-9]{0,20}$"}),
        parameter("limit", LIMIT, text="About how many: small pools come on one page"),
    )
    writing = problems(400, 401, 404, 413, 415, 422)
    return {
        **_collection("account", Account),
        **_collection("pool", Pool),
        **_collection("stock", Stock),
        "/admin/v1/pools/{id}/numbers": {
            "get": operation(
                "list_pool_numbers",
                "The numbers in a pool and who holds them",
                {"200": says("A page", content(PoolNumbers)), **problems(400, 401, 404)},
                (one, *page),
                **MANAGED,
            ),
            "post": operation(
                "add_pool_numbers",
                "Add numbers",
                {"204": says("Added"), **writing},
                (one,),
                requestBody=body(NumberChange.__name__),
                **MANAGED,
            ),
            "delete": operation(
                "remove_pool_numbers",
                "Drain numbers: each goes when its guarantee is over. A body works as in POST",
                {"204": says("Draining, or gone"), **writing},
                (one, parameter("number", NUMBER, required=True)),
                **MANAGED,
            ),
        },
        "/admin/v1/pools/{id}/status": {
            "get": operation(
                "get_pool_status",
                "How a pool stands",
                {"200": says("Its numbers, counted", content(PoolStatus)), **problems(401, 404)},
                (one,),
                **MANAGED,
            )
        },
        "/admin/v1/numbers/{number}": {
            "get": operation(
                "get_number",
                "Whose a number is, and who holds it or held it at a moment",
                {"200": says("Its story", content(NumberStory)), **problems(400, 401, 404)},
                (parameter("number", NUMBER, "path"), parameter("at", MOMENT)),
                **MANAGED,
            )
        },
        "/admin/v1/calls": {
            "post": operation(
                "record_call",
                "Credit an inbound call to who held its number, once per id",
                {"200": says("Credited", content(CallReply)), **writing},
                requestBody=body(CallReport.__name__),
                **MANAGED,
            )
        },
    }
