"""Values as carriers write them: numbers, times, whole numbers. Faults name the carrier's field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from ringpool.faults import Fault, Faults, Missing
from ringpool.numbers import phone
from ringpool.times import to_unix_ms

MAX_ID = 128
"""Characters of a call's id."""

_ADDRESS = re.compile(r"(?:sips?:|tel:)?([^@;]*)", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]{8,15}")
_WHOLE = re.compile(r"[0-9]{1,11}")


def json_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object; raises Faults."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Faults([Fault("document", "expected a JSON object")])
    return document


def form(body: bytes) -> list[tuple[str, str]]:
    """Read a form's fields in their order; what isn't UTF-8 becomes U+FFFD."""
    try:
        text = body.decode("ascii", "replace")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        raise Faults([Fault("document", "a form with more than 1,000 fields")]) from None


def inner(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object within another one; an empty one where there is none."""
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def text(fields: Mapping[str, Any], *names: str) -> str:
    """Return the first of these fields that is there and isn't empty, as text; "": none is."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str) and value:
            return value
    return ""


def call_id(fields: Mapping[str, Any], *names: str) -> str:
    """Return what names the call; raises Faults where nothing does."""
    found = text(fields, *names)
    if not found:
        raise Faults([Missing(names[0], "needed: it names the call")])
    if len(found) > MAX_ID or not found.isprintable():
        raise Faults([Fault(names[0], f"expected at most {MAX_ID} printable characters")])
    return found


def number(written: str) -> str:
    """Return a telephone number, a SIP or tel address, or bare digits as E.164; "": it is none.

    Bare digits count from the country calling code on.
    """
    found = _ADDRESS.match(written.strip())
    local = found[1] if found else ""
    if _DIGITS.fullmatch(local):
        local = f"+{local}"
    try:
        return phone.parse(local)
    except ValueError:
        return ""


def instant(fields: Mapping[str, Any], name: str, received_at: int, otherwise: int) -> int:
    """Return a time in Unix ms: RFC 3339, with a blank or without an offset too, or RFC 2822.

    Never later than when it was received: a carrier's clock may be ahead, and nobody can correct
    it. ``otherwise``: without the field. Raises Faults.
    """
    written = text(fields, name)
    if not written:
        return otherwise
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = read(written)
            if at.tzinfo is None:
                at = at.replace(tzinfo=UTC)
            return min(to_unix_ms(at), received_at)
        except ValueError:
            continue
    raise Faults([Fault(name, f"{written!r} is not a time")])


def whole(fields: Mapping[str, Any], name: str, most: int) -> int | None:
    """Return a whole number, ``most`` at most; None where there is none. Raises Faults for anything
    else.
    """
    written = text(fields, name)
    if not written:
        return None
    if _WHOLE.fullmatch(written) is None:
        raise Faults([Fault(name, f"{written!r} is not a whole number")])
    return min(int(written), most)
