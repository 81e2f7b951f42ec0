"""For managers: what a pool refused lately, and why."""

from __future__ import annotations

import msgspec

from api.http import replies
from api.http.description import parameter
from api.http.replies import Reply
from api.http.request import Request
from api.managers.callers import ManagedOperation, callers_pool
from api.managers.managed_endpoint import managed_endpoint
from ringpool.model import Identifier
from ringpool.refusals import Needed, RefusalReport, Refused, report


async def _refusals(request: Request) -> Reply:
    prepared = await callers_pool(request)
    found = await request.services.allocator.refusals(prepared.pool.id)
    return replies.json(report(prepared.pool, found))


_EXAMPLE = RefusalReport(
    pool="ad-placement",
    why="All 40 held; the first is due 14:37 UTC; stock us-toll-free is empty; 43 numbers would "
    "have served it.",
    needed=Needed(43, "exactly"),
    refusals=[
        Refused(
            at="2026-11-21T14:31:05Z",
            reason="held",
            tuple={"website": "one", "location": "footer", "path": "home"},
            network="203.0.113.0/24",
            size=40,
            first_due="2026-11-21T14:37:12Z",
            no_growth="stock_empty",
            more=2,
        )
    ],
)
_GET = ManagedOperation(
    "GET",
    "get_pool_refusals",
    "What a pool refused lately, and why",
    {200: RefusalReport},
    (401, 404),
    [parameter("id", Identifier, "path", text="The pool's id", example="ad-placement")],
    tag="pools",
    text="The latest 50 asks within 7 days that got no number of the pool, one a second of each "
    "reason, and how many there were between. `why` says in a sentence what was in the way of the "
    "newest, `needed` how many numbers would have served all who were there then.",
    examples={200: msgspec.to_builtins(_EXAMPLE)},
)
pool_refusals = managed_endpoint("pool_refusals", {"GET": _refusals}, [_GET])
