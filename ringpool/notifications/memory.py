"""What is remembered of notifications in the store: who was told what when, and what is to be sent.

One hash, with a bound on its fields. The process that leads keeps all of it in memory too, and
writes each change through, on the condition that nobody else changed the same: two that both think
that they lead can't tell one thing twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from allocator.keys import NOTIFICATIONS
from allocator.port import Argument, Store
from allocator.scripts import load

MAX_FIELDS = 20_000

_REMEMBER = load("remember", "ringpool.notifications")
_RECALL = load("recall", "ringpool.notifications")
_FIELDS_A_PAGE = 500
_WRITTEN, _FULL = 1, -1

_code = msgspec.msgpack.Decoder(int).decode
_page = msgspec.msgpack.Decoder(tuple[str, list[str]]).decode


class Changed(Exception):
    """Another process has written something else: it leads, or has led, too."""


class Full(Exception):
    """Nothing more can be remembered until something is forgotten."""


class Memory:
    """Texts by field. Methods that use the store raise StoreUnavailable.

    ``read``: whether what is kept here is what the store has, as far as anybody knows.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._values: dict[str, str] = {}
        self.read = False

    def get(self, field: str) -> str:
        """Return a text; "" where there is none."""
        return self._values.get(field, "")

    def items(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Yield the fields, as they are now, that begin with ``prefix``."""
        return (item for item in list(self._values.items()) if item[0].startswith(prefix))

    async def recall(self) -> None:
        """Read everything anew."""
        values: dict[str, str] = {}
        cursor = ""
        while cursor != "0":
            reply = await self._store.run(
                _RECALL, (NOTIFICATIONS,), (cursor or "0", _FIELDS_A_PAGE)
            )
            cursor, found = _page(reply)
            values |= zip(found[::2], found[1::2], strict=True)
        self._values = values
        self.read = True

    async def write(self, changes: Mapping[str, str]) -> None:
        """Write texts, all of them or none; "" removes one. Raises Changed and Full.

        After a failure nobody knows what is there: ``read`` is False until it is read again.
        """
        words: list[Argument] = [MAX_FIELDS]
        for field, text in changes.items():
            words += [field, self.get(field), text]
        try:
            code = _code(await self._store.run(_REMEMBER, (NOTIFICATIONS,), words))
        except BaseException:
            self.read = False
            raise
        if code == _FULL:
            raise Full
        if code != _WRITTEN:
            self.read = False
            raise Changed
        for field, text in changes.items():
            if text:
                self._values[field] = text
            else:
                self._values.pop(field, None)
