"""What bad input raises: always with the field it is about, so that every answer can name it."""

from __future__ import annotations

from collections.abc import Iterable


class Fault(ValueError):
    """One thing wrong with the input. ``field``: a parameter name, or a path in a document."""

    def __init__(self, field: str, message: str) -> None:
        self.field = _bounded(field)
        self.message = _bounded(message)
        super().__init__(f"{self.field}: {self.message}")


class Missing(Fault):
    """Something that is needed isn't there. ``field`` names all that would do, with commas."""


MAX_TEXT = 500
"""Characters of a field or a message: both may quote what came, however long that is."""


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


class Faults(ValueError):
    """Everything wrong with a document, in document order; nothing of it was applied."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))
