"""``ringpool serve``: the embedded store, the workers, and a stop that lets requests finish.

This process runs the embedded store and, with one worker, the app as well; more workers are
uvicorn's, each with an app and a listening socket of its own.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import sys
import time
from contextlib import ExitStack
from typing import NoReturn

import click
import uvicorn

from allocator.allocator import Allocator
from allocator.embedded import DataDirectoryBusy, EmbeddedServer
from allocator.port import StoreMisconfigured, StoreUnavailable
from allocator.redis.url import connect
from allocator.stocks import Stocks
from api.operators.metrics_port import PATH
from api.server import metric_files
from api.server.http_protocol import Protocol
from api.server.log_format import configure_logging
from api.server.workers import Workers, WorkersFailed, listen
from ringpool import service_address
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.layout import NewerLayout
from ringpool.catalog.store import LockLost
from ringpool.catalog.writer import CatalogBusy
from ringpool.demo import entities
from ringpool.faults import Faults
from ringpool.security.keyring import Keyring
from ringpool.settings import Settings, SettingsError, setting_at_fault, variable

BACKLOG = 2048

OTHER_FILES = 200
"""Open files of a process that are no client's connection: the store's, logs, webhooks, metrics."""

GRACE_SECONDS = 10
"""How long a stop waits for requests that are being answered."""

LOOK_MS = 1_000
"""How long a start waits at least for the store's answer."""

STORE_SECONDS = 5.0
"""How long a start waits for the data directory: a command without a service runs the store too."""

BIND_SECONDS = 5.0
"""How long a start waits for the port, which a killed service's workers may still hold."""


def serve(
    settings: Settings,
    host: str,
    port: int,
    workers: int,
    with_demo: bool,
    accept_empty_store: bool = False,
) -> None:
    """Run the service until SIGINT or SIGTERM. Raises SettingsError when it can't start."""
    configure_logging()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    with ExitStack() as stack:
        keyring = settings.open_keyring()
        if settings.redis_url is None:
            least = settings.min_free_bytes
            store = EmbeddedServer(settings.data_dir, least, accept_empty=accept_empty_store)
            stack.callback(store.stop)
            try:
                _start_store(store)
            except (DataDirectoryBusy, RuntimeError, OSError) as error:
                raise SettingsError(f"{variable('data_dir')}: {error}") from None
            os.environ[variable("redis_url")] = store.url  # where the workers find it
        asyncio.run(_look_at_store(settings, settings.redis_url or store.url))
        listeners = _listen(host, port, workers)
        for listener in listeners:
            stack.enter_context(listener)
        shared = _listen_for_metrics(settings)
        for listener in shared:
            stack.enter_context(listener)
        address = _address(listeners[0])
        stack.enter_context(service_address.written(settings.data_dir, address))
        base_url = settings.public_url or address
        config = uvicorn.Config(
            "api.server.worker_app:demo_app" if with_demo else "api.server.worker_app:app",
            factory=True,
            workers=workers,
            loop="uvloop",
            http=Protocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # the app does it, for RINGPOOL_TRUSTED_PROXIES
            server_header=False,
            backlog=BACKLOG,
            limit_concurrency=_allow_connections(settings.max_connections),
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        _announce(base_url, keyring)
        for listener in shared:
            click.echo(f"Metrics are at {_address(listener)}{PATH}")
        if with_demo:
            asyncio.run(_prepare_demo(base_url))
        if workers == 1:
            uvicorn.Server(config).run(sockets=[*listeners, *shared])
        else:
            try:
                stack.enter_context(metric_files.folder(workers, settings.data_dir))
                count_death = metric_files.death_counter()
                Workers(config, listeners, shared, count_death).run()
            except (WorkersFailed, OSError) as error:
                raise SettingsError(str(error)) from None


async def _look_at_store(settings: Settings, url: str) -> None:
    """Raise SettingsError when the store will never do; warn of what the settings can't hold.

    Its keys are brought to this version's layout.

    One that is away is no reason not to start: it is tried again until it answers.
    """
    store = await connect(
        url,
        timeout_ms=max(settings.redis_timeout_ms, LOOK_MS),
        wait_replicas=settings.wait_replicas,
        wait_aof=settings.wait_aof,
    )
    try:
        if settings.redis_url is not None:
            for doubt in await store.doubts():
                click.echo(f"Warning: {variable('wait_replicas')}: {doubt.text}", err=True)
        await Catalog(store, Allocator(store), Stocks(store)).settle_layout()
    except StoreMisconfigured as error:
        raise setting_at_fault(error) from None
    except (NewerLayout, CatalogBusy, LockLost) as error:
        raise SettingsError(f"the store: {error}") from None
    except StoreUnavailable as error:
        click.echo(f"Warning: the store: {error}; it is tried again until it answers", err=True)
    finally:
        await store.aclose()


def _allow_connections(wanted: int) -> int:
    """Let this process, and the workers, open so many connections; returns how many it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return min(wanted, max(1, soft - OTHER_FILES))
    return wanted


def _start_store(store: EmbeddedServer) -> None:
    """Start the store, once no other process runs it; raises what ``EmbeddedServer.start`` does."""
    limit = time.monotonic() + STORE_SECONDS
    while True:
        try:
            store.start()
        except DataDirectoryBusy:
            if time.monotonic() > limit:
                raise
            time.sleep(0.05)
        else:
            return


def _listen(host: str, port: int, workers: int) -> list[socket.socket]:
    """A listening socket for each worker; raises SettingsError.

    From here on, clients that connect wait instead of being refused.
    """
    limit = time.monotonic() + BIND_SECONDS
    while True:
        try:
            return listen(host, port, workers, BACKLOG)
        except OSError as error:
            if time.monotonic() > limit:
                raise SettingsError(f"{host}:{port}: {error.strerror}") from None
            time.sleep(0.1)


def _listen_for_metrics(settings: Settings) -> list[socket.socket]:
    """The socket of the metrics' port, if there is to be one; raises SettingsError.

    All workers accept from it: any of them reports for all, and others go on when one dies.
    """
    port = settings.metrics_port
    if port is None:
        return []
    try:
        return _listen(settings.metrics_host, port, 1)
    except SettingsError as error:
        raise SettingsError(f"{variable('metrics_port')}: {error}") from None


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - every address is also this one
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _announce(base_url: str, keyring: Keyring) -> None:
    click.echo(f"Ringpool listens on {base_url}")
    if keyring.admin_token_made:
        click.echo(f"Admin token, shown this once: {keyring.admin_token}")


async def _prepare_demo(base_url: str) -> None:
    """Apply the demo's accounts and pools, and print the addresses to open."""
    settings = Settings.from_environment()
    assert settings.redis_url is not None  # the embedded store's, if no other
    store = await connect(settings.redis_url, timeout_ms=10_000)
    try:
        allocator, stocks = Allocator(store), Stocks(store)
        for line in await entities.prepare(Catalog(store, allocator, stocks), base_url):
            click.echo(line)
    except (Faults, CatalogBusy, LockLost, StoreUnavailable) as error:
        raise SettingsError(f"--demo: {error}") from None
    finally:
        await store.aclose()


def _leave(_number: int, _frame: object) -> NoReturn:
    """End the process. uvicorn raises the signal again after a graceful stop."""
    sys.exit(0)
