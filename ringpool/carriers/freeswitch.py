"""FreeSWITCH's call records, as its ``mod_json_cdr`` posts them: one when a leg has ended.

It logs in with HTTP Basic. Source: ``mod_json_cdr.c`` and ``switch_ivr_generate_json_cdr``.
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from ringpool.calls.events import MOST_DURATION_SECONDS, CallEvent, EventKind
from ringpool.carriers import values
from ringpool.carriers.delivery import FORM, Delivery, Told
from ringpool.faults import Fault, Faults, Missing
from ringpool.model import FreeSwitchAccess

BASE64_FORM = "application/x-www-form-base64-encoded"

_CALLED = ("ringpool_number", "sip_req_user", "sip_to_user")
"""Variables that name the number that was called; the dialplan may set the first."""

_MICROSECONDS_A_MS = 1000


def is_signed(delivery: Delivery, access: FreeSwitchAccess) -> bool:
    """Tell whether it logs in with the account's user and password."""
    scheme, _, given = delivery.header(b"authorization").partition(" ")
    if scheme.lower() != "basic" or not access.password:
        return False
    try:
        login = b64decode(given.strip(), validate=True)
    except ValueError:
        return False
    return hmac.compare_digest(login, f"{access.user}:{access.password}".encode())


def read(delivery: Delivery, *, encoded: bool = True) -> Told:
    """Return the events that a record tells, those of an inbound leg; raises Faults.

    ``encoded``: its variables are URL-encoded.
    """
    record = values.json_object(_document(delivery))
    variables = values.inner(record, "variables")
    if not variables:
        raise Faults([Missing("variables", "needed: what is known of the call")])
    if encoded:
        variables = {
            name: unquote(value) if isinstance(value, str) else value
            for name, value in variables.items()
        }
    profile = _first_profile(record)
    name = values.call_id(variables, "uuid")
    direction = values.text(values.inner(record, "channel_data"), "direction")
    if "outbound" in (direction, values.text(variables, "direction")) or "originator" in profile:
        return Told(ignored="an outbound leg")
    called = values.number(
        values.text(variables, *_CALLED) or values.text(profile, "destination_number")
    )
    if not called:
        return Told(ignored="the number that was called is none in E.164")
    caller = values.text(profile, "caller_id_number", "ani") or values.text(
        variables, "sip_from_user"
    )
    started = _time(variables, "start", delivery.received_at)
    if not started:
        raise Faults([Fault("variables.start_epoch", "needed: when the call began")])
    answered = _time(variables, "answer", delivery.received_at)
    ended = _time(variables, "end", delivery.received_at) or delivery.received_at
    cause = values.text(variables, "hangup_cause").lower()[:64]

    def event(kind: EventKind, at: int, duration: int | None = None, reason: str = "") -> CallEvent:
        return CallEvent(
            id=name,
            event=kind,
            number=called,
            at=at,
            started_at=started,
            caller=values.number(caller),
            duration_seconds=duration,
            reason=reason,
        )

    if not answered:
        return Told(
            (event(EventKind.STARTED, started), event(EventKind.MISSED, ended, reason=cause))
        )
    duration = values.whole(variables, "billsec", MOST_DURATION_SECONDS)
    return Told(
        (
            event(EventKind.STARTED, started),
            event(EventKind.ANSWERED, answered),
            event(EventKind.ENDED, ended, duration),
        )
    )


def _document(delivery: Delivery) -> bytes:
    """The record's JSON: the body itself, or in a form as ``cdr``, in which a plus is a plus."""
    if delivery.media_type not in (FORM, BASE64_FORM):
        return delivery.body
    name, _, value = delivery.body.partition(b"=")
    if name != b"cdr":
        raise Faults([Fault("cdr", "needed: the call's record")])
    if delivery.media_type == FORM:
        return unquote(value.decode("ascii", "replace")).encode()
    try:
        return b64decode(value)
    except ValueError:
        raise Faults([Fault("cdr", "is not base64")]) from None


def _first_profile(record: Mapping[str, Any]) -> dict[str, Any]:
    """The caller's profile before any transfer: the last one, in one of two ways to write them."""
    flow = record.get("callflow")
    if isinstance(flow, list):
        flow = flow[-1] if flow else None
    return values.inner(flow, "caller_profile") if isinstance(flow, dict) else {}


def _time(variables: Mapping[str, Any], name: str, received_at: int) -> int:
    """A time in Unix ms, never later than when it was received; 0: it never came."""
    text = values.text(variables, f"{name}_uepoch")
    if text.isascii() and text.isdecimal() and len(text) <= 17:
        return min(int(text) // _MICROSECONDS_A_MS, received_at)
    return (values.whole(variables, f"{name}_epoch", received_at // 1000) or 0) * 1000
