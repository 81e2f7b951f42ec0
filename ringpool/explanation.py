"""Why a visit would get which number: the rules tried, the tuple, the state. Takes nothing.

It goes the way of a page's request (``catalog.routing``), with previews in place of allocations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from allocator.allocator import Allocator
from allocator.answers import Answer, Ask, State
from allocator.replies import UnknownPool
from ringpool.catalog.fallback import fall_back, has_nothing
from ringpool.catalog.routing import (
    AskedPool,
    Targets,
    kept_numbers,
    route,
    signed_number,
    without,
)
from ringpool.catalog.snapshot import PreparedPool, Snapshot
from ringpool.faults import Fault
from ringpool.security.keeping import Seal
from ringpool.security.signing import SigningKeys
from ringpool.times import format_rfc3339_ms
from ringpool.visits import tuples
from ringpool.visits.click import Click

Why = Literal["link", "kept", "rule", "no_rule"]
"""``link``: a tracking link's signed number; ``kept``: a number of a sticky pool that the visitor
has; ``rule``: the first pool whose rule fits; ``no_rule``: none does."""


class ConditionFound(Struct, frozen=True):
    """One condition of a rule. ``values``: what the visit has in the field."""

    field: str
    expected: Any
    values: list[str]
    met: bool


class PoolConsidered(Struct, frozen=True):
    """One pool that replaces the target, in the order of the rules. Without conditions it fits."""

    pool: str
    priority: int
    matched: bool
    conditions: list[ConditionFound] = []


class TargetExplained(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What one target would become. ``reason``: why it would keep the page's number.

    ``tuple`` None: there is none, as in a static pool. ``number`` is "" with state ``new`` where
    the stock would send one, and with ``none``. ``fallback_from``: the pool that the rules name,
    where it has nothing and ``pool`` would give the number in its place.
    """

    target: str
    why: Why
    pool: str = ""
    fallback_from: str = ""
    tuple: dict[str, str] | None = None
    state: State
    number: str = ""
    guaranteed_until: str = ""
    reason: str = ""
    message: str = ""
    rules: list[PoolConsidered] = []


class Explanation(Struct, frozen=True, kw_only=True):
    """A visit as the rules see it, and what each target would become."""

    account: str
    visit: dict[str, str]
    targets: list[TargetExplained]


class Explainer:
    """Explains visits under one snapshot of the configuration."""

    def __init__(
        self, snapshot: Snapshot, allocator: Allocator, signer: SigningKeys, seal: Seal
    ) -> None:
        self._snapshot = snapshot
        self._allocator = allocator
        self._signer = signer
        self._seal = seal

    async def explain(
        self, account_id: str, targets: Targets, click: Click, now: float, *, is_visitor: bool
    ) -> Explanation:
        """Explain a visit to an account's page. ``now``: Unix seconds.

        ``is_visitor`` False: a crawler, which takes nothing. Raises StoreUnavailable.
        """
        left, explained = targets, dict[str, TargetExplained]()
        if is_visitor:
            signed = signed_number(
                self._snapshot, account_id, left, click.url_parameters, self._signer, now
            )
            if signed is not None:
                answer = Answer(State.HELD, signed.number)
                explained |= self._explained(signed.asked, "link", answer, targets, click)
                left = without(left, explained)
            held = click.given.get("held", "")
            for kept in kept_numbers(self._snapshot, account_id, left, held, self._seal):
                wanted = [target for target in kept.asked.targets if target in left]
                if not wanted:
                    continue
                answer = await self._preview(
                    kept.gave.pool.id, Ask(kept.tuple, network=click.network)
                )
                if answer.state is State.HELD:
                    asked = AskedPool(kept.asked.prepared, wanted)
                    explained |= self._explained(
                        asked, "kept", answer, targets, click, tuple_=kept.tuple, gave=kept.gave
                    )
                    left = without(left, explained)
        routes = route(left, click)
        for asked in routes.pools:
            explained |= await self._route(asked, targets, click, is_visitor=is_visitor)
        for target in routes.unmatched:
            considered = _considered(targets[target], click)
            explained[target] = TargetExplained(
                target=target,
                why="no_rule",
                state=State.NONE,
                reason="no_rule",
                rules=considered,
            )
        return Explanation(
            account=account_id,
            visit=_facts(click),
            targets=[explained[target] for target in targets],
        )

    async def _route(
        self, asked: AskedPool, targets: Targets, click: Click, *, is_visitor: bool
    ) -> dict[str, TargetExplained]:
        prepared, none = asked.prepared, Answer(State.NONE, "")
        if not is_visitor:
            return self._explained(asked, "rule", none, targets, click, reason="not_a_visitor")
        if prepared.fixed is not None:
            return self._explained(asked, "rule", prepared.fixed, targets, click)
        try:
            ask = click.ask(prepared.pool, prepared.areas)
        except Fault as error:
            return self._explained(
                asked,
                "rule",
                none,
                targets,
                click,
                reason=error.reason,
                message=str(error),
            )
        answer = await self._preview(prepared.pool.id, ask)
        if prepared.fallbacks and has_nothing(answer):
            gave = await fall_back(prepared, click, self._preview)
            if gave is not None:
                return self._explained(
                    asked,
                    "rule",
                    gave.answer,
                    targets,
                    click,
                    tuple_=None if gave.prepared.fixed else gave.tuple,
                    gave=gave.prepared,
                )
        reason = ""
        if answer.state is State.NONE:
            reason = "budget" if answer.over_budget else "exhausted"
        return self._explained(
            asked, "rule", answer, targets, click, tuple_=ask.tuple, reason=reason
        )

    async def _preview(self, pool_id: str, ask: Ask) -> Answer:
        try:
            return await self._allocator.preview(pool_id, ask.tuple, ask.areas, ask.network)
        except UnknownPool:  # deleted since the snapshot
            return Answer(State.NONE, "")

    def _explained(
        self,
        asked: AskedPool,
        why: Why,
        answer: Answer,
        targets: Targets,
        click: Click,
        *,
        tuple_: str | None = None,
        reason: str = "",
        message: str = "",
        gave: PreparedPool | None = None,
    ) -> dict[str, TargetExplained]:
        until, named = answer.guaranteed_until, asked.prepared.pool.id
        pool = named if gave is None else gave.pool.id
        return {
            target: TargetExplained(
                target=target,
                why=why,
                pool=pool,
                fallback_from=named if pool != named else "",
                tuple=None if tuple_ is None else tuples.parse(tuple_),
                state=answer.state,
                number=answer.number,
                guaranteed_until=format_rfc3339_ms(until) if until else "",
                reason=reason,
                message=message,
                rules=_considered(targets[target], click),
            )
            for target in asked.targets
        }


def _considered(pools: Sequence[PreparedPool], click: Click) -> list[PoolConsidered]:
    considered = []
    for prepared in pools:
        found = [] if prepared.rule is None else prepared.rule.explain(click)
        conditions = [
            ConditionFound(
                each.check.field,
                msgspec.to_builtins(each.check.expected),
                list(each.values),
                each.met,
            )
            for each in found
        ]
        matched = all(each.met for each in found)
        considered.append(
            PoolConsidered(prepared.pool.id, prepared.pool.priority, matched, conditions)
        )
    return considered


def _facts(click: Click) -> dict[str, str]:
    """What the visit is known by, as far as it is known."""
    source = click.source
    facts = {
        "medium": source.medium.value,
        "search_engine": source.search_engine,
        "search_keywords": source.search_keywords,
        **source.utm,
        **source.click_ids,
        "referrer_host": source.referrer_host,
        "host": source.host,
        "path": source.path,
        "device": click.device,
        "country": click.country,
        "area": ", ".join(click.area),
        "unfilled": ", ".join(sorted(click.unfilled)),
    }
    return {name: value for name, value in facts.items() if value}
