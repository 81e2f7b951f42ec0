"""Why a request is refused, before it is written in the form of an audience."""

from __future__ import annotations

from collections.abc import Sequence

from allocator.allocator import Busy
from allocator.port import StoreUnavailable
from allocator.replies import UnknownPool
from ringpool.catalog.condition import ConditionUnmet
from ringpool.catalog.key_changes import KeyExists, StillWorks, UnknownKey
from ringpool.catalog.store import LockLost
from ringpool.catalog.undo import CannotUndo
from ringpool.catalog.writer import CatalogBusy
from ringpool.faults import Fault, Faults, Missing, OverQuota

Headers = list[tuple[bytes, bytes]]

MAX_FAULTS = 100
"""How many faults of a document an answer tells; more aren't looked for where that takes long."""

RETRY_AFTER = (b"retry-after", b"1")


class Refusal(Exception):
    """A status with a class name for programs and a message for people.

    ``faults`` name the fields, where it is about fields. ``action``: what is to be done with a call
    all the same.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        faults: Sequence[Fault] = (),
        headers: Sequence[tuple[bytes, bytes]] = (),
        action: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.faults = tuple(faults)
        self.headers = tuple(headers)
        self.action = action


Refused = (
    Refusal,
    Fault,
    Faults,
    StoreUnavailable,
    UnknownPool,
    Busy,
    CatalogBusy,
    ConditionUnmet,
    KeyExists,
    CannotUndo,
    LockLost,
    StillWorks,
    UnknownKey,
)
"""What endpoints raise on purpose; everything else is a bug and answers 500."""


def refusal(error: Exception) -> Refusal:
    """The one place where an error of the domain or the store (``Refused``) becomes a status."""
    match error:
        case Refusal():
            return error
        case Missing():
            return Refusal(400, "MissingParameter", str(error), faults=(error,))
        case OverQuota():
            return Refusal(403, "QuotaExceeded", str(error), faults=(error,))
        case Fault():
            return Refusal(400, "InvalidParameter", str(error), faults=(error,))
        case Faults():
            first = error.faults[:MAX_FAULTS]
            message = "; ".join(str(fault) for fault in first)
            if len(error.faults) > MAX_FAULTS:
                message += "; and more"
            return Refusal(422, "InvalidDocument", message, faults=first)
        case ConditionUnmet(unmet="unknown"):
            return Refusal(404, f"Unknown{error.kind.capitalize()}", str(error))
        case ConditionUnmet(unmet="exists"):
            return Refusal(409, "Exists", str(error))
        case ConditionUnmet(unmet="changed"):
            return Refusal(412, "Changed", str(error))
        case ConditionUnmet():
            return Refusal(428, "PreconditionRequired", str(error))
        case UnknownKey():
            return Refusal(404, "UnknownKey", str(error))
        case KeyExists():
            return Refusal(409, "Exists", str(error))
        case StillWorks():
            return Refusal(409, "StillWorks", str(error))
        case CannotUndo(reason="unknown"):
            return Refusal(404, "UnknownChange", error.faults[0].message)
        case CannotUndo(reason="forbidden"):
            return Refusal(403, "Forbidden", error.faults[0].message)
        case CannotUndo(reason="changed"):
            return Refusal(409, "ChangedSince", str(error), faults=error.faults[:MAX_FAULTS])
        case CannotUndo(reason="in_use"):
            return Refusal(409, "InUse", error.faults[0].message, faults=error.faults)
        case CannotUndo():
            return Refusal(409, "NotUndoable", str(error), faults=error.faults[:MAX_FAULTS])
        case UnknownPool():
            return Refusal(404, "UnknownPool", "there is no such pool any more")
        case Busy() | CatalogBusy() | LockLost():
            message = "another change is being carried out, try again"
            return Refusal(503, "Busy", message, headers=(RETRY_AFTER,))
        case StoreUnavailable():
            message = "the store doesn't answer, try again"
            return Refusal(503, "StoreUnavailable", message, headers=(RETRY_AFTER,))
    raise error


def method_not_allowed(allowed: Sequence[str]) -> Refusal:
    """405, with what would be allowed."""
    allow = ", ".join(allowed)
    return Refusal(
        405, "MethodNotAllowed", f"use {allow}", headers=((b"allow", allow.encode("ascii")),)
    )


def archive_unavailable() -> Refusal:
    """503, for what only the archive knows."""
    message = "the archive doesn't answer, try again"
    return Refusal(503, "ArchiveUnavailable", message, headers=(RETRY_AFTER,))
