"""Lists of numbers as the store keeps them: in chunks, so that a change writes few of them.

A chunk is up to 1,000 numbers joined with blanks, 14 bytes a number; its position in the list is
its index. A removal shrinks its own chunk, an addition goes to the last one: order is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

CHUNK = 1000

Chunks = dict[int, list[str]]


def unpack(fields: Mapping[str, str]) -> Chunks:
    """Return chunks, in order, from the texts under their indices."""
    return {int(index): fields[index].split() for index in sorted(fields, key=int)}


def numbers(chunks: Chunks) -> Iterator[str]:
    """Yield the numbers in order."""
    for chunk in chunks.values():
        yield from chunk


def edited(chunks: Chunks, added: Iterable[str], removed: Collection[str]) -> dict[int, str]:
    """Return the chunks to write, as text by index; "" removes one."""
    gone = frozenset(removed)
    texts: dict[int, str] = {}
    last: list[str] = []
    for index, chunk in chunks.items():
        last = [number for number in chunk if number not in gone]
        if len(last) != len(chunk):
            texts[index] = " ".join(last)
    end = max(chunks, default=0)
    waiting = list(added)
    room = CHUNK - len(last)
    if waiting and room > 0:
        texts[end] = " ".join([*last, *waiting[:room]])
        waiting = waiting[room:]
    for place, piece in enumerate(pieces(waiting), start=end + 1):
        texts[place] = " ".join(piece)
    return texts


def pieces(items: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut a sequence into pieces of CHUNK."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
