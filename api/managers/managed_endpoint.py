"""An endpoint of the managers' API: what is the same at all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from api.http.description import Operation
from api.http.endpoint import Endpoint, Handler, problem_form
from api.http.replies import Reply
from api.http.request import Request
from api.http.request_quota import count_request


def managed_endpoint(
    name: str, handlers: Mapping[str, Handler], operations: Sequence[Operation]
) -> Endpoint:
    """An endpoint that answers problems as problem+json, and counts requests of accounts."""
    return Endpoint(
        name,
        problem_form,
        {method: _counted(handler) for method, handler in handlers.items()},
        [each._replace(problems=(*(each.problems or ()), 429)) for each in operations],
    )


def _counted(handler: Handler) -> Handler:
    async def counted(request: Request) -> Reply:
        await count_request(request)
        return await handler(request)

    return counted
