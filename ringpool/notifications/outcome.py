"""How sending went, when it went wrong."""

from __future__ import annotations


class NotSent(Exception):
    """It wasn't sent, or nobody knows that it was. The text names no address and no secret.

    ``for_good``: another attempt would go as this one.
    """

    def __init__(self, reason: str, *, for_good: bool = False) -> None:
        super().__init__(reason)
        self.for_good = for_good
