"""What every command needs: an open store, and each expected error as one line."""

from __future__ import annotations

import asyncio
import functools
import os
import platform
import pwd
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import click

from allocator.allocator import Allocator
from allocator.embedded import DataDirectoryBusy, open_embedded
from allocator.port import StoreMisconfigured, StoreUnavailable
from allocator.redis.cluster import ClusterStore
from allocator.redis.standalone import StandaloneStore
from allocator.redis.url import connect
from allocator.stocks import Stocks
from ringpool import service_address
from ringpool.backup_file import BackupError
from ringpool.catalog.audit import Actor
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.key_changes import KeyExists, StillWorks, UnknownKey
from ringpool.catalog.restore import NotEmpty
from ringpool.catalog.snapshot import Snapshot
from ringpool.catalog.store import LockLost
from ringpool.catalog.writer import CatalogBusy
from ringpool.cli.output import failure, say
from ringpool.config import draft
from ringpool.faults import Fault, Faults
from ringpool.settings import Settings, SettingsError, setting_at_fault

DEFAULT_PUBLIC_URL = "http://127.0.0.1:8000"

EXPECTED = (
    BackupError,
    CatalogBusy,
    DataDirectoryBusy,
    Fault,
    KeyExists,
    NotEmpty,
    SettingsError,
    StillWorks,
    UnknownKey,
)
"""What a command ends with in one line."""

_MAX_FAULTS = 100
"""How many are told one by one."""

_TIMEOUT_MS = 5_000
"""A command may wait longer for the store than a page."""


@dataclass(frozen=True, slots=True)
class Session:
    """An open store and what uses it. ``url``: where it is."""

    settings: Settings
    url: str
    store: StandaloneStore | ClusterStore
    allocator: Allocator
    stocks: Stocks
    catalog: Catalog

    async def snapshot(self) -> Snapshot:
        """Read the configuration as it is now."""
        return Snapshot(*await self.catalog.entities())

    @property
    def public_url(self) -> str:
        """Where browsers reach the service: as it is set, else where it was started."""
        return (
            self.settings.public_url
            or service_address.read(self.settings.data_dir)
            or DEFAULT_PUBLIC_URL
        )


@asynccontextmanager
async def open_session() -> AsyncIterator[Session]:
    """Open the store that the settings name.

    Without RINGPOOL_REDIS_URL that is the embedded store of the data directory: the running
    service's, or one that runs as long as the command.
    """
    settings = Settings.from_environment()
    async with AsyncExitStack() as stack:
        url = settings.redis_url or stack.enter_context(
            open_embedded(settings.data_dir, settings.min_free_bytes)
        )
        timeout_ms = max(settings.redis_timeout_ms, _TIMEOUT_MS)
        try:
            store = await connect(
                url,
                timeout_ms=timeout_ms,
                wait_replicas=settings.wait_replicas,
                wait_aof=settings.wait_aof,
            )
        except (ValueError, OSError) as error:
            raise SettingsError(f"RINGPOOL_REDIS_URL: {error}") from None
        stack.push_async_callback(store.aclose)
        allocator, stocks = Allocator(store), Stocks(store)
        catalog = Catalog(store, allocator, stocks).by(_actor())
        yield Session(settings, url, store, allocator, stocks, catalog)


def _actor() -> Actor:
    """Who gives the command: the user that the system knows, not one that the environment names."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container
        user = f"uid {os.getuid()}"
    context = click.get_current_context(silent=True)
    words = context.command_path.split()[1:] if context else []
    return Actor(
        kind="command",
        user=user,
        address=platform.node(),
        via=" ".join(["ringpool", *words]),
    )


def command(function: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Make a command of an async function: expected errors are lines on stderr, exit code 1."""

    @functools.wraps(function)
    def run(*args: Any, **options: Any) -> None:
        try:
            asyncio.run(_await(function(*args, **options)))
        except Faults as faults:
            for fault in faults.faults[:_MAX_FAULTS]:
                say(str(fault), error=True)
            if (more := len(faults.faults) - _MAX_FAULTS) > 0:
                least = ", at least" if len(faults.faults) > draft.MAX_FAULTS else ""
                say(f"… and {more} more{least}", error=True)
            sys.exit(1)
        except EXPECTED as error:
            raise failure(error) from None
        except StoreMisconfigured as error:
            raise failure(setting_at_fault(error)) from None
        except StoreUnavailable as error:
            raise failure(f"the store: {error}") from None
        except LockLost:
            message = "another writer took over; it carries out what was committed"
            raise failure(message) from None
        except (OSError, RuntimeError) as error:  # the embedded store can't be started
            raise failure(error) from None

    return run


async def _await(awaitable: Awaitable[None]) -> None:
    await awaitable
