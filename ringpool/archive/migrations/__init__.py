"""The archive's tables from version to version, for Alembic (``ringpool.archive.upgrade``)."""
