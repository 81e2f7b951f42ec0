"""A cache bounded in bytes."""

from __future__ import annotations

import time

from allocator.worker.lru import ByteBoundedLRU


def test_what_was_used_least_recently_goes_first() -> None:
    """Reading counts as use, and so does writing again."""
    cache: ByteBoundedLRU[str, str] = ByteBoundedLRU(3, len)
    for key in "abc":
        cache.put(key, key)
    assert cache.get("a") == "a"
    cache.put("b", "b")
    cache.put("d", "d")
    assert [cache.get(key) for key in "abcd"] == ["a", "b", None, "d"]


def test_sizes_are_added_up_over_every_change() -> None:
    """A value that is replaced, dropped or evicted frees the bytes that it took."""
    cache: ByteBoundedLRU[str, str] = ByteBoundedLRU(10, len)
    cache.put("a", "aaaaaa")
    cache.put("a", "a")
    cache.put("b", "bbbbbbbb")
    cache.discard("b")
    cache.discard("b")
    cache.put("c", "ccccccccc")
    assert [cache.get(key) for key in "abc"] == ["a", None, "ccccccccc"]
    cache.put("d", "dddddddddd")
    assert [cache.get(key) for key in "acd"] == [None, None, "dddddddddd"]
    cache.clear()
    cache.put("e", "eeeeeeeeee")
    assert (len(cache), cache.get("e")) == (1, "eeeeeeeeee")


def test_what_is_larger_than_the_cache_is_not_kept() -> None:
    """So a cache of 0 bytes is always empty."""
    for max_bytes in (0, 3):
        cache: ByteBoundedLRU[str, str] = ByteBoundedLRU(max_bytes, len)
        cache.put("a", "aaaa")
        assert cache.get("a") is None
        assert len(cache) == 0


def test_evicting_takes_no_longer_in_a_large_cache() -> None:
    """A plain dict takes half a second for what takes ten milliseconds here."""

    def seconds(size: int) -> float:
        cache: ByteBoundedLRU[int, int] = ByteBoundedLRU(size, lambda _: 1)
        for key in range(size):
            cache.put(key, key)
        began = time.process_time()
        for key in range(size, size + 10_000):
            cache.put(key, key)
        return time.process_time() - began

    assert seconds(100_000) < 10 * min(seconds(1000) for _ in range(3))
