"""What the app keeps between requests: typed, made in the lifespan, nothing global."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from allocator.allocator import Allocator
from allocator.port import Store
from allocator.stocks import Stocks
from allocator.worker.cache import AnswerSource
from api.http.replies import Reply
from api.http.response_cache import Repeats
from api.metrics import Metrics
from api.pages.swap_answers import KnownSwaps
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.snapshot import Directory, DirectoryKeeper
from ringpool.security.keyring import Keyring
from ringpool.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that an endpoint may need.

    ``repeats`` are the number API's answers. ``sign(number, pool, expires)`` remembers its
    signatures: many clicks share one.
    ``link_repeats`` are of each Location what comes before and after the click's own query.
    """

    settings: Settings
    store: Store
    allocator: Allocator
    stocks: Stocks
    answers: AnswerSource
    repeats: Repeats[Reply]
    swap_repeats: Repeats[KnownSwaps]
    link_repeats: Repeats[tuple[bytes, bytes]]
    catalog: Catalog
    keeper: DirectoryKeeper
    keyring: Keyring
    metrics: Metrics
    sign: Callable[[str, str, int], str]

    @property
    def directory(self) -> Directory:
        """The configuration as of now."""
        return self.keeper.current


class State(TypedDict):
    """The lifespan state: ``request.state.services``, ``scope["state"]["services"]``."""

    services: Services
