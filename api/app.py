"""The Starlette app: routes, what it keeps while it runs, and what surrounds every request."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import lru_cache
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from allocator.allocator import Allocator
from allocator.embedded import open_embedded
from allocator.port import Store, StoreUnavailable
from allocator.redis.url import connect
from allocator.stocks import Stocks
from allocator.worker.cache import AssignmentCache
from api.ad_servers import allocate_number, bulk
from api.http import replies
from api.http.middleware import RequestMiddleware
from api.http.refusals import Refusal
from api.http.response_cache import ResponseCache
from api.http.services import Services, State
from api.links import link
from api.managers import calls, number_lookup, pool_numbers, resources
from api.metrics import Metrics
from api.openapi import document
from api.operators import health
from api.pages import script, swap
from ringpool.background.sweeper import Sweeper
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.snapshot import SnapshotKeeper
from ringpool.notifications.webhook import WebhookNotifier
from ringpool.security.keyring import Keyring
from ringpool.settings import Settings

_SIGNATURES_KEPT = 8192

log = structlog.get_logger("ringpool.app")


def routes() -> list[Route]:
    """Every path of the service, the busiest first: they are tried in order."""
    return [
        Route("/api/v1/ring_pools/{pool}/allocate_number.{form}", allocate_number.allocate_number),
        Route("/v1/swap", swap.swap),
        Route("/t/{pool}", link.link),
        Route("/v1/ping", swap.ping),
        Route("/v1/release", swap.release),
        Route("/v1/verify", swap.verify),
        Route("/api/v1/bulk.json", bulk.bulk),
        Route("/dni.js", script.account_script),
        Route("/dni/{version}/{file}", script.pinned_script),
        Route("/livez", health.livez),
        Route("/readyz", health.readyz),
        Route("/metrics", health.exposition),
        Route("/openapi.json", document.document),
        Route("/admin/v1/accounts", resources.accounts.all),
        Route("/admin/v1/accounts/{id}", resources.accounts.one),
        Route("/admin/v1/pools", resources.pools.all),
        Route("/admin/v1/pools/{id}", resources.pools.one),
        Route("/admin/v1/pools/{id}/numbers", pool_numbers.pool_numbers),
        Route("/admin/v1/pools/{id}/status", pool_numbers.pool_status),
        Route("/admin/v1/stocks", resources.stocks.all),
        Route("/admin/v1/stocks/{id}", resources.stocks.one),
        Route("/admin/v1/numbers/{number}", number_lookup.number),
        Route("/admin/v1/calls", calls.calls),
    ]


def create_app(
    settings: Settings | None = None,
    *,
    store: Store | None = None,
    more_routes: Sequence[BaseRoute] = (),
) -> Starlette:
    """The service as an ASGI app.

    ``settings``: else the environment's. ``store``: else the one that the settings name, else the
    embedded one of the data directory. ``more_routes``: pages beside the API (the demo's).
    """
    settings = settings or Settings.from_environment(os.environ)
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[State]:
        async with AsyncExitStack() as stack:
            yield {"services": await _services(stack, settings, store, metrics)}

    surroundings = [Middleware(RequestMiddleware, metrics=metrics)]
    if settings.trusted_proxies:
        proxies = list(settings.trusted_proxies)
        surroundings.insert(0, Middleware(ProxyHeadersMiddleware, trusted_hosts=proxies))
    app = _App(
        routes=[*routes(), *more_routes],
        middleware=surroundings,
        exception_handlers={HTTPException: _refused_by_routing},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


class _App(Starlette):
    """Without Starlette's own last net, which would be a layer a request: RequestMiddleware is one."""

    def build_middleware_stack(self) -> ASGIApp:
        last_net = super().build_middleware_stack()
        assert isinstance(last_net, ServerErrorMiddleware)
        return last_net.app


async def _services(
    stack: AsyncExitStack, settings: Settings, store: Store | None, metrics: Metrics
) -> Services:
    """Everything that runs while the app does; ``stack`` ends it, the last begun first."""
    keyring = Keyring.open(settings)
    if store is None:
        url = settings.redis_url or stack.enter_context(open_embedded(settings.data_dir))
        store = await connect(
            url, timeout_ms=settings.redis_timeout_ms, wait_replicas=settings.wait_replicas
        )
        stack.push_async_callback(store.aclose)
    allocator = Allocator(store)
    stocks = Stocks(store)
    catalog = Catalog(store, allocator, stocks)
    keeper = SnapshotKeeper(catalog)
    answers = AssignmentCache(allocator)
    alerts = WebhookNotifier()
    sweeper = Sweeper(store, allocator, stocks, catalog, keeper, alerts)
    with suppress(StoreUnavailable):  # it comes later: the keeper goes on trying
        await keeper.refresh()
    stack.push_async_callback(alerts.aclose)
    stack.push_async_callback(answers.aclose)
    for work in (keeper.run(), answers.run(), sweeper.run()):
        stack.push_async_callback(_ended, asyncio.create_task(_lasting(work)))
    return Services(
        settings=settings,
        store=store,
        allocator=allocator,
        stocks=stocks,
        answers=answers,
        number_responses=ResponseCache(answers),
        swap_responses=ResponseCache(answers),
        link_responses=ResponseCache(answers),
        catalog=catalog,
        keeper=keeper,
        keyring=keyring,
        metrics=metrics,
        sign=lru_cache(_SIGNATURES_KEPT)(keyring.signer.sign),
    )


async def _lasting(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("background_work_ended")


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _refused_by_routing(_request: StarletteRequest, error: Exception) -> Response:
    """What Starlette refuses itself, as problem+json: a path that isn't there."""
    assert isinstance(error, HTTPException)
    reply = replies.problem(Refusal(error.status_code, "NotFound", "there is no such path"))
    response = Response(reply.body, reply.status)
    response.raw_headers = reply.headers
    return response
