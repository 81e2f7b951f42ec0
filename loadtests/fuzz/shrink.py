"""The smallest input that still fails."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from loadtests.fuzz.inputs import Input

TRIES = 300


def smallest(wanted: Input, fails: Callable[[Input], bool]) -> Input:
    """Leave out of an input whatever isn't needed for it to fail.

    What is left isn't framed any more, so a failure must show in what is answered. The input
    itself, where it doesn't fail alone.
    """
    if not fails(wanted):
        return wanted
    whole = msgspec.structs.replace(wanted, framed=False, ends=True)
    if not fails(whole):
        return wanted
    data, tries = wanted.data, 0
    size = len(data) // 2
    while size and tries < TRIES:
        place = 0
        while place < len(data) and tries < TRIES:
            shorter = data[:place] + data[place + size :]
            tries += 1
            if shorter and fails(_of(whole, shorter)):
                data = shorter
            else:
                place += size
        size //= 2
    return _of(whole, data)


def _of(wanted: Input, data: bytes) -> Input:
    return msgspec.structs.replace(wanted, pieces=(data,))
