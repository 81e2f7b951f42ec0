"""A pool that has nothing to give hands an ask on to the pools that it falls back on, in order.

Each makes a tuple of the same visit by its own rules, until one gives a number. What is given by
position (``param1``) stands for the first pool's names everywhere. A pool that can make no tuple of
the visit, or can't be had, is passed over. One that refuses the visitor's network is the last that
is asked, or who is over a budget would empty the others. Where none gives a number, the first
pool's answer stands: its own overflow number, or none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import NamedTuple

from allocator.answers import Answer, Ask, State
from allocator.port import StoreUnavailable
from allocator.replies import UnknownPool
from ringpool.catalog.snapshot import PreparedPool
from ringpool.faults import Fault
from ringpool.visits.click import Click

_NOTHING = (State.OVERFLOW, State.NONE)


class Gave(NamedTuple):
    """The pool that gave a number, and to which tuple ("" in a static pool)."""

    prepared: PreparedPool
    tuple: str
    answer: Answer


class HandedOn(NamedTuple):
    """An ask that a pool had nothing for. ``unread``: the caller gave parameters that none of the
    pools reads, which a strict one refuses."""

    click: Click
    unread: bool = False


AskMany = Callable[[str, Sequence[Ask]], Awaitable[Sequence[Answer | StoreUnavailable]]]
"""Asks a pool, by its id; answers are in the same order. Raises UnknownPool."""

_Ask = tuple[int, PreparedPool, Ask]


def has_nothing(answer: Answer) -> bool:
    """Whether the pool had no number left. To refuse a network isn't that."""
    return answer.state in _NOTHING and not answer.over_budget


def asks(first: PreparedPool, handed_on: HandedOn) -> Iterator[tuple[PreparedPool, Ask]]:
    """Yield the pools that ``first`` falls back on, each with what it is asked for this visit.

    What a static pool is asked means nothing.
    """
    click = handed_on.click.handed_on(first.pool)
    for prepared in first.fallbacks:
        if prepared.fixed is not None:
            yield prepared, Ask("")
        elif not (handed_on.unread and prepared.pool.strict):
            try:
                ask = click.ask(prepared.pool, prepared.areas)
            except Fault:
                continue
            yield prepared, ask


async def fall_back(
    first: PreparedPool,
    click: Click,
    ask: Callable[[str, Ask], Awaitable[Answer]],
    *,
    unread: bool = False,
) -> Gave | None:
    """Have the pools that ``first`` falls back on asked; None: none of them gives a number.

    ``unread``: as in ``HandedOn``.
    """

    async def ask_one(pool_id: str, wanted: Sequence[Ask]) -> Sequence[Answer | StoreUnavailable]:
        try:
            return [await ask(pool_id, wanted[0])]
        except StoreUnavailable as error:
            return [error]

    (gave,) = await fall_back_many(first, [HandedOn(click, unread)], ask_one)
    return gave


async def fall_back_many(
    first: PreparedPool, handed_on: Sequence[HandedOn], ask_many: AskMany
) -> list[Gave | None]:
    """The same for many asks, a call a pool and turn; in the order of the asks."""
    gave: list[Gave | None] = [None] * len(handed_on)
    waiting = {place: asks(first, each) for place, each in enumerate(handed_on)}
    while waiting:
        turn: dict[str, list[_Ask]] = defaultdict(list)
        for place in list(waiting):
            following = next(waiting[place], None)
            if following is None:
                del waiting[place]
            else:
                prepared, ask = following
                turn[prepared.pool.id].append((place, prepared, ask))
        for pool_id, asked in turn.items():
            answers = await _answers(pool_id, asked, ask_many)
            for (place, prepared, ask), answer in zip(asked, answers, strict=True):
                if answer is None or has_nothing(answer):
                    continue
                del waiting[place]
                if not answer.over_budget:
                    gave[place] = Gave(prepared, ask.tuple, answer)
    return gave


async def _answers(
    pool_id: str, asked: Sequence[_Ask], ask_many: AskMany
) -> Sequence[Answer | None]:
    """What a pool answers; None where it can't."""
    fixed = asked[0][1].fixed
    if fixed is not None:
        return [fixed] * len(asked)
    try:
        answers = await ask_many(pool_id, [ask for _, _, ask in asked])
    except UnknownPool:
        return [None] * len(asked)
    return [answer if isinstance(answer, Answer) else None for answer in answers]
