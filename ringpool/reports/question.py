"""What a report is asked for, read from texts: a command's options, a request's parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Struct

from ringpool.faults import Fault, Missing
from ringpool.model import Identifier

TRANSACTIONS, PARAMETER, HOUR = "transactions", "parameter", "hour"
GROUPS = (PARAMETER, "keyword", "publisher", "campaign", HOUR)
"""What calls are grouped by."""

REPORTS = {
    TRANSACTIONS: "each call in detail, with who may have made it",
    PARAMETER: "by a parameter's value in the tuples",
    "keyword": "by the words searched for and the engine",
    "publisher": "by the account that is credited",
    "campaign": "by `utm_source`, `utm_medium` and `utm_campaign`",
    HOUR: "by hour of the day and day of the week",
}
"""The reports that there are."""

FIELDS = {
    "name": "the parameter, for the report by `parameter`",
    "account": "of this account alone",
    "pool": "of this pool alone",
    "from": "from then on: a time, or the start of a day, as in 2026-11-21",
    "to": "before then, or to the end of that day",
    "timezone": "an IANA name, as in Europe/Berlin: whose days and hours are meant; default: UTC",
    "limit": "how many rows; default: 100",
    "start_after_transaction_id": "the last transaction of the page before",
}
"""What may be given, and what it is."""

DEFAULT_LIMIT = 100
MAX_GROUPS = 10_000
MAX_TRANSACTIONS = 1_000
MAX_NAME = 128
"""Characters of a parameter's name, and of a transaction's id."""

TIME_EXPECTED = "expected a day or a time, such as 2026-11-21 or 2026-11-21T14:32:00Z"
TIMES_KNOWN = "expected a time from 1970 to 9999"

_TIME = re.compile(
    r"\d{4}-\d\d-\d\d(?P<time>T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+ -]\d\d:\d\d)?)?", re.ASCII
)
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*){0,2}", re.ASCII)
_MAX_ZONE = 64


class Question(Struct, frozen=True, kw_only=True):
    """What a report is of. ``by``: one of REPORTS. None stands for all.

    ``since`` and ``until``: Unix ms; what began at ``since`` is in it, at ``until`` not any more.
    """

    by: str
    name: str = ""
    account: str | None = None
    pool: str | None = None
    since: int | None = None
    until: int | None = None
    timezone: str = "UTC"
    zone: tzinfo = UTC
    limit: int = DEFAULT_LIMIT
    start_after: str = ""


def read(by: str, given: Mapping[str, str]) -> Question:
    """Return the question that texts ask; raises a Fault that names one that can't be read.

    ``by``: one of REPORTS. Other names, and what the report doesn't have, are ignored.
    """
    timezone = given.get("timezone", "") or "UTC"
    zone = _zone(timezone)
    since = _time("from", given["from"], zone) if given.get("from") else None
    until = _time("to", given["to"], zone) if given.get("to") else None
    if since is not None and until is not None and until < since:
        raise Fault("to", "is before from")
    name = given.get("name", "").strip().lower()
    if by == PARAMETER and not name:
        raise Missing("name", f"is needed: {FIELDS['name']}")
    start_after = given.get("start_after_transaction_id", "")
    for field, text in (("name", name), ("start_after_transaction_id", start_after)):
        if len(text) > MAX_NAME or not text.isprintable():
            raise Fault(field, f"expected 1 to {MAX_NAME} characters")
    return Question(
        by=by,
        name=name if by == PARAMETER else "",
        account=_identifier("account", given.get("account", "")),
        pool=_identifier("pool", given.get("pool", "")),
        since=since,
        until=until,
        timezone=timezone,
        zone=zone,
        limit=_limit(
            given.get("limit", ""), MAX_TRANSACTIONS if by == TRANSACTIONS else MAX_GROUPS
        ),
        start_after=start_after,
    )


def _identifier(field: str, text: str) -> str | None:
    try:
        return msgspec.convert(text, Identifier) if text else None
    except msgspec.ValidationError:
        raise Fault(field, "expected lower-case letters, digits and -") from None


def _limit(text: str, most: int) -> int:
    if not text:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdecimal() and len(text) <= 6 and 1 <= int(text) <= most):
        raise Fault("limit", f"expected 1 to {most}")
    return int(text)


def _zone(text: str) -> tzinfo:
    if text == "UTC":  # it needs no file
        return UTC
    if len(text) <= _MAX_ZONE and _ZONE.fullmatch(text):
        try:
            return ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder, or another file
            pass
    raise Fault("timezone", f"{text[:60]!r} is no IANA time zone, such as Europe/Berlin")


def _time(field: str, text: str, zone: tzinfo) -> int:
    """Unix ms. A day is its start in the zone; in ``to``, its end."""
    matched = _TIME.fullmatch(text.strip())
    try:
        if matched is None:
            raise ValueError
        if matched["time"] is None:
            day = date.fromisoformat(matched[0]) + timedelta(days=1 if field == "to" else 0)
            at = datetime(day.year, day.month, day.day, tzinfo=zone)
        else:
            at = datetime.fromisoformat(matched[0].replace(" ", "+"))  # it wasn't escaped
            at = at if at.tzinfo else at.replace(tzinfo=zone)
        seconds = at.timestamp()
    except ValueError:
        raise Fault(field, TIME_EXPECTED) from None
    except OverflowError:
        raise Fault(field, TIMES_KNOWN) from None
    if seconds < 0:
        raise Fault(field, TIMES_KNOWN)
    return round(seconds * 1000)
