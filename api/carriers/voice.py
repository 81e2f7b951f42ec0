"""For carriers: what a provider is to do with a call, in its own markup: TwiML, or TeXML."""

from __future__ import annotations

import html
from typing import Annotated
from urllib.parse import quote

from msgspec import Meta

from api.calls.route import find_route
from api.calls.told import MAX_BODY_BYTES
from api.carriers.events import NOT_SIGNED, genuine_delivery
from api.http import replies
from api.http.description import Operation, content, parameter, too_large
from api.http.endpoint import Endpoint, problem_form
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from ringpool.call_routes.call_route import Action, CallRoute
from ringpool.carriers import values
from ringpool.carriers.delivery import FORM
from ringpool.faults import Fault
from ringpool.model import Identifier
from ringpool.patterns import whole
from ringpool.visits.whisper import MAX_SAID

_PROVIDERS = ("twilio", "telnyx")
"""Those that ask what to do with each call."""

VoiceProvider = Annotated[str, Meta(pattern=whole("|".join(_PROVIDERS)))]
"""One of them, by its name."""


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


_PATH = (
    parameter(
        "provider", VoiceProvider, "path", text="Whose markup and signature it is", example="telnyx"
    ),
    parameter(
        "account",
        Identifier,
        "path",
        text="The account whose numbers are called",
        example="newspress",
    ),
)
_TEXT = parameter(
    "text",
    Annotated[str, Meta(max_length=MAX_SAID)],
    text="What is said",
    example="A call from one, footer",
)


def _operation(name: str, summary: str, text: str, answer: str) -> Operation:
    """An operation of a provider's. ``answer``: what is in an example of its markup."""
    markup = f'<?xml version="1.0" encoding="UTF-8"?>\n<Response>{answer}</Response>\n'
    return Operation(
        "POST",
        name,
        summary,
        {200: content(str, "application/xml", example=markup)},
        (403, 404, 413),
        parameters=_PATH,
        body=content({}, FORM),
        security=("CarrierSignature",),
        tag="calls",
        refusals={
            403: ("InvalidSignature", NOT_SIGNED),
            404: ("UnknownCarrier", "account 'newspress' has no carrier 'telnyx'"),
            413: too_large(MAX_BODY_BYTES),
        },
        classes={403: ["InvalidSignature"]},
        text=text,
        example={"CallSid": "CA1", "To": "+18885550101", "From": "+12125550177"},
    )


_VOICE = _operation(
    "answer_voice",
    "What a provider is to do with a call",
    "As `/v1/route`, in the provider's own markup: TwiML for Twilio's voice webhook, TeXML for "
    "Telnyx'. A number that is in no pool or stock of the account is answered `<Reject/>`. Where "
    "the store is away (503) the provider asks its fallback address.",
    "<Dial><Number>+18885551234</Number></Dial>",
)
_WHISPER = _operation(
    "answer_whisper",
    "What a provider is to say to who answers a call",
    "Answers of `voice` name this address.",
    "<Say>A call from one, footer</Say>",
)
_WHISPER = _WHISPER._replace(
    parameters=(*_PATH, _TEXT),
    problems=(400, *(_WHISPER.problems or ())),
    refusals={
        **_WHISPER.refusals,
        400: ("InvalidParameter", f"text: has 501 characters; {MAX_SAID} is the most"),
    },
)
voice = Endpoint("voice", problem_form, {"POST": _voice}, [_VOICE])
whisper = Endpoint("whisper", problem_form, {"POST": _whisper}, [_WHISPER])
