"""The answer of ``/v1/swap``: its shape, its entries, and one to repeat while numbers are held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from time import monotonic

from msgspec import Struct, json

from allocator.answers import Answer, State
from api.http import replies
from api.http.refusals import Headers
from api.http.replies import Reply
from ringpool.model import NumberFormat, Pool
from ringpool.numbers import phone
from ringpool.times import format_rfc3339_ms


class Swap(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One number for one target. ``cc``: country calling code of the number.

    ``target`` is "" when a pool without targets was asked for by name. Overflow, a static pool's
    number, one that came with a tracking link and one whose guarantee is over have no
    ``guaranteed_until``, and their ``hold_ms`` (the last field: ``HeldSwaps``) is 0. ``keep``: what
    a visitor sends as ``held``, to keep a sticky pool's number and to extend a guarantee by a ping.
    ``fallback_from``: the pool that was asked and had nothing, where ``pool`` gave the number in
    its place.
    """

    target: str
    number: str
    display: str
    national: str
    international: str
    cc: str
    state: State
    guaranteed_until: str = ""
    pool: str
    fallback_from: str = ""
    keep: str = ""
    hold_ms: int


class NoSwap(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Why a target keeps the page's own number.

    ``reason``: ``exhausted``, ``budget`` (the visitor's network may have no more),
    ``store_unavailable``, ``not_a_visitor``, ``invalid_parameter``, ``missing_parameter`` or
    ``unknown_value`` (with ``message``), ``no_rule`` (it has pools, none of them for this visit),
    ``unknown_target`` (both without ``pool``) or ``unknown_pool`` (deleted just now).
    """

    target: str
    reason: str
    pool: str = ""
    message: str = ""


class SwapError(Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """What was wrong with the request. ``class_`` is written ``class``."""

    class_: str
    message: str


class Swaps(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The answer of ``/v1/swap``; with ``error``, ``swaps`` is empty."""

    error: SwapError | None = None
    swaps: Sequence[Swap]
    none: Sequence[NoSwap] = ()


def swap_of(
    target: str,
    pool: Pool,
    answer: Answer,
    keep: str = "",
    style: NumberFormat | None = None,
    fallback: str = "",
) -> Swap:
    """An answer that has a number, for one target. ``style``: of ``display``; None: the pool's.

    ``pool``: the one that was asked. ``fallback``: the one that gave the number in its place.
    """
    display, national, international, country = _spellings(answer.number, style or pool.format)
    return Swap(
        target=target,
        number=answer.number,
        display=display,
        national=national,
        international=international,
        cc=country,
        state=answer.state,
        guaranteed_until=format_rfc3339_ms(answer.guaranteed_until)
        if answer.guaranteed_until
        else "",
        hold_ms=answer.hold_ms,
        pool=fallback or pool.id,
        fallback_from=pool.id if fallback else "",
        keep=keep,
    )


@lru_cache(maxsize=16_384)
def _spellings(number: str, style: NumberFormat) -> tuple[str, str, str, str]:
    """The number for display, national, international, and its country code.

    ``as_found`` is written nationally here: only the script knows the page's own text.
    """
    return (
        phone.display(number, style),
        phone.national(number),
        phone.international(number),
        phone.country_code(number),
    )


class HeldSwaps:
    """Swaps to repeat as long as the numbers in them are held: only ``hold_ms`` changes.

    Where it is 0 at first it stays so: what holds without a guarantee has no end.
    """

    __slots__ = ("_after", "_before", "_cors", "_shown", "_swaps", "size")

    def __init__(
        self, swaps: Swaps, cors: Headers, asked: float, shown: Callable[[], None] | None = None
    ) -> None:
        """``cors``: headers of its replies. ``asked``: when it was asked for (monotonic clock),
        which ``hold_ms`` counts from. ``shown``: called for every reply.
        """
        self._cors = cors
        self._shown = shown
        self._swaps = [
            (
                replies.script_safe(json.encode(swap).rpartition(b":")[0]),
                asked + swap.hold_ms / 1000 if swap.hold_ms else None,
            )
            for swap in swaps.swaps
        ]
        empty = json.encode(Swaps(swaps=(), none=swaps.none))
        self._before, self._after = replies.script_safe(empty).split(b"[]", 1)
        self.size = len(empty) + sum(len(start) for start, _ in self._swaps)
        """Bytes, roughly."""

    def reply(self, callback: str) -> Reply:
        """The reply as of now: JSONP for a callback (checked before), JSON without one ("")."""
        if self._shown is not None:
            self._shown()
        now = monotonic()
        swaps = [
            b"%b:%d}" % (start, 0 if end is None else int((end - now) * 1000))
            for start, end in self._swaps
        ]
        document = b"%b[%b]%b" % (self._before, b",".join(swaps), self._after)
        if callback:
            return replies.jsonp_text(callback, document, self._cors)
        return replies.json_text(document, headers=self._cors)
