"""The answer of ``/v1/swap``: its shape, how it is sent, and one that was worked out before."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from msgspec import Struct, json

from allocator.answers import State
from api.http import replies
from api.http.refusals import Headers
from api.http.replies import Reply


class Swap(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One number for one target. ``cc``: country calling code of the number.

    ``target`` is "" when a pool without targets was asked for by name. Overflow has no
    ``guaranteed_until``, and its ``hold_ms`` (the last field: ``KnownSwaps``) is 0.
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
    hold_ms: int


class NoSwap(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Why a target keeps the page's own number.

    ``reason``: ``exhausted``, ``store_unavailable``, ``not_a_visitor``, ``invalid_parameter``
    (with ``message``), ``unknown_target`` (no ``pool``) or ``unknown_pool`` (deleted just now).
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


def say(callback: str, value: object, cors: Headers) -> Reply:
    """Any answer to a page: JSONP for a callback (checked before), JSON without one ("")."""
    return replies.jsonp(callback, value, cors) if callback else replies.json(value, headers=cors)


class KnownSwaps:
    """An answer whose numbers are held: only what is left of their guarantees changes."""

    __slots__ = ("_after", "_before", "_cors", "_swaps", "size")

    def __init__(self, said: Swaps, cors: Headers) -> None:
        """Take over an answer that was made just now."""
        now = monotonic()
        self._cors = cors
        self._swaps = [
            (replies.script_safe(json.encode(swap).rpartition(b":")[0]), now + swap.hold_ms / 1000)
            for swap in said.swaps
        ]
        empty = json.encode(Swaps(swaps=(), none=said.none))
        self._before, self._after = replies.script_safe(empty).split(b"[]", 1)
        self.size = len(empty) + sum(len(start) for start, _ in self._swaps)
        """Bytes, roughly."""

    def reply(self, callback: str) -> Reply:
        """Say it now; ``callback`` as for ``say``."""
        now = monotonic()
        swaps = [b"%b:%d}" % (start, int((end - now) * 1000)) for start, end in self._swaps]
        document = b"%b[%b]%b" % (self._before, b",".join(swaps), self._after)
        if callback:
            return replies.call(callback, document, self._cors)
        return replies.document(document, headers=self._cors)
