"""The archive's tables, as SQLite and PostgreSQL both have them.

Times are Unix ms. Tuples are canonical text (``visits.tuples``). Attributes of clicks are the JSON
objects that the allocator keeps, as text; "": none.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)

METADATA = MetaData()

QUARTER_MS = 900_000
"""Reports by hour count quarter hours: every zone's offset is a whole number of them."""


_ROW_ID = BigInteger().with_variant(Integer(), "sqlite")


def _text(name: str, **more: object) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="", **more)  # type: ignore[arg-type]


def _ms(name: str, **more: object) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0", **more)  # type: ignore[arg-type]


OF_CLICK = (
    "search_engine",
    "search_keywords",
    "publisher",
    "landing_page",
    "utm_source",
    "utm_medium",
    "utm_campaign",
)
"""What is kept of where a click came from, beside its tuple; "" where nothing is known."""

SOURCES = Table(
    "sources",
    METADATA,
    # A hash of all the other columns, so that whoever writes one needn't look it up. An INTEGER is
    # SQLite's row id: one index less to go through for each source of a report.
    Column("id", _ROW_ID, primary_key=True, autoincrement=False),
    _text("account"),
    _text("pool"),
    _text("tuple"),
    *(_text(name) for name in OF_CLICK),
)
"""Where clicks come from: what reports group by, once for all rows that have it in common."""

ASSIGNMENTS = Table(
    "assignments",
    METADATA,
    Column("pool", Text, primary_key=True),
    Column("serial", BigInteger, primary_key=True, autoincrement=False),
    Column("since", BigInteger, primary_key=True, autoincrement=False),
    _text("number"),
    _text("account"),
    _text("tuple"),
    Column("source", BigInteger, nullable=False),
    _ms("until"),
    _ms("guaranteed_until"),
    Column("clicks", Integer, nullable=False),
    Column("calls", Integer, nullable=False),
    _ms("last_click_at"),
    _text("first_click"),
    _text("last_click"),
    Index("assignments_by_number", "number", "since"),
    Index("assignments_by_until", "pool", "until"),
    # For reports.
    Index("assignments_by_source", "account", "source", "since", "clicks"),
    Index(
        "assignments_by_quarter",
        *("account", text(f"(since / {QUARTER_MS})"), "since", "clicks", "pool"),
    ),
    postgresql_partition_by="RANGE (since)",
)
"""Assignments, once each. ``until`` 0: it still stood when it was read last.

Such a row grows until the end comes from the ledger. Where none ever comes, as the ledger dropped
it or the store was lost, the row stays as it is for as long as its account keeps rows:
its clicks count.
"""

OVERFLOWS = Table(
    "overflows",
    METADATA,
    Column("pool", Text, primary_key=True),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    # Which entry of the pool's ledger it was, counted from the first.
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    _text("account"),
    _text("number"),  # the overflow number that was shown; "": none
    _text("tuple"),
    Column("source", BigInteger, nullable=False),
    _text("click"),
    Index("overflows_by_source", "account", "source", "at"),  # for reports
    Index("overflows_by_time", "account", "at"),  # those that are too old
    postgresql_partition_by="RANGE (at)",
)
"""Visits that got the overflow number, or none."""

CALL_EVENTS = Table(
    "call_events",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("call", Text, primary_key=True),
    Column("event", Text, primary_key=True),
    _ms("at"),
    _ms("received_at"),
    _text("pool"),
    _text("number"),
    Column("overflow", Boolean, nullable=False),
    _text("document"),  # the event as JSON (ringpool.calls.events)
    _text("holder"),  # who held the number then, as JSON; "": nobody
    _text("resting"),  # where the number rested: "", quarantine or stock
    Index("call_events_by_time", "at"),
)
"""What carriers told of calls, each event of a call once."""

OPEN_CALL = text("state IN ('ringing', 'answered')")
"""A call that nobody told the end of."""

WAITING_CALL = text("attributed_at = 0")
"""A call that isn't attributed yet."""

CALLS = Table(
    "calls",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    _text("pool"),
    _text("number"),
    Column("overflow", Boolean, nullable=False),
    _text("state"),  # ringing, answered, ended, missed, closed
    _ms("started_at"),
    _ms("answered_at"),  # 0: never
    _ms("ended_at"),
    Column("duration_seconds", Integer, nullable=False, server_default="0"),
    _text("caller_hash"),
    _text("caller"),  # "": its account doesn't store callers
    _text("destination"),
    _text("outcome"),
    Column("amount", Text, nullable=False, server_default=""),  # a decimal, as it was told
    _text("currency"),
    _text("reason"),
    _text("skus"),  # JSON array
    _text("quantities"),  # JSON array
    _text("resting"),  # where the number rested: "", quarantine or stock
    # The best candidate (ringpool.attribution), so that most questions need no other table.
    _ms("attributed_at"),  # 0: not yet
    Column("probability", Float, nullable=False, server_default="0"),
    Column("nobody", Float, nullable=False, server_default="0"),  # nobody's probability
    _text("tuple"),
    Column("source", BigInteger, nullable=False, server_default="0"),
    Index("calls_by_start", "account", "started_at", "id"),
    Index("calls_by_number", "number", "started_at"),
    Index("calls_by_caller", "account", "caller_hash", "started_at"),
    # For reports: all that they count, so that they read no rows.
    Index(
        "calls_by_source",
        *("account", "source", "started_at", "answered_at", "attributed_at", "probability"),
        *("nobody", "pool"),
    ),
    Index(
        "calls_by_quarter",
        *("account", text(f"(started_at / {QUARTER_MS})"), "started_at", "answered_at"),
        *("attributed_at", "source", "probability", "nobody", "pool"),
    ),
    # Those that may have to be closed: few at a time.
    Index("calls_open", "started_at", sqlite_where=OPEN_CALL, postgresql_where=OPEN_CALL),
    # Those that have to be attributed: few, too.
    Index(
        "calls_waiting",
        *("started_at", "account", "id"),
        sqlite_where=WAITING_CALL,
        postgresql_where=WAITING_CALL,
    ),
)
"""Calls as their events have them, with the best of their candidates."""

CANDIDATES = Table(
    "candidates",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("call", Text, primary_key=True),
    Column("rank", Integer, primary_key=True, autoincrement=False),  # 1: the best
    _text("why"),  # click, returning caller, nobody
    Column("probability", Float, nullable=False),
    _ms("started_at"),  # as its call's
    _text("pool"),
    _text("tuple"),
    Column("source", BigInteger, nullable=False, server_default="0"),
    _ms("since"),
    _ms("first_click_at"),
    _ms("last_click_at"),
    Column("clicks", Integer, nullable=False, server_default="0"),
    _text("first_click"),
    _text("last_click"),
    Index("candidates_by_source", "account", "source", "started_at", "probability"),  # for reports
)
"""Who may have made a call, *nobody* included: a call's probabilities add up to 1."""

FITS = Table(
    "fits",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("pool", Text, primary_key=True),
    _ms("fitted_at"),
    Column("calls", Integer, nullable=False),
    _text("parameters"),  # JSON (ringpool.attribution.fit)
)
"""What attribution learned of each pool. ``calls``: from so many."""

LEDGERS = Table(
    "ledgers",
    METADATA,
    Column("kind", Text, primary_key=True),  # pool or stock
    Column("name", Text, primary_key=True),
    Column("entries", BigInteger, nullable=False),  # how many it had, up to the last one read
    Column("dropped", BigInteger, nullable=False),  # how many of them nobody has read
    _ms("read_at"),
)
"""How far each ledger is read."""

PROGRESS = Table(
    "progress",
    METADATA,
    Column("name", Text, primary_key=True),
    _ms("at"),
)
"""Up to when all is in the archive, of what comes there from time to time.

``standing``: the clicks of assignments that stand.
"""
