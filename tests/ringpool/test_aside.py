"""Long work doesn't run on the event loop's thread; short work does."""

from __future__ import annotations

import threading

import pytest

from ringpool.aside import SHORT, aside


async def test_long_work_has_a_thread_of_its_own() -> None:
    here = threading.get_ident()
    assert await aside(SHORT, threading.get_ident) == here
    assert await aside(SHORT + 1, threading.get_ident) != here


@pytest.mark.parametrize("size", [1, SHORT + 1])
async def test_what_it_returns_or_raises_comes_back(size: int) -> None:
    assert await aside(size, int, "7", base=8) == 7
    with pytest.raises(ValueError, match="invalid literal"):
        await aside(size, int, "x")
