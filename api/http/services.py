"""What the app keeps between requests: typed, made in the lifespan, nothing global."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from allocator.allocator import Allocator
from allocator.disk_space import DiskSpace
from allocator.port import Store
from allocator.rates import Rates
from allocator.stocks import Stocks
from allocator.worker.cache import AssignmentCache
from api.http.response_cache import ResponseCache
from api.http.signing import Signing
from api.http.visitor_networks import VisitorNetworks
from api.metrics import Metrics
from api.scrape import Scraper
from ringpool.archive.database import Archive
from ringpool.call_routes.router import CallRouter
from ringpool.calls.recording import CallRecorder
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.key_uses import KeyUses
from ringpool.catalog.snapshot import Snapshot, SnapshotKeeper
from ringpool.security.keyring import Keyring
from ringpool.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that an endpoint may need.

    ``space``: the embedded store's disk; None with another store.
    """

    settings: Settings
    store: Store
    space: DiskSpace | None
    allocator: Allocator
    stocks: Stocks
    assignments: AssignmentCache
    responses: ResponseCache
    catalog: Catalog
    keeper: SnapshotKeeper
    keyring: Keyring
    metrics: Metrics
    scraper: Scraper
    rates: Rates
    signing: Signing
    networks: VisitorNetworks
    key_uses: KeyUses
    router: CallRouter
    recorder: CallRecorder
    archive: Archive

    @property
    def snapshot(self) -> Snapshot:
        """The configuration as of now: taken once a request, and passed on."""
        return self.keeper.current


class LifespanState(TypedDict):
    """The lifespan state: ``request.state.services``, ``scope["state"]["services"]``."""

    services: Services
