"""The answer of the number API, as JSON, XML and CSV, and how its errors are written."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from msgspec import Struct, json

from allocator.answers import Answer, State
from api.http import replies
from api.http.description import refusal_example
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from ringpool.numbers import phone
from ringpool.times import format_rfc3339_ms

FORMS = ("json", "xml", "csv")

_ELEMENTS = {
    "PromoNumberFormatted": "promo_number_formatted",
    "PromoNumber": "promo_number",
    "TrackingUrl": "tracking_url",
    "Number": "number",
    "State": "state",
    "GuaranteedUntil": "guaranteed_until",
    "Overflow": "overflow",
    "Ignored": "ignored",
    "Pool": "pool",
    "FallbackFrom": "fallback_from",
}
"""The names in XML and CSV, in order, and the fields of Allocation that they show."""

_encode = json.Encoder().encode


class Allocation(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The answer. Without number when ``state`` is none; ``overflow`` only when it is true.

    ``tracking_url``: only where the pool has a landing page. ``ignored``: the request's parameters
    that nobody reads. ``pool``: the one that gave the number, where the one that was asked,
    ``fallback_from``, had none.
    """

    promo_number: str = ""
    promo_number_formatted: str = ""
    tracking_url: str = ""
    number: str = ""
    state: State
    guaranteed_until: str = ""
    overflow: bool = False
    ignored: Sequence[str] = ()
    pool: str = ""
    fallback_from: str = ""


FellBack = tuple[str, str]
"""The pool that gave the number, and the one that was asked; both "" where that is the same."""

_SAME: FellBack = ("", "")


def allocation(
    answer: Answer, tracking_url: str, ignored: Sequence[str] = (), fell_back: FellBack = _SAME
) -> Allocation:
    """The answer with the field names of the number API."""
    if answer.state is State.NONE:
        return Allocation(state=State.NONE, tracking_url=tracking_url, ignored=ignored)
    digits, dashed = phone.digits_and_dashed(answer.number)
    return Allocation(
        promo_number=digits,
        promo_number_formatted=dashed,
        tracking_url=tracking_url,
        number=answer.number,
        state=answer.state,
        guaranteed_until=format_rfc3339_ms(answer.guaranteed_until)
        if answer.guaranteed_until
        else "",
        overflow=answer.state is State.OVERFLOW,
        ignored=ignored,
        pool=fell_back[0],
        fallback_from=fell_back[1],
    )


def allocation_json(
    answer: Answer, tracking_url: str, ignored: Sequence[str] = (), fell_back: FellBack = _SAME
) -> bytes:
    """The answer as a JSON object."""
    return _encode(allocation(answer, tracking_url, ignored, fell_back))


def allocation_reply(
    form: str,
    answer: Answer,
    tracking_url: str,
    ignored: Sequence[str] = (),
    fell_back: FellBack = _SAME,
) -> Reply:
    """The whole reply in one of FORMS."""
    return written(form, allocation(answer, tracking_url, ignored, fell_back))


def written(form: str, shown: Allocation) -> Reply:
    """An Allocation in one of FORMS."""
    if form == "json":
        return replies.json_text(_encode(shown))
    cells = _cells(shown)
    if form == "xml":
        return replies.xml("Response", {name: cell for name, cell in cells.items() if cell})
    return replies.csv_row(cells)


def _cells(shown: Allocation) -> dict[str, str]:
    return {name: _cell(getattr(shown, field)) for name, field in _ELEMENTS.items()}


def _cell(value: object) -> str:
    """A field as text. Names of ignored parameters as in a URL, with blanks between them.

    They are the caller's: escaped like this, none begins as a formula does.
    """
    match value:
        case bool():
            return "true" if value else ""
        case tuple():
            return " ".join(map(_escaped, value))
    return str(value)


def _escaped(name: str) -> str:
    escaped = quote(name, safe="")
    return f"%2D{escaped[1:]}" if escaped.startswith("-") else escaped


def error_form(request: Request, refused: Refusal) -> Reply:
    """The errors of the number API, in the form that was asked for."""
    return error_reply(request.scope["path_params"].get("form", ""), refused)


_REFUSALS = {
    400: ("InvalidParameter", "mobile_click_to_call: write 1 or 0"),
    401: ("InvalidKey", "ring_pool_key: not the key of this pool"),
}
"""Classes and messages of this audience alone."""


def error_example(form: str, status: int, refused: tuple[str, str] | None = None) -> str:
    """What a refusal with this status may look like in this form, for ``/openapi.json``.

    ``refused``: its class and message, else those that are most to be expected.
    """
    kind, message = refused or _REFUSALS.get(status) or refusal_example(status)
    return _error(form, kind, message, status).body.decode()


def error_reply(form: str, refused: Refusal) -> Reply:
    """XML for XML; else one line of text, ``Class: message``."""
    reply = _error(form, refused.kind, refused.message, refused.status)
    reply.headers.extend(refused.headers)
    return reply


def _error(form: str, kind: str, message: str, status: int) -> Reply:
    if form == "xml":
        return replies.xml("Error", {"Class": kind, "Message": message}, status)
    return replies.plain(status, f"{kind}: {' '.join(message.split())}")
