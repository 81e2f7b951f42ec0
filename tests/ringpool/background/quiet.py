"""A notifier that tells nobody, for tests of the rounds."""

from __future__ import annotations

from allocator.answers import Swept
from allocator.stocks import StockStatus
from ringpool.catalog.snapshot import PreparedPool, Snapshot
from ringpool.model import Stock
from ringpool.notifications.notifier import Look, Notifier


class QuietNotifier(Notifier):
    """``look`` is called with each pool that is swept."""

    def __init__(self) -> None:
        """Without what it would send by."""

    def look(self, prepared: PreparedPool, swept: Swept) -> None:
        """For subclasses."""

    def forget(self) -> None:
        pass

    async def begin(self, snapshot: Snapshot) -> bool:
        return True

    async def observe_pool(
        self,
        prepared: PreparedPool,
        swept: Swept,
        look: Look,
    ) -> None:
        self.look(prepared, swept)

    async def observe_stock(self, stock: Stock, status: StockStatus) -> None:
        pass

    async def send_due(self) -> None:
        pass
