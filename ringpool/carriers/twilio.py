"""Twilio's status callbacks, as a form or as JSON, and what their signatures are made of.

Sources: Twilio's *Secure webhooks* and *Sign webhooks with shared keys*; its own library is what
the tests compare with.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ringpool.calls.events import MOST_DURATION_SECONDS, CallEvent, EventKind
from ringpool.carriers import values
from ringpool.carriers.delivery import FORM, Delivery, Told
from ringpool.faults import Fault, Faults
from ringpool.model import TwilioAccess

SIGNATURE = b"x-twilio-signature"
SETTINGS = b"x-twilio-webhooks-signature-settings"

_HASHES = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}

_EVENTS = {
    "queued": EventKind.STARTED,
    "initiated": EventKind.STARTED,
    "ringing": EventKind.STARTED,
    "in-progress": EventKind.ANSWERED,
    "answered": EventKind.ANSWERED,
    "completed": EventKind.ENDED,
    "busy": EventKind.MISSED,
    "failed": EventKind.MISSED,
    "no-answer": EventKind.MISSED,
    "canceled": EventKind.MISSED,
}
"""By status of a call."""

_WITHHELD = frozenset({"+266696687", "+86282452253", "+7378742833", "+2562533", "+8656696"})
"""What Twilio writes in the place of a number that is withheld: *anonymous*, *unavailable*,
*restricted*, *blocked* and *unknown* on the keys of a telephone."""


def is_signed(delivery: Delivery, access: TwilioAccess) -> bool:
    """Tell whether one of the signatures is by a secret of the account's."""
    secrets, name = _signers(delivery, access)
    parameters = _signed_parameters(delivery)
    if parameters is None or name not in _HASHES:
        return False
    expected = [
        b64encode(hmac.digest(secret.encode(), (url + parameters).encode(), _HASHES[name]))
        for url in _addresses(delivery.url)
        for secret in secrets
    ]
    given = [signature.encode() for signature in delivery.each(SIGNATURE)]
    matches = [hmac.compare_digest(one, other) for one in given for other in expected]
    return any(matches)


def _signers(delivery: Delivery, access: TwilioAccess) -> tuple[list[str], str]:
    """The secrets that may have signed, and the algorithm.

    Auth tokens sign with SHA-1. Where the settings' header names a key, that has signed.
    """
    settings = {
        name.strip(): value.strip()
        for name, _, value in (part.partition("=") for part in delivery.each(SETTINGS))
    }
    algorithm = (settings.get("algorithm") or "HMAC_SHA1").upper()
    if not settings:
        tokens = (access.auth_token, access.former_auth_token)
        return [token for token in tokens if token], algorithm
    named = settings.get("key")
    keys = [key.secret for key in access.shared_keys if key.id == named]
    return [secret for secret in keys if secret], algorithm


def _signed_parameters(delivery: Delivery) -> str | None:
    """What is signed after the address; None: the body isn't one that is signed.

    Of a form, each name and value in the order of both, equal ones once. Any other body is in the
    address, as its hash.
    """
    if not delivery.body:
        return ""
    if delivery.media_type == FORM:
        try:
            return "".join(name + value for name, value in sorted({*values.form(delivery.body)}))
        except Faults:
            return None
    query = parse_qs(urlsplit(delivery.url).query)
    told = query.get("bodySHA256", [""])[0]
    expected = sha256(delivery.body).hexdigest()
    return "" if hmac.compare_digest(told.encode(), expected.encode()) else None


def _addresses(url: str) -> list[str]:
    """The address without its port and with it: Twilio signs the one or the other."""
    parts = urlsplit(url)
    host, rest = parts.netloc, url[len(parts.scheme) + 3 + len(parts.netloc) :]
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if parts.port:
        host = host.rpartition(":")[0]
    start = url[: len(parts.scheme) + 3]
    return [f"{start}{host}{rest}", f"{start}{host}:{port}{rest}"]


def read(delivery: Delivery) -> Told:
    """Return the event that a status callback tells; raises Faults."""
    if delivery.media_type == FORM:
        return read_status(dict(values.form(delivery.body)), delivery.received_at)
    return read_status(values.json_object(delivery.body), delivery.received_at)


def read_status(fields: Mapping[str, Any], received_at: int) -> Told:
    """Return the event that a call's status tells, in the words of TwiML (and of TeXML)."""
    status = values.text(fields, "CallStatus")
    if status not in _EVENTS:
        raise Faults([Fault("CallStatus", f"{status!r} is none of {', '.join(_EVENTS)}")])
    name = values.call_id(fields, "CallSid")
    at = values.instant(fields, "Timestamp", received_at, otherwise=received_at)
    duration = values.whole(fields, "CallDuration", MOST_DURATION_SECONDS)
    outbound = values.text(fields, "Direction").startswith("outbound")
    if outbound or values.text(fields, "ParentCallSid"):
        return Told(ignored="an outbound leg")
    called = values.number(values.text(fields, "To", "Called"))
    if not called:
        return Told(ignored="To is no telephone number")
    caller = values.text(fields, "From", "Caller")
    event = _EVENTS[status]
    return Told(
        (
            CallEvent(
                id=name,
                event=event,
                number=called,
                at=at,
                caller="" if caller in _WITHHELD else values.number(caller),
                duration_seconds=duration if event is EventKind.ENDED else None,
                reason=status if event is EventKind.MISSED else "",
            ),
        )
    )
