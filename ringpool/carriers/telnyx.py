"""Telnyx's webhooks: call events of its Voice API, status callbacks of TeXML, Ed25519 signatures.

They come in any order and more than once. Sources: Telnyx's *Webhook fundamentals* and *Voice API
webhooks*; its own library is what the tests compare with.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringpool.calls.events import CallEvent, EventKind
from ringpool.carriers import twilio, values
from ringpool.carriers.delivery import FORM, Delivery, Told
from ringpool.model import TelnyxAccess

SIGNATURE = b"telnyx-signature-ed25519"
TIMESTAMP = b"telnyx-timestamp"
WINDOW_SECONDS = 300
"""How far a signature's time may be from ours."""

_SECONDS = re.compile(r"[0-9]{1,12}")
_MAX_SIGNATURES = 4
"""That are tried: each takes longer than all else."""

_EVENTS = {
    "call.initiated": EventKind.STARTED,
    "call.answered": EventKind.ANSWERED,
    "call.bridged": EventKind.ANSWERED,
    "call.hangup": EventKind.ENDED,
}

_MISSED = frozenset(
    {"call_rejected", "no_answer", "not_found", "originator_cancel", "timeout", "user_busy"}
)
"""Causes of a hangup before anyone answered."""


def is_signed(delivery: Delivery, access: TelnyxAccess) -> bool:
    """Tell whether one of the signatures is by a key of the account's, and was made just now."""
    at = delivery.header(TIMESTAMP)
    if _SECONDS.fullmatch(at) is None:
        return False
    if abs(delivery.received_seconds - int(at)) > WINDOW_SECONDS:
        return False
    signed = at.encode() + b"|" + delivery.body
    keys = [key for key in (access.public_key, access.former_public_key) if key]
    return any(
        _verifies(key, signature, signed)
        for signature in delivery.each(SIGNATURE)[:_MAX_SIGNATURES]
        for key in keys
    )


def _verifies(key: str, signature: str, signed: bytes) -> bool:
    try:
        raw = b64decode(signature, validate=True)
        if b64encode(raw).decode() != signature:  # bits beside the last byte
            return False
        Ed25519PublicKey.from_public_bytes(b64decode(key)).verify(raw, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def read(delivery: Delivery) -> Told:
    """Return the event that a webhook tells; raises Faults."""
    if delivery.media_type == FORM:
        return twilio.read_status(dict(values.form(delivery.body)), delivery.received_at)
    document = values.json_object(delivery.body)
    if "CallSid" in document:
        return twilio.read_status(document, delivery.received_at)
    data = values.inner(document, "data")
    payload = values.inner(data, "payload")
    event = _EVENTS.get(values.text(data, "event_type"))
    if event is None:
        return Told(ignored="not an event that begins, connects or ends a call")
    name = values.call_id(payload, "call_leg_id", "call_session_id")
    now = delivery.received_at
    at = values.instant(data, "occurred_at", now, otherwise=now)
    started_at = values.instant(payload, "start_time", now, otherwise=0)
    if values.text(payload, "direction") == "outgoing":
        return Told(ignored="an outbound leg")
    called = values.number(values.text(payload, "to"))
    if not called:
        return Told(ignored="to is no telephone number")
    cause = values.text(payload, "hangup_cause") if event is EventKind.ENDED else ""
    missed = cause in _MISSED
    return Told(
        (
            CallEvent(
                id=name,
                event=EventKind.MISSED if missed else event,
                number=called,
                at=at,
                started_at=started_at,
                caller=values.number(values.text(payload, "from")),
                reason=cause if missed else "",
            ),
        )
    )
