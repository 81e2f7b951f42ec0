"""Replies that may be given again as they are, while the guarantee in them lasts.

An ad server asks for the same placements thousands of times a second, each time with the same
text. What that text means was worked out once: the pool, its key, the tuple, and the reply. It is
good for as long as the configuration is the same snapshot and the number is known to be held;
the click is counted every time.
"""

from __future__ import annotations

from collections.abc import Hashable

from allocator.answer_source import AnswerSource, Held
from api.replies import Reply
from ringpool.directory import Directory

_ENTRY_BYTES = 1200
"""About what an entry takes, the lengths of text, reply and attributes apart."""


class _Repeat:
    __slots__ = ("attributes", "directory", "held", "reply", "size", "until")

    def __init__(
        self, directory: Directory, held: Held, attributes: bytes, reply: Reply, size: int
    ) -> None:
        self.directory = directory
        self.held = held
        self.until = held.guaranteed_until
        self.attributes = attributes
        self.reply = reply
        self.size = size


class Repeats:
    """Replies by what was asked; those least recently given go when ``most_bytes`` are reached."""

    def __init__(self, answers: AnswerSource, *, most_bytes: int = 64 << 20) -> None:
        self._answers = answers
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: dict[Hashable, _Repeat] = {}

    def give(self, asked: Hashable, directory: Directory) -> Reply | None:
        """The reply to what was asked before, its click counted; None when it isn't good now.

        A guarantee that has become longer since isn't what the reply says: it is made anew.
        """
        kept = self._kept.pop(asked, None)
        if kept is None:
            return None
        if (
            kept.directory is directory
            and kept.until == kept.held.guaranteed_until
            and self._answers.again(kept.held, kept.attributes)
        ):
            self._kept[asked] = kept
            return kept.reply
        self._bytes -= kept.size
        return None

    def keep(
        self,
        asked: Hashable,
        directory: Directory,
        held: Held,
        attributes: bytes,
        reply: Reply,
        asked_bytes: int,
    ) -> None:
        """Keep a reply that says ``held``. ``asked_bytes``: how long the text in ``asked`` is."""
        size = _ENTRY_BYTES + asked_bytes + len(attributes) + len(reply.body)
        before = self._kept.pop(asked, None)
        if before is not None:
            self._bytes -= before.size
        self._kept[asked] = _Repeat(directory, held, attributes, reply, size)
        self._bytes += size
        while self._bytes > self._most_bytes:
            self._bytes -= self._kept.pop(next(iter(self._kept))).size
