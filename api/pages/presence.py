"""For pages: the visitor is still there, or leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from allocator.replies import UnknownPool
from api.http import replies
from api.http.endpoint import Endpoint
from api.http.replies import Reply
from api.http.request import Request
from api.pages.admission import admit, page_click, preflight
from api.pages.page_operations import beacon_operations
from api.pages.page_replies import error_form
from ringpool.faults import Fault
from ringpool.model import Pool, PoolType
from ringpool.visits import crawlers
from ringpool.visits.click import Click

MAX_FORM_BYTES = 16 * 1024


async def _ping(request: Request) -> Reply:
    """Keep-alive: the visitor is still on the page, which may extend guarantees."""

    async def touch(pool: Pool, click: Click) -> None:
        await request.services.allocator.touch(pool.id, [click.ask(pool, clicks=0)])

    return await _for_each_pool(request, touch)


async def _release(request: Request) -> Reply:
    """The visitor leaves. Only visitor pools let go: other tuples belong to many visitors."""

    async def release(pool: Pool, click: Click) -> None:
        if pool.type is PoolType.VISITOR:
            await request.services.allocator.release(pool.id, [click.ask(pool).tuple])

    return await _for_each_pool(request, release)


async def _for_each_pool(
    request: Request, notify: Callable[[Pool, Click], Awaitable[None]]
) -> Reply:
    """Notify each pool that swap would ask, but those that can make no tuple of this visit."""
    parameters = await request.form(MAX_FORM_BYTES)
    page = await admit(request, parameters, request.services.snapshot)
    if not crawlers.takes_nothing(request.method, request.headers):
        click = page_click(
            parameters,
            is_phone=crawlers.is_phone(request.headers),
            publishers=page.snapshot.accounts,
        )

        async def notify_one(pool: Pool) -> None:
            with suppress(Fault, UnknownPool):
                await notify(pool, click)

        await asyncio.gather(*(notify_one(asked.pool) for asked in page.pools))
    return replies.empty([replies.NO_STORE, *page.cors])


ping = Endpoint(
    "ping",
    error_form,
    {"GET": _ping, "POST": _ping, "OPTIONS": preflight},
    beacon_operations("ping", "The visitor is still there"),
)
release = Endpoint(
    "release",
    error_form,
    {"GET": _release, "POST": _release, "OPTIONS": preflight},
    beacon_operations("release", "The visitor has left (visitor pools)"),
)
