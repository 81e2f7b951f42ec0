"""What SQLite and PostgreSQL both have, and SQLAlchemy has once for each."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite


def insert(dialect: str, table: Table) -> Any:
    """An INSERT that may say what becomes of a row that is there. ``dialect``: by name."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
