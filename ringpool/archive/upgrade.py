"""Brings an archive's tables to the present version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0001"
"""What the migrations lead to: who has it needs no Alembic, which is slow to import."""

_PREPARING = 0x52696E67
"""The advisory lock of who changes the tables of a PostgreSQL."""


class UnknownTables(Exception):
    """The tables are of a version that this one doesn't know: a newer one."""


def configuration(connection: Connection | None = None) -> Config:
    """What Alembic is run with."""
    from alembic.config import Config  # slow to import, and seldom needed

    config = Config()
    config.set_main_option("script_location", "ringpool.archive:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    """Do what is left of ``migrations``, in the caller's transaction; one process at a time.

    Raises UnknownTables.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_PREPARING})"))
    if inspect(connection).has_table("alembic_version"):
        present = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        if present == HEAD:
            return
        if not knows(present):
            raise UnknownTables("its tables are of a newer version")
    from alembic import command

    command.upgrade(configuration(connection), "head")


def knows(revision: str | None) -> bool:
    """Whether the migrations come by a revision; None: of a database where none was done yet."""
    from alembic.script import ScriptDirectory

    every = ScriptDirectory.from_config(configuration()).walk_revisions()
    return revision is None or any(each.revision == revision for each in every)
