"""For managers: what the archive tells of clicks and calls, as JSON or CSV."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from api.http import replies
from api.http.archive_reading import archive_reading
from api.http.description import Described, content, parameter
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.managers.callers import ManagedOperation, authenticate
from api.managers.managed_endpoint import managed_endpoint
from ringpool.faults import Fault
from ringpool.model import Identifier
from ringpool.reports.groups import Report, ReportRow, grouped
from ringpool.reports.question import (
    DEFAULT_LIMIT,
    FIELDS,
    GROUPS,
    HOUR,
    MAX_GROUPS,
    MAX_TRANSACTIONS,
    PARAMETER,
    REPORTS,
    TIME_EXPECTED,
    TRANSACTIONS,
    read,
)
from ringpool.reports.spreadsheet import (
    TRANSACTION_COLUMNS,
    csv_text,
    report_table,
    transaction_rows,
)
from ringpool.reports.transactions import (
    Transaction,
    TransactionCandidate,
    Transactions,
    transactions,
)

_FORMS = ("json", "csv")


async def _report(request: Request) -> Reply:
    caller = authenticate(request)
    by = request.path("by")
    if by not in REPORTS:
        raise Refusal(404, "UnknownReport", f"there is no such report: write {_one_of(REPORTS)}")
    given = request.parameters()
    form = given.get("format", "") or "json"
    if form not in _FORMS:
        raise Fault("format", "expected json or csv")
    for field in ("account", "pool"):
        if given.get(field) == "":
            raise Fault(field, "is empty: leave it out, or name one")
    question = read(by, given)
    if caller.account is not None:
        if question.account not in (None, caller.account):
            raise Refusal(403, "Forbidden", f"this key is for account {caller.account} alone")
        question = replace(question, account=caller.account)
    async with archive_reading(request.services) as connection:
        if by == TRANSACTIONS:
            page = await transactions(connection, question)
            if form == "json":
                return replies.json(page)
            return replies.csv_document(csv_text(TRANSACTION_COLUMNS, transaction_rows(page)))
        report = await grouped(connection, question)
    return (
        replies.json(report)
        if form == "json"
        else replies.csv_document(csv_text(*report_table(report)))
    )


def _one_of(names: Any) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}"


_ROW = {
    "clicks": 310,
    "overflow_share": 0.0129,
    "calls": 12,
    "answered": 11,
    "soft_credit": 11.4,
    "hard_credit": 12,
    "unsure_share": 0.25,
}
_GROUP_EXAMPLES = {
    PARAMETER: {"website": "one"},
    "keyword": {"search_keywords": "solar roof", "search_engine": "Google"},
    "publisher": {"publisher": "partner-9"},
    "campaign": {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "spring"},
    HOUR: {"weekday": "saturday", "hour": "15"},
}
_SOURCE: dict[str, Any] = {
    "parameters": {"website": "one", "location": "footer", "path": "home"},
    "search_engine": "Google",
    "search_keywords": "solar roof",
    "publisher": "partner-9",
    "landing_page": "https://www.newspress.example/subscribe",
    "utm_source": "google",
    "utm_medium": "cpc",
    "utm_campaign": "spring",
    "click_ids": {"gclid": "EAIaIQ"},
}
_TRANSACTIONS = Transactions(
    timezone="UTC",
    transactions=[
        Transaction(
            transaction_id="call-1",
            account="newspress",
            start_time_local="2026-11-21T15:32:10+00:00",
            start_time_utc="2026-11-21T15:32:10Z",
            duration=95,
            state="ended",
            pool="ad-placement",
            number="+18885550101",
            attributed=True,
            probability=0.94,
            candidates=[
                TransactionCandidate(
                    why="click",
                    probability=0.94,
                    pool="ad-placement",
                    clicks=2,
                    first_click_at="2026-11-21T15:10:00Z",
                    last_click_at="2026-11-21T15:30:00Z",
                    **_SOURCE,
                ),
                TransactionCandidate(why="nobody", probability=0.06),
            ],
            answered_at="2026-11-21T15:32:19Z",
            ended_at="2026-11-21T15:33:54Z",
            caller_hash="5f0c6a0e9d1b4c3a8e7f6d5c4b3a2910",
            **_SOURCE,
        )
    ],
)
_PARAMETER_EXAMPLES = {
    "account": "newspress",
    "pool": "ad-placement",
    "from": "2026-11-21",
    "to": "2026-11-21",
    "timezone": "UTC",
}
_REFUSALS = {
    400: ("InvalidParameter", f"from: {TIME_EXPECTED}"),
    403: ("Forbidden", "this key is for account newspress alone"),
}
_COUNTED = (
    "Credit is `soft_credit`, the sum of the probabilities that calls are a group's, and "
    "`hard_credit`, each call whole to its best candidate. `clicks` of numbers that are still held "
    "are counted up to `held_as_of`."
)


def _parameters(by: str) -> tuple[Described, ...]:
    """Those that a report has, for ``/openapi.json``."""
    most = MAX_TRANSACTIONS if by == TRANSACTIONS else MAX_GROUPS
    schemas: dict[str, Any] = {
        "account": Identifier,
        "pool": Identifier,
        "limit": {"type": "integer", "minimum": 1, "maximum": most, "default": DEFAULT_LIMIT},
    }
    examples = {
        **_PARAMETER_EXAMPLES,
        "name": "website",
        "limit": DEFAULT_LIMIT,
        "start_after_transaction_id": "call-0",
    }
    left_out = {
        *(["name"] if by != PARAMETER else []),
        *(["limit"] if by == HOUR else []),
        *(["start_after_transaction_id"] if by != TRANSACTIONS else []),
    }
    made = [
        parameter(
            name,
            schemas.get(name, str),
            required=name == "name",
            text=f"{text[0].upper()}{text[1:]}",
            example=examples[name],
        )
        for name, text in FIELDS.items()
        if name not in left_out
    ]
    form = {"type": "string", "enum": [*_FORMS], "default": "json"}
    made.append(parameter("format", form, text="How the answer is written", example="json"))
    return tuple(made)


def _operation(by: str, kind: Any, example: Any, table: str, text: str) -> Any:
    return ManagedOperation(
        "GET",
        f"report_{by}",
        f"Clicks and calls {REPORTS[by]}" if by in GROUPS else "Calls in detail",
        {
            200: {
                "description": "The answer",
                "content": {
                    **content(kind, example=example),
                    **content(str, "text/csv", example=table),
                },
            }
        },
        (400, 401, 403),
        _parameters(by),
        tag="reports",
        fixed={"by": by},
        refusals=_REFUSALS,
        text=text,
    )


def _group_operation(by: str) -> Any:
    group = _GROUP_EXAMPLES[by]
    row = ReportRow(group=group, **_ROW)  # type: ignore[arg-type]
    report = Report(
        by=by,
        timezone="UTC",
        names=tuple(group),
        rows=[row],
        total=replace(row, group={}),
        until="2026-11-22T00:00:00Z",
        held_as_of="2026-11-21T16:04:10Z",
    )
    example = msgspec.to_builtins(report)
    return _operation(by, Report, example, csv_text(*report_table(report)), _COUNTED)


_OPERATIONS = [
    _operation(
        TRANSACTIONS,
        Transactions,
        msgspec.to_builtins(_TRANSACTIONS),
        csv_text(TRANSACTION_COLUMNS, transaction_rows(_TRANSACTIONS)),
        "Calls by account and start, with everybody who may have made them. What is told of a "
        "call late stands where the call began. In CSV `parameters` are `name=value` with `&` "
        "between them, and `candidates` are JSON.",
    ),
    *(_group_operation(by) for by in GROUPS),
]
reports = managed_endpoint("reports", {"GET": _report}, _OPERATIONS)
