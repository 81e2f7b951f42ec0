"""Telnyx's signatures, next to its own library, and what its events tell."""

from __future__ import annotations

import importlib.util
import json
import random
from base64 import b64encode
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from nacl.signing import SigningKey

from ringpool.carriers import telnyx
from ringpool.carriers.delivery import FORM
from ringpool.faults import Faults
from ringpool.model import TelnyxAccess
from tests.ringpool.carriers.deliveries import NOW, delivery, flips

KEY, FORMER, OTHER = (SigningKey(bytes([place] * 32)) for place in (1, 2, 3))
PUBLIC, FORMER_PUBLIC = (b64encode(bytes(key.verify_key)).decode() for key in (KEY, FORMER))
ACCESS = TelnyxAccess(public_key=PUBLIC, former_public_key=FORMER_PUBLIC)
JSON = "application/json"


def sign(body: bytes, at: object = NOW, key: SigningKey = KEY) -> str:
    return b64encode(key.sign(f"{at}|".encode() + body).signature).decode()


def is_signed(body: bytes, signature: str | bytes, at: str | bytes = str(NOW)) -> bool:
    headers: dict[str, Any] = {"telnyx_signature_ed25519": signature, "telnyx_timestamp": at}
    return telnyx.is_signed(delivery(body, JSON, **headers), ACCESS)


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The library's verification alone, without the thousands of types around it."""
    package = importlib.util.find_spec("telnyx")
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).parent / "lib" / "webhook_verification.py"
    if not path.exists():
        pytest.skip("this release of the library verifies no Ed25519")
    spec = importlib.util.spec_from_file_location("telnyx_webhook_verification", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: NOW + 0.5))
    return module


def test_ten_thousand_webhooks_are_judged_as_the_library_does(oracle: ModuleType) -> None:
    """Signatures of all kinds and times, right and wrong."""
    chance = random.Random(13)
    verdicts = []
    for _ in range(10_000):
        body = json.dumps({"data": chance.getrandbits(chance.randrange(1, 400))}).encode()
        at = str(NOW + chance.choice([0, -299, -300, -301, 300, 301, -90_000, chance.randrange(9)]))
        signature = sign(body, at, chance.choice([KEY, KEY, KEY, OTHER]))
        match chance.randrange(10):
            case 0:
                body += b" "
            case 1:
                at = chance.choice(["", "soon", str(int(at) + 1)])
            case 2:
                signature = chance.choice(["", "AAAA", signature[:-4], signature[4:]])
        headers = {"Telnyx-Signature-Ed25519": signature, "Telnyx-Timestamp": at}
        try:
            oracle.verify_webhook_signature(body, headers, PUBLIC)
            expected = True
        except oracle.WebhookVerificationError:
            expected = False
        verdict = is_signed(body, signature, at)
        assert verdict is expected, (body, headers)
        verdicts.append(verdict)
    assert 2_000 < sum(verdicts) < 8_000


def test_every_bit_counts() -> None:
    """Of the signature, those too that base64 doesn't need, of the time and of the body."""
    body = json.dumps(event("call.initiated")).encode()
    signature = sign(body)
    assert is_signed(body, signature)
    assert not any(is_signed(body, flipped) for flipped in flips(signature.encode()))
    assert not any(is_signed(body, signature, at) for at in flips(str(NOW).encode()))
    assert not any(is_signed(flipped, signature) for flipped in flips(body))


def test_several_signatures_and_keys() -> None:
    """One is enough, by the key or by the one before."""
    assert is_signed(b"{}", f"AAAA, {sign(b'{}', key=OTHER)}, {sign(b'{}', key=FORMER)}")
    assert not is_signed(b"{}", f"{sign(b'{}', key=OTHER)},{sign(b'[]')}")


def event(kind: str, **payload: object) -> dict[str, Any]:
    return {
        "data": {
            "event_type": kind,
            "id": "0ccc7b54-4df3-4bca-a65a-3da1ecc777f0",
            "occurred_at": "2026-11-28T03:59:10.521992Z",
            "payload": {
                "call_leg_id": "428c31b6",
                "call_session_id": "session",
                "from": "+12125550177",
                "to": "+18885550101",
                **payload,
            },
        }
    }


def read(document: object) -> Any:
    return telnyx.read(delivery(json.dumps(document).encode(), JSON))


@pytest.mark.parametrize(
    ("kind", "cause", "expected"),
    [
        ("call.initiated", None, ("started", "")),
        ("call.answered", None, ("answered", "")),
        ("call.bridged", None, ("answered", "")),
        ("call.hangup", "normal_clearing", ("ended", "")),
        ("call.hangup", "time_limit", ("ended", "")),
        ("call.hangup", "originator_cancel", ("missed", "originator_cancel")),
        ("call.hangup", "user_busy", ("missed", "user_busy")),
    ],
)
def test_events(kind: str, cause: str | None, expected: tuple[str, str]) -> None:
    """One event each, of the leg that it is about."""
    (told,) = read(event(kind, **({"hangup_cause": cause} if cause else {}))).events
    assert (told.event, told.reason) == expected
    assert (told.id, told.number, told.caller) == ("428c31b6", "+18885550101", "+12125550177")
    assert told.at == (NOW - 50) * 1000 + 521


def test_what_isnt_an_inbound_call() -> None:
    """Other events and outbound legs are ignored; TeXML's callbacks are Twilio's."""
    assert read(event("call.machine.detection.ended")).ignored
    assert read(event("call.initiated", direction="outgoing")).ignored
    assert read(event("call.initiated", to="sip:bob@a.example")).ignored
    with pytest.raises(Faults, match="call_leg_id"):
        read(event("call.initiated", call_leg_id="", call_session_id=None))
    with pytest.raises(Faults, match="document"):
        telnyx.read(delivery(b"[]", JSON))
    texml = {
        "CallSid": "v2:7V3r",
        "CallStatus": "completed",
        "CallDuration": "2",
        "From": "+12125550177",
        "To": "+18885550101",
        "Timestamp": "2026-11-28 03:59:10.731479Z",
    }
    form = "&".join(f"{name}={value.replace('+', '%2B')}" for name, value in texml.items())
    for told in (read(texml), telnyx.read(delivery(form.encode(), FORM))):
        assert (told.events[0].event, told.events[0].duration_seconds) == ("ended", 2)
