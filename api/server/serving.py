"""``ringpool serve``: the embedded store, the workers, and a stop that lets everybody finish.

This process runs the embedded store and, with one worker, the app as well; more workers are
uvicorn's, each with an app and a listening socket of its own.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import click
import structlog
import uvicorn
from msgspec import json

from allocator.allocator import Allocator
from allocator.embedded import DataDirectoryBusy, EmbeddedServer
from allocator.port import StoreUnavailable
from allocator.redis.url import connect
from allocator.stocks import Stocks
from api.server.http_protocol import Protocol
from api.server.workers import Workers, listen
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.store import LockLost
from ringpool.catalog.writer import CatalogBusy
from ringpool.demo import entities
from ringpool.faults import Faults
from ringpool.security.keyring import Keyring
from ringpool.settings import Settings, SettingsError, variable

BACKLOG = 2048

GRACE_SECONDS = 10
"""How long a stop waits for requests that are being answered."""

_HUNG_SECONDS = 30
"""A worker that is silent for so long is replaced; on a crowded machine a sound one may be for a
few seconds, and its visitors would lose their connections."""

_BUSY_SECONDS = 5.0  # a command that found no service runs the store itself for a moment
_BIND_SECONDS = 5.0  # the workers of a killed service need a moment to let go of the port


def serve(settings: Settings, host: str, port: int, workers: int, with_demo: bool) -> None:
    """Run the service until SIGINT or SIGTERM. Raises SettingsError when it can't start."""
    configure_logging()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    with ExitStack() as stack:
        keyring = settings.open_keyring()
        if settings.redis_url is None:
            store = EmbeddedServer(settings.data_dir)
            stack.callback(store.stop)
            try:
                _start(store)
            except (DataDirectoryBusy, RuntimeError, OSError) as error:
                raise SettingsError(f"{variable('data_dir')}: {error}") from None
            os.environ[variable("redis_url")] = store.url  # where the workers find it
        listeners = _bound(host, port, workers)
        for listener in listeners:
            stack.enter_context(listener)
        base_url = settings.public_url or _address(listeners[0])
        config = uvicorn.Config(
            "api.server.serving:demo_app" if with_demo else "api.server.serving:app",
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
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_worker_healthcheck=_HUNG_SECONDS,
        )
        _announce(base_url, keyring)
        if with_demo:
            for line in asyncio.run(_prepare_demo(base_url)):
                click.echo(line)
        if workers == 1:
            uvicorn.Server(config).run(sockets=listeners)
        else:
            _share_metrics(settings.data_dir)
            Workers(config, listeners).run()


def app() -> Any:
    """What a worker runs: the app by the environment's settings."""
    from api.app import create_app  # after PROMETHEUS_MULTIPROC_DIR is set

    _begin_worker()
    return create_app()


def demo_app() -> Any:
    """The same, with the demo's pages."""
    from api.app import create_app
    from api.demo_pages import demo_routes

    _begin_worker()
    return create_app(more_routes=demo_routes())


def configure_logging() -> None:
    """One JSON object a line on stderr, for our own logs and the libraries'."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Without the frames' variables: they may be keys and visitors' data.
        structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        ),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.JSONRenderer(serializer=_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=structlog.processors.JSONRenderer(serializer=_line),
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    # httpx logs whole URLs at INFO, and a webhook's may hold a secret: WARNING keeps them out.


def _line(event: dict[str, Any], **_options: Any) -> str:
    return json.encode(event, enc_hook=str).decode()


def _start(store: EmbeddedServer) -> None:
    limit = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            store.start()
        except DataDirectoryBusy:
            if time.monotonic() > limit:
                raise
            time.sleep(0.05)
        else:
            return


def _bound(host: str, port: int, workers: int) -> list[socket.socket]:
    """A listening socket for each: from here on, clients wait instead of being refused."""
    limit = time.monotonic() + _BIND_SECONDS
    while True:
        try:
            return listen(host, port, workers, BACKLOG)
        except OSError as error:
            if time.monotonic() > limit:
                raise SettingsError(f"{host}:{port}: {error.strerror}") from None
            time.sleep(0.1)


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - every address is also this one
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _announce(base_url: str, keyring: Keyring) -> None:
    click.echo(f"Ringpool listens on {base_url}")
    if keyring.admin_token_made:
        click.echo(f"Admin token, shown this once: {keyring.admin_token}")


async def _prepare_demo(base_url: str) -> list[str]:
    """Apply the demo's accounts and pools; returns what to tell of them."""
    settings = Settings.from_environment()
    assert settings.redis_url is not None  # the embedded store's, if no other
    store = await connect(settings.redis_url, timeout_ms=10_000)
    try:
        allocator, stocks = Allocator(store), Stocks(store)
        return await entities.prepare(Catalog(store, allocator, stocks), base_url)
    except (Faults, CatalogBusy, LockLost, StoreUnavailable) as error:
        raise SettingsError(f"--demo: {error}") from None
    finally:
        await store.aclose()


def _share_metrics(data_dir: Path) -> None:
    """A fresh directory in which the workers keep their counts together."""
    directory = data_dir.resolve() / "metrics"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)


def _begin_worker() -> None:
    """Log as the parent process does, and stop when it ends: nobody would restart or stop us.

    With one worker there is no parent: this process is the service.
    """
    # What is loaded by now stays: the garbage collector needn't walk through it again and again,
    # which is what the slowest answers would wait for.
    gc.collect()
    gc.freeze()
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    configure_logging()

    def follow() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow, name="parent", daemon=True).start()


def _leave(_number: int, _frame: object) -> NoReturn:
    """After a graceful stop uvicorn raises the signal again: leave, ending what is still open."""
    sys.exit(0)
