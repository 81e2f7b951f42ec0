"""Tells operators and accounts what becomes of pools and stocks, as far as they want to know.

A state such as *exhausted* is told when it begins, and once more only when it had ended in between
and the cooldown is over. It has ended when nothing was seen of it for ``CALM_MS``. Who was told
what, and what is still to be sent, is in the store, so that another process can take over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import structlog

from allocator.answers import PoolStatus, Swept
from allocator.port import Store
from allocator.stocks import StockStatus
from ringpool.catalog.audit_log import AuditLog
from ringpool.catalog.snapshot import PreparedPool, Snapshot
from ringpool.model import Configuration, Event, Stock
from ringpool.notifications import messages
from ringpool.notifications.changes import ChangeTeller
from ringpool.notifications.memory import Changed, Full, Memory
from ringpool.notifications.outbox import Count, Outbox
from ringpool.notifications.recipients import Recipients, Target, Targets
from ringpool.notifications.sender import Sender
from ringpool.times import format_rfc3339

CALM_MS = 60_000

GROWTH_MS = 10_000
"""How often a pool is looked at for growth, which costs a call to the store."""

FORECAST_MS = 60_000
"""How often it is asked when a pool will be exhausted, which costs a few."""

SOON_SECONDS = 25 * 60
"""As the alert on this forecast has it: 15 minutes are left after its error.

As there, it must be so twice in a row.
"""

_PRUNED_MS, _PRUNED_AT_ONCE = 3_600_000, 500
_KEPT_MS = 7 * 86_400_000
"""How long it is remembered that somebody was told: as long as a cooldown can be."""

_FIELD = "told "
_SHARE_LOW = 10
"""A stock that names no mark is low with less than one of so many numbers left."""

_log = structlog.get_logger("ringpool.notifications")

Details = Mapping[str, Any]


class Look(Protocol):
    """What more may be asked of a pool that was swept; raises StoreUnavailable."""

    async def status(self) -> PoolStatus:
        """Count it."""

    async def settled(self) -> bool:
        """Whether no change of the configuration is under way."""

    async def seconds_left(self) -> float | None:
        """Return in how many seconds it will be exhausted; None: not soon. 0.0: it is."""


class Told(NamedTuple):
    """``at``: when, Unix ms; 0: never. ``stands``: the receiver was told that it began, and not yet
    that it is over."""

    at: int = 0
    stands: bool = False

    @classmethod
    def parse(cls, text: str) -> Told:
        """Read what ``str`` wrote; "" is never."""
        at, _, stands = text.partition(" ")
        return cls(int(at or 0), stands == "1")

    def __str__(self) -> str:
        return f"{self.at} {int(self.stands)}"


class Notifier:
    """``clock_ms``: Unix ms. ``count``: as of ``Outbox``."""

    def __init__(
        self,
        store: Store,
        log: AuditLog,
        sender: Sender,
        *,
        clock_ms: Callable[[], int] = lambda: int(time.time() * 1000),
        count: Count = lambda _outcome: None,
    ) -> None:
        self._memory = Memory(store)
        self._outbox = Outbox(self._memory, sender, clock_ms, count)
        self._changes = ChangeTeller(self._memory, self._outbox, log, clock_ms)
        self._clock_ms = clock_ms
        self._count = count
        self._recipients = Recipients(Snapshot(0, Configuration()))
        self._revision: int | None = None
        self._seen: dict[tuple[str, Event], int] = {}  # when a state was last seen to stand
        self._sizes: dict[tuple[str, str], int] = {}  # (pool, target) → size as it was told last
        self._looked_at: dict[str, int] = {}  # pool → when it was looked at for growth
        self._forecasts: dict[str, _Forecast] = {}  # by pool
        self._pruned_at = 0
        self._full_until = 0

    def forget(self) -> None:
        """Read everything anew: another process may have led meanwhile."""
        self._memory.read = False

    async def begin(self, snapshot: Snapshot) -> bool:
        """Begin a round, in which nothing is told when it returns False.

        Tells what became of the configuration. Raises StoreUnavailable.
        """
        if snapshot.revision != self._revision:
            self._recipients = Recipients(snapshot)
            self._revision = snapshot.revision
        now = self._clock_ms()
        try:
            if not self._memory.read:
                await self._memory.recall()
                self._outbox.reread()
                self._sizes.clear()
                self._pruned_at = 0
            if now - self._pruned_at >= _PRUNED_MS:
                self._pruned_at = now
                await self._prune(now)
            with suppress(Full):  # what becomes of pools may be remembered already
                for pool_id in await self._changes.tell(snapshot, self._recipients):
                    self._numbers_changed(pool_id)
        except Changed:
            return False
        return True

    async def observe_pool(
        self,
        prepared: PreparedPool,
        swept: Swept,
        look: Look,
    ) -> None:
        """Take note of a pool's sweep; raises StoreUnavailable."""
        pool = prepared.pool
        subject = f"pool/{pool.id}"
        targets = self._recipients.of(subject)
        if not targets or not self._memory.read:
            return
        now = self._clock_ms()
        overflowed = swept.last_overflow > 0 and now - swept.last_overflow < CALM_MS
        about = _About(subject, pool.account, {"name": pool.name} if pool.name else {})
        last = format_rfc3339(swept.last_overflow) if swept.last_overflow else None
        plain = {
            "event": "pool_exhausted",
            "pool": pool.id,
            "account": pool.account,
            "name": pool.name,
            "last_overflow": swept.last_overflow or None,
        }
        await self._observe_state(
            Event.EXHAUSTED,
            about,
            targets,
            {"last_overflow": last},
            stands=bool(swept.exhausted) or overflowed,
            over=Event.RECOVERING,
            plain=plain,
        )
        if pool.stock and now - self._looked_at.get(pool.id, 0) >= GROWTH_MS:
            wanted = [each for each in targets.values() if Event.GROWN in each.events]
            if wanted:
                self._looked_at[pool.id] = now
                size = (await look.status()).size
                for target in wanted:
                    await self._observe_size(target, about, pool.id, size, look)
        soon = Event.WILL_BE_EXHAUSTED
        made = self._forecasts.get(pool.id, _Forecast())
        if now - made.at >= FORECAST_MS and any(soon in each.events for each in targets.values()):
            # A pool that nobody asks isn't going to be exhausted.
            left = await look.seconds_left() if swept.answers_total != made.answers else None
            near = left is not None and left <= SOON_SECONDS
            self._forecasts[pool.id] = _Forecast(now, swept.answers_total, near)
            if left != 0 and (made.near or not near):  # 0: it is exhausted, which is told
                seconds = {"seconds": round(left or 0)}
                await self._observe_state(soon, about, targets, seconds, stands=near)

    async def observe_stock(self, stock: Stock, status: StockStatus) -> None:
        """Take note of a stock as it is counted; raises StoreUnavailable."""
        subject = f"stock/{stock.id}"
        targets = self._recipients.of(subject)
        if not targets or not self._memory.read:
            return
        low = -(-status.size // _SHARE_LOW) if stock.low is None else stock.low
        details = {"available": status.available, "low": low, "size": status.size}
        await self._observe_state(
            Event.STOCK_LOW,
            _About(subject, stock.account),
            targets,
            details,
            stands=status.available < low,
        )

    async def send_due(self) -> None:
        """Begin to send what is due; raises StoreUnavailable."""
        if self._memory.read:
            try:
                await self._outbox.send_due(self._recipients)
            except (Changed, Full):
                return  # the next round reads anew

    async def aclose(self) -> None:
        """Give up what is being sent; it stays in the store."""
        await self._outbox.aclose()

    async def _observe_state(
        self,
        event: Event,
        about: _About,
        targets: Targets,
        details: Details,
        *,
        stands: bool,
        over: Event | None = None,
        plain: Details | None = None,
    ) -> None:
        """Tell that a state stands, and that it is over where there is an event of that."""
        now, key = self._clock_ms(), (about.subject, event)
        if stands:
            self._seen[key] = now
        ended = not stands and now - self._seen.get(key, now) >= CALM_MS
        known = False
        for target in targets.values():
            if event not in target.events and over not in target.events:
                continue
            told = self._told(event, about, target)
            if told.stands:
                known = True
                if ended:
                    await self._end(event, over, about, target, told)
            elif stands and now - told.at >= target.cooldown:
                body = plain if target.plain and plain is not None else {**about.more, **details}
                await self._tell(event, about, target, body, Told(now, stands=True))
        if known and not stands:
            self._seen.setdefault(key, now)  # by this process: another may have seen it begin
        elif ended:
            self._seen.pop(key, None)

    async def _end(
        self, event: Event, over: Event | None, about: _About, target: Target, told: Told
    ) -> None:
        ended = {_field(event, about, target): str(told._replace(stands=False))}
        if over is None or over not in target.events:
            await self._write(ended)
            return
        now = self._clock_ms()
        if now - self._told(over, about, target).at >= target.cooldown:
            body = {**about.more, "began": format_rfc3339(told.at)}
            await self._tell(over, about, target, body, Told(now), ended)

    async def _observe_size(
        self,
        target: Target,
        about: _About,
        pool_id: str,
        size: int,
        look: Look,
    ) -> None:
        """Tell that a pool has grown since it was told last, or was seen first."""
        known = self._sizes.setdefault((pool_id, target.id), size)
        if size < known:
            self._sizes[pool_id, target.id] = size
        now = self._clock_ms()
        told = self._told(Event.GROWN, about, target)
        # What is grown by a change of the configuration is no growth: see ``_numbers_changed``.
        if size > known and now - told.at >= target.cooldown and await look.settled():
            self._sizes[pool_id, target.id] = size
            details = {**about.more, "size": size, "before": known}
            await self._tell(Event.GROWN, about, target, details, Told(now))

    def _numbers_changed(self, pool_id: str) -> None:
        """Take note that somebody gave a pool numbers, or took some: that isn't growth."""
        for key in [key for key in self._sizes if key[0] == pool_id]:
            del self._sizes[key]

    async def _tell(
        self,
        event: Event,
        about: _About,
        target: Target,
        details: Details,
        told: Told,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """Have a message sent to a target that wants it, and remember that it was told."""
        records = {**(more or {}), _field(event, about, target): str(told)}
        if event not in target.events:
            await self._write(records)
            return
        now = self._clock_ms()
        if now < self._full_until:
            return
        message = messages.make(
            event, about.subject, about.account, target.id, told.at, details, plain=target.plain
        )
        try:
            await self._outbox.add(message, records)
        except Changed:
            return
        except Full:
            self._full_until = now + CALM_MS
            self._count("dropped")
            reason = "too much is remembered"
            _log.warning("notification_dropped", reason=reason, of=about.subject, told=event.value)

    async def _write(self, records: Mapping[str, str]) -> None:
        with suppress(Changed, Full):  # it is looked at again
            await self._memory.write(records)

    def _told(self, event: Event, about: _About, target: Target) -> Told:
        return Told.parse(self._memory.get(_field(event, about, target)))

    async def _prune(self, now: int) -> None:
        """Forget what keeps nobody from being told any more, and who isn't there any more."""
        over: list[str] = []
        for field, text in self._memory.items(_FIELD):
            _, _, subject, target = field.split(" ")
            told = Told.parse(text)
            gone = target not in self._recipients.of(subject)
            if gone or (not told.stands and now - told.at >= _KEPT_MS):
                over.append(field)
        for start in range(0, len(over), _PRUNED_AT_ONCE):
            await self._memory.write(dict.fromkeys(over[start : start + _PRUNED_AT_ONCE], ""))
        told_of = self._recipients.of
        self._seen = {key: at for key, at in self._seen.items() if told_of(key[0])}
        self._sizes = {key: size for key, size in self._sizes.items() if told_of(f"pool/{key[0]}")}
        self._looked_at = {
            name: at for name, at in self._looked_at.items() if told_of(f"pool/{name}")
        }
        self._forecasts = {
            name: made for name, made in self._forecasts.items() if told_of(f"pool/{name}")
        }


class _Forecast(NamedTuple):
    """``at``: when it was made, Unix ms; ``answers``: the pool's until then; ``near``: within
    SOON_SECONDS."""

    at: int = 0
    answers: int = -1
    near: bool = False


class _About(NamedTuple):
    """What a message is about. ``more``: what each message about it says."""

    subject: str
    account: str
    more: Details = MappingProxyType({})


def _field(event: Event, about: _About, target: Target) -> str:
    return f"{_FIELD}{event.value} {about.subject} {target.id}"
