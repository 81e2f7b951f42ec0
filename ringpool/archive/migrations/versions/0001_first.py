"""The tables of the first archive."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "assignments",
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("serial", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Text(), server_default="", nullable=False),
        sa.Column("account", sa.Text(), server_default="", nullable=False),
        sa.Column("tuple", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("guaranteed_until", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("last_click_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("first_click", sa.Text(), server_default="", nullable=False),
        sa.Column("last_click", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("pool", "serial", "since"),
        postgresql_partition_by="RANGE (since)",
    )
    with op.batch_alter_table("assignments", schema=None) as batch_op:
        batch_op.create_index("assignments_by_number", ["number", "since"], unique=False)
        batch_op.create_index(
            "assignments_by_source", ["account", "source", "since", "clicks"], unique=False
        )
        batch_op.create_index("assignments_by_until", ["pool", "until"], unique=False)

    op.create_table(
        "call_events",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("call", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("received_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pool", sa.Text(), server_default="", nullable=False),
        sa.Column("number", sa.Text(), server_default="", nullable=False),
        sa.Column("overflow", sa.Boolean(), nullable=False),
        sa.Column("document", sa.Text(), server_default="", nullable=False),
        sa.Column("holder", sa.Text(), server_default="", nullable=False),
        sa.Column("resting", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("account", "call", "event"),
    )
    with op.batch_alter_table("call_events", schema=None) as batch_op:
        batch_op.create_index("call_events_by_time", ["at"], unique=False)

    op.create_table(
        "calls",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("pool", sa.Text(), server_default="", nullable=False),
        sa.Column("number", sa.Text(), server_default="", nullable=False),
        sa.Column("overflow", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("started_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("answered_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("ended_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("duration_seconds", sa.Integer(), server_default="0", nullable=False),
        sa.Column("caller_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("caller", sa.Text(), server_default="", nullable=False),
        sa.Column("destination", sa.Text(), server_default="", nullable=False),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("amount", sa.Text(), server_default="", nullable=False),
        sa.Column("currency", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("skus", sa.Text(), server_default="", nullable=False),
        sa.Column("quantities", sa.Text(), server_default="", nullable=False),
        sa.Column("resting", sa.Text(), server_default="", nullable=False),
        sa.Column("attributed_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("probability", sa.Float(), server_default="0", nullable=False),
        sa.Column("nobody", sa.Float(), server_default="0", nullable=False),
        sa.Column("tuple", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("account", "id"),
    )
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.create_index(
            "calls_by_caller", ["account", "caller_hash", "started_at"], unique=False
        )
        batch_op.create_index("calls_by_number", ["number", "started_at"], unique=False)
        batch_op.create_index(
            "calls_by_source",
            [
                "account",
                "source",
                "started_at",
                "answered_at",
                "attributed_at",
                "probability",
                "nobody",
                "pool",
            ],
            unique=False,
        )
        batch_op.create_index("calls_by_start", ["account", "started_at", "id"], unique=False)
        batch_op.create_index(
            "calls_open",
            ["started_at"],
            unique=False,
            sqlite_where=sa.text("state IN ('ringing', 'answered')"),
            postgresql_where=sa.text("state IN ('ringing', 'answered')"),
        )
        batch_op.create_index(
            "calls_waiting",
            ["started_at", "account", "id"],
            unique=False,
            sqlite_where=sa.text("attributed_at = 0"),
            postgresql_where=sa.text("attributed_at = 0"),
        )

    op.create_table(
        "candidates",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("call", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pool", sa.Text(), server_default="", nullable=False),
        sa.Column("tuple", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("since", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("first_click_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_click_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("clicks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("first_click", sa.Text(), server_default="", nullable=False),
        sa.Column("last_click", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("account", "call", "rank"),
    )
    with op.batch_alter_table("candidates", schema=None) as batch_op:
        batch_op.create_index(
            "candidates_by_source", ["account", "source", "started_at", "probability"], unique=False
        )

    op.create_table(
        "fits",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("fitted_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("parameters", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("account", "pool"),
    )
    op.create_table(
        "ledgers",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("kind", "name"),
    )
    op.create_table(
        "overflows",
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account", sa.Text(), server_default="", nullable=False),
        sa.Column("number", sa.Text(), server_default="", nullable=False),
        sa.Column("tuple", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.BigInteger(), nullable=False),
        sa.Column("click", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("pool", "at", "entry"),
        postgresql_partition_by="RANGE (at)",
    )
    with op.batch_alter_table("overflows", schema=None) as batch_op:
        batch_op.create_index("overflows_by_source", ["account", "source", "at"], unique=False)
        batch_op.create_index("overflows_by_time", ["account", "at"], unique=False)

    op.create_table(
        "progress",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "sources",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("account", sa.Text(), server_default="", nullable=False),
        sa.Column("pool", sa.Text(), server_default="", nullable=False),
        sa.Column("tuple", sa.Text(), server_default="", nullable=False),
        sa.Column("search_engine", sa.Text(), server_default="", nullable=False),
        sa.Column("search_keywords", sa.Text(), server_default="", nullable=False),
        sa.Column("publisher", sa.Text(), server_default="", nullable=False),
        sa.Column("landing_page", sa.Text(), server_default="", nullable=False),
        sa.Column("utm_source", sa.Text(), server_default="", nullable=False),
        sa.Column("utm_medium", sa.Text(), server_default="", nullable=False),
        sa.Column("utm_campaign", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "assignments_by_quarter",
        "assignments",
        ["account", sa.text("(since / 900000)"), "since", "clicks", "pool"],
    )
    op.create_index(
        "calls_by_quarter",
        "calls",
        [
            "account",
            sa.text("(started_at / 900000)"),
            "started_at",
            "answered_at",
            "attributed_at",
            "source",
            "probability",
            "nobody",
            "pool",
        ],
    )
