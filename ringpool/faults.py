"""What bad input raises: always with the field it is about, so that every answer can name it."""

from __future__ import annotations

from collections.abc import Iterable


class Fault(ValueError):
    """One thing wrong with the input. ``field``: a parameter name, or a path in a document.

    ``reason``: why a visit gets no number for it.
    """

    reason = "invalid_parameter"

    def __init__(self, field: str, message: str) -> None:
        self.field = _bounded(field)
        self.message = _bounded(message)
        super().__init__(f"{self.field}: {self.message}")


class Missing(Fault):
    """Something that is needed isn't there. ``field`` names all that would do, with commas."""

    reason = "missing_parameter"


class UnknownValue(Fault):
    """A parameter has a value that the pool doesn't name as legitimate."""

    reason = "unknown_value"


class OverQuota(Fault):
    """An account would have more than it may. ``what``: ``pools``, ``stocks`` or ``numbers``."""

    def __init__(self, account: str, what: str, most: int, wanted: int) -> None:
        message = f"account {account} may have {most} {what}, and would have {wanted}"
        super().__init__(f"quota.{what}", message)


class OverDay(OverQuota):
    """An account has changed so much today that it would push out others' entries of the log."""

    def __init__(self, account: str) -> None:
        message = f"account {account} has changed as much today as the log keeps of one account"
        Fault.__init__(self, "quota.changes", message)


MAX_TEXT = 500
"""Characters of a field or a message: both may quote what came, however long that is."""


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


class Faults(ValueError):
    """Everything wrong with a document, in document order; nothing of it was applied."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))
