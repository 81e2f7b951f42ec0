"""The answer of the number API, as JSON, XML and CSV, and how its errors are written."""

from __future__ import annotations

from msgspec import Struct, json

from allocator.answers import Answer, State
from api.http import replies
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from ringpool.numbers import phone
from ringpool.times import format_rfc3339

FORMS = ("json", "xml", "csv")

_ELEMENTS = {
    "PromoNumberFormatted": "promo_number_formatted",
    "PromoNumber": "promo_number",
    "TrackingUrl": "tracking_url",
    "Number": "number",
    "State": "state",
    "GuaranteedUntil": "guaranteed_until",
    "Overflow": "overflow",
}
"""The names in XML and CSV, in order, and the fields of Allocation that they show."""

_encode = json.Encoder().encode


class Allocation(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The answer. Without number when ``state`` is none; ``overflow`` only when it is true."""

    promo_number: str = ""
    promo_number_formatted: str = ""
    tracking_url: str
    number: str = ""
    state: State
    guaranteed_until: str = ""
    overflow: bool = False


def allocation(answer: Answer, tracking_url: str) -> Allocation:
    """The answer with the field names of the number API."""
    if answer.state is State.NONE:
        return Allocation(state=State.NONE, tracking_url=tracking_url)
    digits, dashed = phone.digits_and_dashed(answer.number)
    return Allocation(
        promo_number=digits,
        promo_number_formatted=dashed,
        tracking_url=tracking_url,
        number=answer.number,
        state=answer.state,
        guaranteed_until=format_rfc3339(answer.guaranteed_until) if answer.guaranteed_until else "",
        overflow=answer.state is State.OVERFLOW,
    )


def allocation_json(answer: Answer, tracking_url: str) -> bytes:
    """The answer as a JSON object."""
    return _encode(allocation(answer, tracking_url))


def allocation_reply(form: str, answer: Answer, tracking_url: str) -> Reply:
    """The whole reply in one of FORMS."""
    if form == "json":
        return replies.json_text(allocation_json(answer, tracking_url))
    cells = _cells(allocation(answer, tracking_url))
    if form == "xml":
        return replies.xml("Response", {name: cell for name, cell in cells.items() if cell})
    return replies.csv_row(cells)


def _cells(shown: Allocation) -> dict[str, str]:
    return {
        name: "true" if value is True else str(value or "")
        for name, field in _ELEMENTS.items()
        for value in (getattr(shown, field),)
    }


def error_form(request: Request, refused: Refusal) -> Reply:
    """XML for XML; else one line of text, ``Class: message``."""
    if request.scope["path_params"].get("form") == "xml":
        fields = {"Class": refused.kind, "Message": refused.message}
        reply = replies.xml("Error", fields, refused.status)
    else:
        message = " ".join(refused.message.split())
        reply = replies.plain(refused.status, f"{refused.kind}: {message}")
    reply.headers.extend(refused.headers)
    return reply
