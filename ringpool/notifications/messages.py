"""What is told: one message for one receiver, as the store keeps it, and as a person reads it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ringpool.model import Event
from ringpool.printable import printable
from ringpool.times import format_rfc3339

TEST = "test"
"""The event of ``ringpool notify test``, which nobody can leave out."""

_NAMES: Mapping[str, str] = {
    Event.EXHAUSTED: "is exhausted",
    Event.RECOVERING: "has numbers again",
    Event.WILL_BE_EXHAUSTED: "will be exhausted soon",
    Event.GROWN: "has grown from its stock",
    Event.STOCK_LOW: "is low",
    Event.CONFIGURATION_CHANGED: "was changed",
    TEST: "has somebody to tell: this is a test",
}


class Message(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One message to one target. ``body``: what a webhook is posted.

    ``subject``: what it is about, ``pool/ad-placement``. ``made``: when it happened; ``due``: when
    it is to be sent next, both Unix ms. ``attempts``: those that failed.
    """

    id: str
    account: str
    subject: str
    target: str
    event: str
    body: dict[str, Any]
    made: int
    due: int
    attempts: int = 0


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Message).decode


def make(
    event: str,
    subject: str,
    account: str,
    target: str,
    now: int,
    details: Mapping[str, Any],
    *,
    plain: bool = False,
) -> Message:
    """Make a message. ``now``: Unix ms. ``plain``: its body is but the details."""
    name = secrets.token_hex(12)
    kind, _, entity_id = subject.partition("/")
    body = dict(details)
    if not plain:
        about = {"account": account} | {kind: entity_id}
        body = {"id": name, "event": str(event), "at": format_rfc3339(now), **about, **details}
    return Message(
        id=name,
        account=account,
        subject=subject,
        target=target,
        event=str(event),
        body=body,
        made=now,
        due=now,
    )


def for_people(message: Message) -> tuple[str, str]:
    """Return the subject and the text of an e-mail. The subject has nothing that anybody wrote."""
    what = f"{message.subject.replace('/', ' ')} {_NAMES[message.event]}"
    lines = [f"{what[:1].upper()}{what[1:]}.", ""]
    for name, value in message.body.items():
        if isinstance(value, list):
            lines += [f"{name}:", *(f"  {printable(_flat(item))}" for item in value)]
        else:
            lines.append(f"{name}: {printable(_flat(value))}")
    return f"[Ringpool] {what}", "\n".join(lines) + "\n"


def _flat(value: object) -> str:
    return value if isinstance(value, str) else encode_plain(value)


def encode_plain(value: object) -> str:
    """Return a plain value as JSON."""
    return msgspec.json.encode(value).decode()
