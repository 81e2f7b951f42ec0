"""What Alembic runs: on the connection that it is given, in that one's transaction."""

from __future__ import annotations

from alembic import context

from ringpool.archive.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite changes few things of a table in place
)
context.run_migrations()
