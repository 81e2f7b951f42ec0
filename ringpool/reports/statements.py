"""What reports count, as SQL that SQLite and PostgreSQL both have.

Groups are made of sources: the indexes ``…_by_source`` have the rows of a source together, with all
that is counted of them, so that nothing is sorted and no row is read. What a source is, is looked
up after that: a few thousand times instead of a million. ``…_by_quarter`` do the same for hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    Table,
    Text,
    and_,
    case,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from ringpool.archive.tables import (
    ASSIGNMENTS,
    CALLS,
    CANDIDATES,
    OVERFLOWS,
    QUARTER_MS,
    SOURCES,
)
from ringpool.reports.question import PARAMETER, Question

COUNTED = ("clicks", "overflow", "calls", "answered", "soft", "nobody", "hard", "unsure")
"""What is counted, in this order in every row. ``soft`` is a sum of probabilities.

``overflow``: of the clicks, those that found no number. ``nobody``: of the calls, the sum of the
probabilities that nobody's click made them. ``hard``: of the calls, those that are attributed;
``unsure``: of these, those whose best candidate is less probable than SURE.
"""

SURE = 0.9

NOBODY, PENDING, UNKNOWN = "nobody", "pending", "unknown"
"""Who rang where it is no source: most likely nobody's click; not attributed yet; a source that is
another account's, or isn't kept any more."""

_GROUPED_BY: dict[str, Sequence[str]] = {
    "keyword": ("search_keywords", "search_engine"),
    "publisher": ("publisher",),
    "campaign": ("utm_source", "utm_medium", "utm_campaign"),
}

_QUARTER_MS = literal_column(str(QUARTER_MS), BigInteger())
"""Written into the statement: SQLite uses an index on an expression for the same text alone."""

Column = ColumnElement[Any]


class _Part(NamedTuple):
    """Rows of a table that are counted. ``values``: by name of COUNTED; others are 0."""

    table: Table
    at: Column
    values: dict[str, Column]
    conditions: Sequence[Column] = ()


def _one_if(*conditions: Column) -> Column:
    return case((and_(*conditions), 1), else_=0)


_ATTRIBUTED = CALLS.c.attributed_at > 0
_CALL: dict[str, Column] = {
    "calls": literal(1),
    "answered": _one_if(CALLS.c.answered_at > 0),
    "nobody": CALLS.c.nobody,
    "hard": _one_if(_ATTRIBUTED),
    "unsure": _one_if(_ATTRIBUTED, CALLS.c.probability < SURE),
}
_CLICKS = _Part(ASSIGNMENTS, ASSIGNMENTS.c.since, {"clicks": ASSIGNMENTS.c.clicks})
_OVERFLOWS = _Part(OVERFLOWS, OVERFLOWS.c.at, {"clicks": literal(1), "overflow": literal(1)})
_CALLS = _Part(CALLS, CALLS.c.started_at, _CALL)
_CREDIT = _Part(
    CANDIDATES,
    CANDIDATES.c.started_at,
    {"soft": CANDIDATES.c.probability},
    (CANDIDATES.c.source != 0,),
)


def group_names(question: Question) -> Sequence[str]:
    """What a row's group is named by."""
    return (question.name,) if question.by == PARAMETER else _GROUPED_BY[question.by]


def by_source(question: Question) -> Select[Any]:
    """Rows of ``who``, the group's values, COUNTED, COUNTED of all rows, how many rows there are.

    ``who`` is "" for sources. Rows of NOBODY, PENDING and UNKNOWN come first, then the question's
    ``limit`` of groups, perhaps some more, those with the most calls first. A parameter's value is
    as tuples write it; NULL: they don't have it.
    """
    counted = _by_source(question)
    of_source = and_(SOURCES.c.id == counted.c.source, SOURCES.c.account == counted.c.account)
    unknown = and_(counted.c.source != 0, SOURCES.c.id.is_(None))
    values = (
        [_value(question.name)]
        if question.by == PARAMETER
        else [SOURCES.c[name] for name in _GROUPED_BY[question.by]]
    )
    each = select(
        case((unknown, UNKNOWN), else_=counted.c.who).label("who"),
        *(value.label(f"value_{place}") for place, value in enumerate(values)),
        *(counted.c[name] for name in COUNTED),
    ).select_from(counted.join(SOURCES, of_source, isouter=True))
    if question.pool is not None:
        each = each.where(or_(counted.c.source == 0, SOURCES.c.pool == question.pool))
    rows = each.subquery()
    group = [rows.c.who, *(rows.c[f"value_{place}"] for place in range(len(values)))]
    sums = {name: func.sum(rows.c[name]) for name in COUNTED}
    return (
        select(
            *group,
            *sums.values(),
            *(func.sum(each).over() for each in sums.values()),
            func.count().over(),
        )
        .group_by(*group)
        .order_by(
            case((rows.c.who == "", 1), else_=0),
            *(sums[name].desc() for name in ("calls", "soft", "clicks")),
            *group,
        )
        .limit(question.limit + len((NOBODY, PENDING, UNKNOWN)))
    )


def by_quarter(question: Question) -> Select[Any]:
    """Rows of a quarter hour, counted in UTC from 1970 on, and COUNTED.

    Here ``soft``, ``hard`` and ``unsure`` are sources' alone: what isn't nobody's is theirs.
    """
    told = _ATTRIBUTED, CALLS.c.source != 0
    of_sources = {
        "soft": case((_ATTRIBUTED, 1.0 - CALLS.c.nobody), else_=0.0),
        "hard": _one_if(*told),
        "unsure": _one_if(*told, CALLS.c.probability < SURE),
    }
    summed = []
    for part in (_CLICKS, _OVERFLOWS, _CALLS._replace(values=_CALL | of_sources)):
        own = part._replace(conditions=_in_pool(question, part.table))
        quarter = (part.at // _QUARTER_MS).label("quarter")
        summed.append(_summed(question, own, [part.table.c.account, quarter]))
    rows = union_all(*summed).subquery()
    return select(rows.c.quarter, *(func.sum(rows.c[name]) for name in COUNTED)).group_by(
        rows.c.quarter
    )


def _by_source(question: Question) -> Subquery:
    """Rows of COUNTED, ``account``, ``source`` (0: none) and ``who``: several for a source."""
    of_source = literal("").label("who")
    told = _CALLS._replace(conditions=(CALLS.c.source != 0,))
    untold = _CALLS._replace(conditions=(CALLS.c.source == 0, *_in_pool(question, CALLS)))
    summed = [
        _summed(question, part, [part.table.c.account, part.table.c.source]).add_columns(of_source)
        for part in (_CLICKS, _OVERFLOWS, told, _CREDIT)
    ]
    who = case((_ATTRIBUTED, NOBODY), else_=PENDING).label("who")
    summed.append(_summed(question, untold, [CALLS.c.account, CALLS.c.source, who]))
    return union_all(*summed).subquery()


def _summed(question: Question, part: _Part, keys: Sequence[Column]) -> Select[Any]:
    """The part's rows that the question is of, summed up: COUNTED and keys."""
    wanted = list(part.conditions)
    if question.account is not None:
        wanted.append(part.table.c.account == question.account)
    if question.since is not None:
        wanted.append(part.at >= question.since)
    if question.until is not None:
        wanted.append(part.at < question.until)
    values = [value.label(name) for name, value in part.values.items()]
    # In a query of their own: to PostgreSQL an expression with a parameter is another each time.
    rows = select(*keys, *values).where(*wanted).subquery()
    sums = [
        (func.sum(rows.c[name]) if name in part.values else literal(0)).label(name)
        for name in COUNTED
    ]
    grouped = [rows.c[str(key.key)] for key in keys]
    return select(*sums, *grouped).group_by(*grouped)


def _in_pool(question: Question, table: Table) -> list[Column]:
    return [] if question.pool is None else [table.c.pool == question.pool]


class _Place(FunctionElement[int]):
    """Where in a text another begins, from 1 on; 0: nowhere."""

    type = Integer()
    inherit_cache = True


@compiles(_Place)
def _strpos(element: Any, compiler: Any, **more: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **more)})"


@compiles(_Place, "sqlite")
def _instr(element: Any, compiler: Any, **more: Any) -> str:
    return f"instr({compiler.process(element.clauses, **more)})"


def _value(name: str) -> Column:
    """A parameter's value in the source's tuple, as it is written there; NULL without it."""
    end = literal("&", Text)
    text = end + SOURCES.c.tuple + end
    marker = f"&{name}="
    place = _Place(text, literal(marker, Text))
    rest = func.substr(text, place + len(marker))
    value = func.substr(rest, 1, _Place(rest, end) - 1)
    return case((place > 0, value), else_=null())
