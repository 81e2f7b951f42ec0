"""A cache bounded in bytes; what was used least recently goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class ByteBoundedLRU(Generic[_K, _V]):
    """Values by key, ``max_bytes`` of them by ``size_of``; with 0 it keeps nothing.

    ``size_of`` must return the same for a value as long as the value is in here.

    An OrderedDict and not a dict: both keep the order, but a dict finds its first key by walking
    over the places of all that went before, so that evicting takes time in proportion to the size.
    """

    __slots__ = ("_bytes", "_find", "_mark_used", "_max_bytes", "_size_of", "_values")

    def __init__(self, max_bytes: int, size_of: Callable[[_V], int]) -> None:
        self._max_bytes = max_bytes
        self._size_of = size_of
        self._bytes = 0
        self._values: OrderedDict[_K, _V] = OrderedDict()  # least recently used first
        self._find = self._values.get  # bound once: every request of a page asks here
        self._mark_used = self._values.move_to_end

    def get(self, key: _K) -> _V | None:
        """The value, used just now; None when there is none."""
        value = self._find(key)
        if value is not None:
            self._mark_used(key)
        return value

    def put(self, key: _K, value: _V) -> None:
        """Keep a value, used just now, in place of the key's former one; evict what is too much."""
        former = self._values.pop(key, None)
        if former is not None:
            self._bytes -= self._size_of(former)
        self._values[key] = value
        self._bytes += self._size_of(value)
        while self._bytes > self._max_bytes:
            _, evicted = self._values.popitem(last=False)
            self._bytes -= self._size_of(evicted)

    def discard(self, key: _K) -> None:
        """Drop a key's value, if there is one."""
        value = self._values.pop(key, None)
        if value is not None:
            self._bytes -= self._size_of(value)

    def clear(self) -> None:
        """Drop everything."""
        self._values.clear()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._values)
