"""The Starlette app: its routes, what runs while it does, and what surrounds every request.

The way of a request for a number, from a page, a tracking link or an ad server::

    RequestMiddleware, Endpoint        http/middleware, http/endpoint
      parse       the request into one frozen value: its cache key, its per-click values
      visit       a crawler or HEAD takes nothing          ringpool/visits/crawlers
      ResponseCache.answer(key, snapshot, compute)         http/response_cache
        | remembered: its clicks are counted
        | else compute(snapshot):
        |   pools     whose page or key it is, which pools it asks     http/lookups
        |             for pages by the account's rules     ringpool/catalog/routing
        |   tuples    Click.ask(pool)                      ringpool/visits/click
        |   allocate  AssignmentCache.allocate(pool, ask)  allocator/worker/cache
        |   render    what the answer depends on, and what is the same for all
      render      for this request's own callback or query
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
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
from allocator.disk_space import DiskSpace
from allocator.embedded import open_embedded, serves
from allocator.ledger import Ledgers
from allocator.port import Store, StoreUnavailable
from allocator.rates import Rates
from allocator.redis.url import connect
from allocator.resting import Resting
from allocator.stocks import Stocks
from allocator.transfers import Transfers
from allocator.worker.cache import AssignmentCache
from api.ad_servers import allocate_number, bulk
from api.ad_servers.allocation import error_reply
from api.calls import endpoints, route
from api.carriers import events, voice
from api.http import replies
from api.http.encoded_route import EncodedRoute
from api.http.middleware import RequestMiddleware
from api.http.refusals import Refusal
from api.http.response_cache import ResponseCache
from api.http.services import LifespanState, Services
from api.http.signing import Signing
from api.http.trusted_peer import TrustedPeer
from api.http.visitor_networks import VisitorNetworks
from api.links import link
from api.managers import (
    changes,
    explain,
    keys,
    number_lookup,
    pool_numbers,
    pool_refusals,
    pool_series,
    reports,
    resources,
    size,
    stock_numbers,
)
from api.measured_store import MeasuredStore
from api.metrics import Metrics
from api.openapi import document
from api.operators import health
from api.operators.metrics_port import MetricsPort
from api.pages import presence, public_keys, script, swap, verify
from api.scrape import Scraper
from ringpool.archive.database import Archive, ArchiveAway, archive_url
from ringpool.archive.turn import turn
from ringpool.archive.writer import ArchiveWriter
from ringpool.attribution.attributing import Attributor
from ringpool.background.archiving import Archiving
from ringpool.background.attributing import Attributing
from ringpool.background.call_closing import CallClosing
from ringpool.background.held_assignments import HeldAssignments
from ringpool.background.retention import Retention
from ringpool.background.sweeper import Sweeper
from ringpool.call_routes.router import CallRouter
from ringpool.calls.recording import CallRecorder
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.key_uses import KeyUses
from ringpool.catalog.snapshot import SnapshotKeeper
from ringpool.notifications.notifier import Notifier
from ringpool.notifications.sender import Sender
from ringpool.security.keyring import SigningKeyFile
from ringpool.settings import Settings

log = structlog.get_logger("ringpool.app")


def routes() -> list[Route]:
    """Every path of the service, the busiest first: they are tried in order."""
    return [
        Route("/api/v1/ring_pools/{pool}/allocate_number.{form}", allocate_number.allocate_number),
        Route("/v1/swap", swap.swap),
        Route("/t/{pool}", link.link),
        Route("/v1/ping", presence.ping),
        Route("/v1/release", presence.release),
        Route("/v1/verify", verify.verify),
        Route("/v1/route", route.route),
        Route("/api/v1/bulk.json", bulk.bulk),
        Route(
            "/api/{date}/ring_pools/{pool}/allocate_number.{form}",
            allocate_number.dated_allocate_number,
        ),
        Route("/api/{date}/bulk.json", bulk.dated_bulk),
        Route("/dni.js", script.account_script),
        Route("/dni/{version}/{file}", script.pinned_script),
        Route("/.well-known/jwks.json", public_keys.public_keys),
        Route("/livez", health.livez),
        Route("/readyz", health.readyz),
        Route("/metrics", health.exposition),
        Route("/openapi.json", document.document),
        Route("/admin/v1/accounts", resources.accounts.all),
        Route("/admin/v1/accounts/{id}", resources.accounts.one),
        Route("/admin/v1/accounts/{id}/keys", keys.keys),
        Route("/admin/v1/accounts/{id}/keys/{name}", keys.key),
        Route("/admin/v1/accounts/{id}/keys/{name}/rotate", keys.rotate_key),
        Route("/admin/v1/pools", resources.pools.all),
        Route("/admin/v1/pools/{id}", resources.pools.one),
        Route("/admin/v1/pools/{id}/key/rotate", keys.rotate_pool_key),
        Route("/admin/v1/pools/{id}/numbers", pool_numbers.pool_numbers),
        Route("/admin/v1/pools/{id}/status", pool_numbers.pool_status),
        Route("/admin/v1/pools/{id}/refusals", pool_refusals.pool_refusals),
        Route("/admin/v1/pools/{id}/series", pool_series.pool_series),
        Route("/admin/v1/pools/{id}/size", size.pool_size),
        Route("/admin/v1/stocks", resources.stocks.all),
        Route("/admin/v1/stocks/{id}", resources.stocks.one),
        Route("/admin/v1/stocks/{id}/numbers", stock_numbers.stock_numbers),
        Route("/admin/v1/stocks/{id}/status", stock_numbers.stock_status),
        Route("/admin/v1/numbers/{number}", number_lookup.number),
        Route("/v1/calls", endpoints.calls.all),
        EncodedRoute("/v1/calls/{id}", endpoints.calls.one),
        EncodedRoute("/v1/calls/{id}/outcome", endpoints.calls.outcome),
        Route("/admin/v1/calls", endpoints.admin_calls.all),
        EncodedRoute("/admin/v1/calls/{id}", endpoints.admin_calls.one),
        EncodedRoute("/admin/v1/calls/{id}/outcome", endpoints.admin_calls.outcome),
        Route("/v1/carriers/{provider}/{account}", events.carrier_events),
        Route("/v1/carriers/{provider}/{account}/voice", voice.voice),
        Route("/v1/carriers/{provider}/{account}/whisper", voice.whisper),
        Route("/admin/v1/explain", explain.explain),
        Route("/admin/v1/size", size.size_endpoint),
        Route("/v1/reports/{by}", reports.reports),
        Route("/admin/v1/changes", changes.changes),
        Route("/admin/v1/changes/{revision}", changes.change),
        Route("/admin/v1/changes/{revision}/undo", changes.undo),
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
    async def lifespan(_app: Starlette) -> AsyncIterator[LifespanState]:
        async with AsyncExitStack() as stack:
            yield {"services": await _services(stack, settings, store, metrics)}

    middleware = [Middleware(RequestMiddleware, metrics=metrics)]
    if settings.trusted_proxies:
        proxies = list(settings.trusted_proxies)
        middleware.insert(0, Middleware(ProxyHeadersMiddleware, trusted_hosts=proxies))
        if settings.country_header or settings.area_header:
            middleware.insert(0, Middleware(TrustedPeer, trusted=proxies))
    if settings.metrics_port is not None:
        middleware.insert(0, Middleware(MetricsPort, port=settings.metrics_port))
    app = _App(
        routes=[*routes(), *more_routes],
        middleware=middleware,
        exception_handlers={HTTPException: _not_found},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


class _App(Starlette):
    """Without Starlette's own catch-all handler: RequestMiddleware is one, and it would be one more
    layer around every request."""

    def build_middleware_stack(self) -> ASGIApp:
        catch_all = super().build_middleware_stack()
        assert isinstance(catch_all, ServerErrorMiddleware)
        return catch_all.app


async def _services(
    stack: AsyncExitStack, settings: Settings, store: Store | None, metrics: Metrics
) -> Services:
    """Everything that runs while the app does; ``stack`` ends it in reverse order."""
    key_file = SigningKeyFile(settings.data_dir) if settings.signing_key is None else None
    keyring = settings.open_keyring()
    signing = Signing(keyring.signer)
    space: DiskSpace | None = None
    if store is None:
        least = settings.min_free_bytes
        url = settings.redis_url or stack.enter_context(open_embedded(settings.data_dir, least))
        if serves(settings.data_dir, url):
            space = DiskSpace(settings.data_dir, least)
        store = await connect(
            url,
            timeout_ms=settings.redis_timeout_ms,
            wait_replicas=settings.wait_replicas,
            wait_aof=settings.wait_aof,
            unconfirmed=metrics.count_unconfirmed,
        )
        stack.push_async_callback(store.aclose)
    scraped = Allocator(store), Stocks(store), Transfers(store)  # its reads aren't visitors'
    measured = MeasuredStore(store, metrics)
    allocator = Allocator(measured)
    stocks = Stocks(measured)
    catalog = Catalog(measured, allocator, stocks)
    keeper = SnapshotKeeper(catalog)
    resting = Resting(settings.data_dir) if space is not None else None
    assignments = AssignmentCache(allocator, refuses=_refuses(space, resting, keeper))
    sender = Sender.of_settings(settings)
    notifier = Notifier(store, catalog.log, sender, count=metrics.count_notification)
    archive = Archive(archive_url(settings.database_url or "", settings.data_dir))
    stack.push_async_callback(archive.close)
    with suppress(ArchiveAway):  # it comes later: the leader goes on trying
        await archive.prepare()
    ledgers = Ledgers(store)
    writer = ArchiveWriter(archive, ledgers, told=metrics.count_archived)
    held = HeldAssignments(allocator, writer, lambda: keeper.current.pools)
    attributing = Attributing(archive, Attributor(archive, told=metrics.count_attributed))
    stack.push_async_callback(attributing.aclose)
    archiving = Archiving(
        writer,
        [
            CallClosing(archive, int(settings.call_timeout)).round,
            held.round,
            attributing.round,
            Retention(archive, lambda: keeper.current.accounts.values()).round,
        ],
        turn=lambda: turn(archive),
        failed=metrics.count_archive_failure,
    )
    sweeper = Sweeper(
        store, allocator, stocks, catalog, keeper, notifier, archiving=archiving, held=held
    )
    key_uses = KeyUses(store)
    recorder = CallRecorder(allocator, stocks, ledgers, catalog, keeper, lambda: signing.keys)
    with suppress(StoreUnavailable):  # it comes later: the keeper goes on trying
        await keeper.refresh()
    stack.push_async_callback(key_uses.aclose)
    stack.push_async_callback(notifier.aclose)
    stack.push_async_callback(assignments.aclose)
    works = [keeper.run(), assignments.run(), sweeper.run(), key_uses.run()]
    if space is not None:
        works.append(space.watch())
    if key_file is not None:
        # What was signed with the former key isn't repeated.
        works.append(signing.follow(key_file, keeper.renew))
    for work in works:
        stack.push_async_callback(_cancel, asyncio.create_task(_log_failure(work)))
    return Services(
        settings=settings,
        store=store,
        space=space,
        allocator=allocator,
        stocks=stocks,
        assignments=assignments,
        responses=ResponseCache(assignments),
        catalog=catalog,
        keeper=keeper,
        keyring=keyring,
        metrics=metrics,
        scraper=Scraper(*scraped, keeper, metrics, space, archive),
        rates=Rates(store),
        signing=signing,
        networks=VisitorNetworks(settings.trusted_proxies),
        key_uses=key_uses,
        router=CallRouter(allocator, stocks, catalog),
        recorder=recorder,
        archive=archive,
    )


def _refuses(
    space: DiskSpace | None, resting: Resting | None, keeper: SnapshotKeeper
) -> Callable[[str], str]:
    """Why a pool gives no new numbers now, for AssignmentCache.

    Raises StoreUnavailable when nothing that the store has can be read any more.
    """

    def refuses(pool_id: str) -> str:
        if keeper.outdated:
            raise StoreUnavailable(keeper.outdated)
        if space is not None and space.low:
            return space.tell()
        if resting is not None and resting.until(pool_id):
            return "the pool rests: its store was repaired"
        if keeper.current.rests_until(pool_id):
            return "the pool rests: its store was restored from a backup"
        return ""

    return refuses


async def _log_failure(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("background_work_ended")


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _not_found(request: StarletteRequest, error: Exception) -> Response:
    """What Starlette's routing refuses: a path that isn't there.

    Under ``/api`` it is written as the number API's errors, else as problem+json.
    """
    assert isinstance(error, HTTPException)
    path = request.scope["path"]
    refused = Refusal(error.status_code, "NotFound", "there is no such path")
    if path.startswith("/api/"):
        reply = error_reply("xml" if path.endswith(".xml") else "", refused)
    else:
        reply = replies.problem(refused)
    response = Response(reply.body, reply.status)
    response.raw_headers = reply.headers
    return response
