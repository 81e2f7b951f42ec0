"""Which faults are of a row itself, and come again however often it is written."""

from __future__ import annotations

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

UNREADABLE = (ValueError, ArithmeticError, AssertionError)
"""What working out a row raises when what it is made of is wrong. Anything else may be a fault of
the program's, and is no reason to drop something."""

_DATA, _CONSTRAINT = "22", "23"
"""Classes of PostgreSQL's SQLSTATE."""


class RowRefused(Exception):
    """The database doesn't take one of the rows. The text is the fault's class, without values."""


def refused(error: Exception) -> bool:
    """Whether the row is at fault, and not the database, its connection or its disk."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, UNREADABLE)
    if isinstance(error, DataError | IntegrityError):
        return True
    code = getattr(error.orig, "sqlstate", None) or ""
    # asyncpg checks some values itself: a number that is too large for its column.
    cause = error.orig.__cause__ if error.orig is not None else None
    return code[:2] in (_DATA, _CONSTRAINT) or isinstance(cause, ValueError)
