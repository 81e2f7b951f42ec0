"""For operators: is the process alive, can it serve, and its metrics."""

from __future__ import annotations

import asyncio
import hmac
from importlib.metadata import version

from msgspec import UNSET, Struct, UnsetType

from allocator.port import StoreUnavailable, Unconfirmed
from api import metrics
from api.http import replies
from api.http.description import PLAIN, Operation, content
from api.http.endpoint import Endpoint, problem_form
from api.http.refusals import RETRY_AFTER, Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.operators import metrics_port

_VERSION = version("ringpool")  # which reads files

READY_SECONDS = 1.0
"""How long ``/readyz`` waits for the store."""

_WANTED = "send Authorization: Bearer with the administrator's token or RINGPOOL_METRICS_TOKEN"


class Health(Struct, frozen=True):
    """``status``: ``alive`` or ``ready``. ``limited``: what doesn't go on meanwhile, and why."""

    status: str
    version: str
    limited: str | UnsetType = UNSET


async def _livez(_request: Request) -> Reply:
    """The process alone: a store that is away isn't cured by a restart of the process."""
    return replies.json(Health("alive", _VERSION))


async def _readyz(request: Request) -> Reply:
    if outdated := request.services.keeper.outdated:
        reason = f"this version can't use the store: {outdated}"
        raise Refusal(503, "StoreUnavailable", reason, headers=(RETRY_AFTER,))
    try:
        await asyncio.wait_for(request.services.store.ping(), READY_SECONDS)
    except Unconfirmed as error:
        reason = f"nothing new is given, as changes aren't confirmed: {error}"
        raise Refusal(503, "StoreUnavailable", reason, headers=(RETRY_AFTER,)) from None
    except (StoreUnavailable, TimeoutError):
        raise Refusal(
            503, "StoreUnavailable", "the store doesn't answer", headers=(RETRY_AFTER,)
        ) from None
    space = request.services.space
    limited = space.tell() if space is not None and space.low else UNSET
    return replies.json(Health("ready", _VERSION, limited))


async def _metrics(request: Request) -> Reply:
    _check_may_read(request)
    return Reply(200, metrics.CONTENT_TYPE, await request.services.scraper.text())


def _check_may_read(request: Request) -> None:
    """Raise Refusal 401 unless the metrics' port is open, or the token is one that may read them.

    They name every account's pools and tell how busy each is.
    """
    settings = request.services.settings
    wanted = settings.metrics_token
    if wanted is None and metrics_port.came_to(request.scope, settings.metrics_port):
        return
    token = request.bearer()
    # Both are compared, in constant time.
    is_metrics = hmac.compare_digest(token.encode(), (wanted or "").encode())
    if not (request.services.keyring.is_admin(token) or (wanted and is_metrics)):
        raise Refusal(
            401,
            "Unauthorized",
            _WANTED,
            headers=((b"www-authenticate", b'Bearer realm="ringpool metrics"'),),
        )


_LIVEZ = Operation(
    "GET",
    "livez",
    "The process lives; the store isn't looked at",
    {200: Health},
    tag="operators",
    text="For what restarts a process that hangs. A store that is away is no reason to restart.",
    examples={200: {"status": "alive", "version": "0.1.0"}},
)
_READYZ = Operation(
    "GET",
    "readyz",
    "The store answers too, and confirms changes",
    {200: Health},
    (),
    tag="operators",
    text="For what sends requests here or elsewhere. Waits for the store a second at most. "
    "503 also when too few replicas confirm changes, and how many do. A disk that is nearly full "
    "is told as `limited`: numbers that are held are still given.",
    examples={200: {"status": "ready", "version": "0.1.0"}},
)
_METRICS = Operation(
    "GET",
    "metrics",
    "Figures in Prometheus' text format",
    {200: content(str, PLAIN)},
    (401,),
    security=("Bearer",),
    tag="operators",
    refusals={401: ("Unauthorized", _WANTED)},
    text="What was asked for and answered, how fast, and every pool's numbers as they stand. For "
    "the administrator's token and `RINGPOOL_METRICS_TOKEN`; without either on the port that "
    "`RINGPOOL_METRICS_PORT` names. What was read is shown for a second.",
    examples={200: 'ringpool_pool_unassigned{pool="ad-placement"} 2.0\n'},
)
livez = Endpoint("livez", problem_form, {"GET": _livez}, [_LIVEZ])
readyz = Endpoint("readyz", problem_form, {"GET": _readyz}, [_READYZ])
exposition = Endpoint("metrics", problem_form, {"GET": _metrics}, [_METRICS])
