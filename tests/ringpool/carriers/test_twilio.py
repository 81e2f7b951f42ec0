"""Twilio's signatures, next to its own library, and what its statuses tell."""

from __future__ import annotations

import json
import random
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import pytest
from twilio import request_validator
from twilio.request_validator import RequestValidator

from ringpool.carriers import twilio, values
from ringpool.carriers.delivery import FORM, Delivery
from ringpool.faults import Faults
from ringpool.model import SharedKey, TwilioAccess
from tests.ringpool.carriers.deliveries import NOW, URL, delivery, flips

TOKEN, FORMER, SHARED = "a" * 32, "b" * 32, "shared-secret-0123456789"
ACCESS = TwilioAccess(
    auth_token=TOKEN, former_auth_token=FORMER, shared_keys=(SharedKey(id="k1", secret=SHARED),)
)
KNOWS_SHA256 = hasattr(request_validator, "HMAC_SHA256")
"""The library does from 9.13 on."""

SHA256_SETTINGS = "key=k1,algorithm=HMAC_SHA256"
ALPHABET = "abcXYZ09 &=+%?/:;,._-é本"


class Fields(dict[str, list[str]]):
    """A form's fields as web frameworks have them, which the library reads."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


class Asked:
    """A random request, and what it is to the library."""

    def __init__(self, chance: random.Random) -> None:
        def word(most: int = 12) -> str:
            return "".join(chance.choices(ALPHABET, k=chance.randrange(most)))

        host = chance.choice(["https://a.example", "https://a.example:8443", "http://a.example:80"])
        query: list[tuple[str, str]] = [(word(6) or "q", word())] * chance.randrange(2)
        self.params: Any = {}
        self.body, kind = b"", FORM
        if chance.random() < 0.7:
            pairs = [(word(8) or "n", word()) for _ in range(chance.randrange(6))]
            pairs += pairs[: chance.randrange(2)]  # given twice
            self.body = urlencode(pairs).encode()
            self.params = Fields()
            for name, value in pairs:
                self.params.setdefault(name, []).append(value)
        else:
            text = json.dumps({word(): word()}, ensure_ascii=False)
            self.body, kind, self.params = text.encode(), "application/json", text
            if chance.random() < 0.8:
                told = text if chance.random() < 0.8 else f"{text} "
                query.append(("bodySHA256", sha256(told.encode()).hexdigest()))
        self.url = f"{host}/v1/carriers/twilio/a" + (f"?{urlencode(query)}" if query else "")
        by_key = KNOWS_SHA256 and chance.random() < 0.4
        self.secret = SHARED if by_key else chance.choice([TOKEN, TOKEN, "c" * 32])
        self.more = ["HMAC_SHA256"] if by_key else []
        signed_url = chance.choice([self.url, self.url.replace(":8443", "")])
        signed_url = signed_url.replace("example/", chance.choice(["example/", "example:443/"]))
        params = {} if isinstance(self.params, str) else self.params
        self.signature = RequestValidator(self.secret).compute_signature(
            signed_url, params, *self.more
        )
        if chance.random() < 0.2:
            self.signature = chance.choice(["", "AAAA", self.signature[::-1]])
        headers = {"x_twilio_signature": self.signature}
        if by_key:
            headers["x_twilio_webhooks_signature_settings"] = SHA256_SETTINGS
        self.delivery: Delivery = delivery(self.body, kind, self.url, **headers)

    def is_valid(self) -> bool:
        """Whether the library takes it."""
        secret = SHARED if self.more else TOKEN
        try:
            return bool(
                RequestValidator(secret).validate(self.url, self.params, self.signature, *self.more)
            )
        except TypeError:  # JSON without its hash
            return False


def test_ten_thousand_requests_are_judged_as_the_library_does() -> None:
    """Forms and JSON, both algorithms, ports or none, fields twice, wrong in many ways."""
    chance = random.Random(13)
    verdicts = []
    for _ in range(10_000):
        asked = Asked(chance)
        verdict = twilio.is_signed(asked.delivery, ACCESS)
        assert verdict is asked.is_valid(), asked.delivery
        verdicts.append(verdict)
    assert 3_000 < sum(verdicts) < 9_000


FIELDS = {"CallSid": "CA1", "CallStatus": "ringing", "To": "+18885550101", "From": "+12125550177"}


def signed(url: str, body: bytes, kind: str, secret: str = TOKEN, sha: str = "sha1") -> str:
    """The signature by the formula that Twilio documents."""
    import hmac
    from base64 import b64encode

    fields = "".join(map("".join, sorted(set(values.form(body))))) if kind == FORM else ""
    return b64encode(hmac.digest(secret.encode(), (url + fields).encode(), sha)).decode()


@pytest.mark.parametrize("kind", [FORM, "application/json"])
@pytest.mark.parametrize(("secret", "sha"), [(TOKEN, "sha1"), (SHARED, "sha256")])
def test_every_bit_counts(kind: str, secret: str, sha: str) -> None:
    """Of the signature, of the address and of the body, unless that reads the same."""
    body = urlencode(FIELDS).encode() if kind == FORM else json.dumps(FIELDS).encode()
    url = URL if kind == FORM else f"{URL}?bodySHA256={sha256(body).hexdigest()}"
    settings = {"x_twilio_webhooks_signature_settings": SHA256_SETTINGS} if sha == "sha256" else {}
    signature = signed(url, body, kind, secret, sha).encode()

    def is_signed(url: str, body: bytes, signature: bytes) -> bool:
        headers: dict[str, Any] = {"x_twilio_signature": signature, **settings}
        return twilio.is_signed(delivery(body, kind, url, **headers), ACCESS)

    assert is_signed(url, body, signature)
    assert not any(is_signed(url, body, flipped) for flipped in flips(signature))
    start = len("https://ringpool.example/")
    for flipped in flips(url.encode()[start:]):
        assert not is_signed(url[:start] + flipped.decode("latin-1"), body, signature)
    for flipped in flips(body):
        if kind != FORM or values.form(flipped) != values.form(body):
            assert not is_signed(url, flipped, signature)


def test_secrets_in_turn() -> None:
    """Of several signatures one is enough, by either token; a key's name decides which key."""
    body = urlencode(FIELDS).encode()
    by = {secret: signed(URL, body, FORM, secret) for secret in (TOKEN, FORMER, SHARED, "c" * 32)}

    def is_signed(signatures: str, settings: str = "", access: TwilioAccess = ACCESS) -> bool:
        more = {"x_twilio_webhooks_signature_settings": settings} if settings else {}
        headers = {"x_twilio_signature": signatures, **more}
        return twilio.is_signed(delivery(body, FORM, **headers), access)

    wrong = by["c" * 32]
    assert is_signed(by[FORMER])
    assert is_signed(f"{wrong}, {by[TOKEN]}")
    assert not is_signed(f"{wrong},,{wrong}")
    assert not is_signed("")
    assert not is_signed(by[TOKEN], access=TwilioAccess())
    assert is_signed(by[SHARED], "key=k1,algorithm=HMAC_SHA1")
    assert is_signed(signed(URL, body, FORM, SHARED, "sha256"), "key = k1 , algorithm=hmac_sha256")
    for settings in (
        "key=k2,algorithm=HMAC_SHA1",
        "algorithm=HMAC_SHA1",
        "key=k1,algorithm=MD5",
        "key=k1",
    ):
        assert is_signed(by[SHARED], settings) is (settings == "key=k1")
    assert not is_signed(by[SHARED])
    assert not is_signed(by[TOKEN], SHA256_SETTINGS)


@pytest.mark.parametrize(
    ("status", "event", "reason"),
    [
        ("queued", "started", ""),
        ("ringing", "started", ""),
        ("in-progress", "answered", ""),
        ("completed", "ended", ""),
        ("busy", "missed", "busy"),
        ("failed", "missed", "failed"),
        ("no-answer", "missed", "no-answer"),
        ("canceled", "missed", "canceled"),
    ],
)
def test_statuses(status: str, event: str, reason: str) -> None:
    """Each is one event, at the time that Twilio tells, by form and by JSON."""
    fields = {
        **FIELDS,
        "CallStatus": status,
        "Direction": "inbound",
        "Timestamp": "Sat, 28 Nov 2026 03:59:10 +0000",
        "CallDuration": "42",
    }
    (told,) = twilio.read(delivery(urlencode(fields).encode(), FORM)).events
    assert told == twilio.read(delivery(json.dumps(fields).encode(), "application/json")).events[0]
    assert (told.id, told.event, told.number) == ("CA1", event, "+18885550101")
    assert (told.caller, told.reason) == ("+12125550177", reason)
    assert told.duration_seconds == (42 if event == "ended" else None)
    assert told.at == (NOW - 50) * 1000 + 999


def test_what_isnt_an_inbound_call() -> None:
    """Outbound legs and calls to no number are ignored; a withheld caller is nobody."""

    def read(**fields: str) -> Any:
        return twilio.read(delivery(urlencode({**FIELDS, **fields}).encode(), FORM))

    assert read(Direction="outbound-dial").ignored
    assert read(ParentCallSid="CA0").ignored
    assert read(To="client:bob").ignored
    assert read(To="sip:+18885550101@a.example;user=phone").events[0].number == "+18885550101"
    for withheld in ("+266696687", "anonymous", "sip:bob@a.example", ""):
        assert read(From=withheld).events[0].caller == ""
    assert read(Timestamp="2099-01-01T00:00:00Z").events[0].at == NOW * 1000
    for wrong, field in (
        ({"CallSid": ""}, "CallSid"),
        ({"CallSid": "C" * 129}, "CallSid"),
        ({"CallStatus": "lost"}, "CallStatus"),
        ({"Timestamp": "soon"}, "Timestamp"),
        ({"CallDuration": "-1"}, "CallDuration"),
    ):
        with pytest.raises(Faults, match=field):
            read(**wrong)
