"""Brings an archive's tables to the present version."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

_PREPARING = 0x52696E67
"""The advisory lock of who changes the tables of a PostgreSQL."""


def configuration(connection: Connection) -> Config:
    """What Alembic is run with."""
    config = Config()
    config.set_main_option("script_location", "ringpool.archive:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    """Do what is left of ``migrations``, in the caller's transaction; one process at a time."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_PREPARING})"))
    config = configuration(connection)
    head = ScriptDirectory.from_config(config).get_current_head()
    if inspect(connection).has_table("alembic_version"):
        present = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        if present == head:
            return
    command.upgrade(config, "head")
