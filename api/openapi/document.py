"""``/openapi.json``: OpenAPI 3.1 made from the msgspec types that the endpoints read and write.

``callback`` of ``/v1/swap`` and ``/v1/verify`` is told in words: with it the answer is a script,
200 whatever happened.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct

from allocator.answers import PoolStatus
from api.ad_servers.allocation import Allocation
from api.ad_servers.bulk import BulkAnswer, BulkError, BulkRequest
from api.http import replies
from api.http.endpoint import Endpoint
from api.http.replies import Problem, Reply
from api.http.request import Request
from api.managers.number_lookup import CallReply, CallReport, NumberStory
from api.managers.pool_numbers import NumberChange, PoolNumbers
from api.managers.resources import problem
from api.openapi.managers import managers_paths
from api.openapi.parts import COMPONENT
from api.openapi.public import public_paths
from api.operators.health import Health
from api.pages.swap_answers import Swaps
from api.pages.verify import Verdict
from ringpool.model import Account, Pool, Stock
from ringpool.times import Duration

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

_DURATION = Annotated[str, Meta(pattern="^[0-9]{1,9}[smhdwy]$")]


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
    _, schemas = msgspec.json.schema_components(types, ref_template=COMPONENT)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ringpool",
            "version": version("ringpool"),
            "description": "Every traffic source gets its own phone number.",
        },
        "paths": {**public_paths(), **managers_paths()},
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
