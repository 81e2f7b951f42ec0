"""For carriers: what a provider is to do with a call, in its own markup: TwiML, or TeXML."""

from __future__ import annotations

import html
from urllib.parse import quote

from api.calls.route import find_route
from api.carriers.events import genuine_delivery
from api.http import replies
from api.http.endpoint import Endpoint, problem_form
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from ringpool.call_routes.call_route import Action, CallRoute
from ringpool.carriers import values
from ringpool.faults import Fault
from ringpool.visits.whisper import MAX_SAID

_PROVIDERS = ("twilio", "telnyx")
"""Those that ask what to do with each call."""


async def _voice(request: Request) -> Reply:
    provider, account = _asked(request)
    delivery = await genuine_delivery(request, provider, account)
    fields = dict(values.form(delivery.body))
    number = values.number(values.text(fields, "To", "Called"))
    found = await find_route(request.services, number, "", account) if number else None
    whisper = f"{request.base_url()}/v1/carriers/{provider}/{account}/whisper"
    return replies.xml_document("Response", _verbs(found, whisper))


def _verbs(route: CallRoute | None, whisper: str) -> str:
    """What is to be done with a call. ``whisper``: the address that tells what to say first."""
    if route is None or route.action is Action.REJECT:
        return "<Reject/>"
    if route.action is Action.ANNOUNCE:
        return f"<Say>{replies.xml_text(route.announcement)}</Say><Hangup/>"
    said = f"{whisper}?text={quote(route.whisper, safe='')}"
    url = f' url="{html.escape(said)}"' if route.whisper else ""
    return f"<Dial><Number{url}>{replies.xml_text(route.destination)}</Number></Dial>"


async def _whisper(request: Request) -> Reply:
    """Says what is in the address: it was written here, and the signature covers it."""
    provider, account = _asked(request)
    await genuine_delivery(request, provider, account)
    text = request.parameters().get("text", "")
    if len(text) > MAX_SAID:
        raise Fault("text", f"has {len(text)} characters; {MAX_SAID} is the most")
    said = f"<Say>{replies.xml_text(text)}</Say>" if text else ""
    return replies.xml_document("Response", said)


def _asked(request: Request) -> tuple[str, str]:
    """Provider and account; raises Refusal 404 for a provider that doesn't ask."""
    provider, account = request.path("provider"), request.path("account")
    if provider not in _PROVIDERS:
        message = f"account {account[:63]!r} has no carrier {provider[:63]!r}"
        raise Refusal(404, "UnknownCarrier", message)
    return provider, account


# Providers ask as they always do: of clients that are generated from /openapi.json none is one.
voice = Endpoint("voice", problem_form, {"POST": _voice})
whisper = Endpoint("whisper", problem_form, {"POST": _whisper})
