"""An account of the service as a case sets it up: its pools, its answers, what it was asked."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import msgspec

from allocator.answers import State
from api.pages.swap_answers import NoSwap, Swap, Swaps
from ringpool.catalog.page_settings import PageSettings, TargetSettings
from ringpool.model import NumberFormat
from ringpool.numbers import phone
from ringpool.numbers.plans import plan
from ringpool.times import format_rfc3339

TEN_MINUTES_MS = 600_000


@dataclass
class Pool:
    """What one target is replaced by. ``number`` "": none, for the ``reason`` given."""

    target: str
    number: str
    id: str = "main"
    format: NumberFormat = NumberFormat.AS_FOUND
    hold_ms: int = 0
    guarantee_ms: int = TEN_MINUTES_MS
    visitor: bool | int = False
    keep: str = ""
    click_to_call: bool = False
    state: State = State.HELD
    reason: str = "exhausted"


@dataclass
class Call:
    """One request that a page sent to the service."""

    path: str
    method: str
    params: dict[str, str]
    referer: str
    origin: str


@dataclass
class Account:
    """An account of the service, how the service treats it, and what its pages asked.

    ``behaviour``: ``well``, ``error`` (the service refuses), ``garbage``, ``html``, ``empty``,
    ``500``, ``hang up``, ``foreign`` (the page's origin isn't the account's) or ``slow`` (silent
    until ``wake`` is set). ``link_pools``: those without targets that tracking links lead from.
    """

    id: str
    pools: list[Pool]
    key: str
    behaviour: str = "well"
    params: tuple[str, ...] = ()
    link_pools: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    defaults: dict[str, str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    wake: threading.Event = field(default_factory=threading.Event)

    def requests(self, path: str) -> list[Call]:
        """The requests for a path, oldest first."""
        return [call for call in list(self.calls) if call.path == path]

    def asked(self) -> list[str]:
        """The targets that pages asked numbers for, in the order of asking."""
        asked = (call.params.get("targets", "").split(",") for call in self.requests("/v1/swap"))
        return list(itertools.chain.from_iterable(asked))

    def settings(self, endpoint: str) -> dict[str, Any]:
        """What the account's script carries."""
        settings = PageSettings(
            account=self.id,
            endpoint=endpoint,
            key=self.key,
            targets=tuple(
                TargetSettings(
                    number=pool.target,
                    plan=plan(pool.target),
                    pools=(pool.id,),
                    format=pool.format,
                    hold_ms=pool.hold_ms,
                    visitor=pool.visitor,
                    call=pool.click_to_call,
                )
                for pool in self.pools
            ),
            params=self.params,
            link_pools=self.link_pools,
            domains=self.domains,
            defaults=self.defaults,
        )
        built: dict[str, Any] = msgspec.to_builtins(settings)
        return built

    def swaps(self, targets: str | None) -> Swaps:
        """What the service answers to a page that shows ``targets``."""
        wanted = None if targets is None else [f"+{t.strip(' +')}" for t in targets.split(",")]
        asked = [pool for pool in self.pools if wanted is None or pool.target in wanted]
        return Swaps(
            swaps=[_swap(pool) for pool in asked if pool.number],
            none=[
                NoSwap(target=pool.target, reason=pool.reason, pool=pool.id)
                for pool in asked
                if not pool.number
            ],
        )


def _swap(pool: Pool) -> Swap:
    return Swap(
        target=pool.target,
        number=pool.number,
        display=phone.display(pool.number, pool.format),
        national=phone.national(pool.number),
        international=phone.international(pool.number),
        cc=phone.country_code(pool.number),
        state=pool.state,
        guaranteed_until=format_rfc3339(int(time.time() * 1000) + pool.guarantee_ms),
        hold_ms=pool.guarantee_ms,
        pool=pool.id,
        keep=pool.keep,
    )
