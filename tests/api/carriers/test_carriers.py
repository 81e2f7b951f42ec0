"""Carriers' webhooks at the service: each is theirs, counts once, and says what was wrong."""

from __future__ import annotations

import json
import re
import subprocess
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twilio.request_validator import RequestValidator

from allocator.port import Store
from api.app import create_app
from api.calls.told import MAX_BODY_BYTES
from ringpool.security.body_signature import HEADER, sign
from ringpool.settings import Settings
from tests.api.conftest import ADMIN, Site, running
from tests.api.service import service

PUBLIC_URL = "https://numbers.example"
TOKEN, SECRET, PASSWORD = "twilio-token-0123456789", "generic-0123456789", "password-0123456789"
TELNYX = Ed25519PrivateKey.generate()
PUBLIC_KEY = b64encode(TELNYX.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
CARRIERS = {
    "twilio": {"auth_token": TOKEN},
    "telnyx": {"public_key": PUBLIC_KEY},
    "freeswitch": {"user": "switch", "password": PASSWORD},
    "generic": {"secret": SECRET},
}
LOGIN = {"authorization": f"Basic {b64encode(f'switch:{PASSWORD}'.encode()).decode()}"}


@pytest.fixture
async def client(settings: Settings, valkey_store: Store) -> AsyncIterator[httpx.AsyncClient]:
    """Of a service behind a TLS proxy: it is asked by another address than carriers post to."""
    behind = replace(settings, public_url=PUBLIC_URL)
    async with running(create_app(behind, store=valkey_store)) as client:
        yield client


class Called:
    """A number that a tuple holds, of an account with every carrier."""

    def __init__(self, site: Site, number: str) -> None:
        self.client, self.number, self._site = site.client, number, site
        self.path = {name: f"/v1/carriers/{name}/{site.account}" for name in CARRIERS}

    async def calls(self) -> int:
        """How many calls the number's holder has."""
        path = f"/admin/v1/numbers/{self.number}"
        shown = await self.client.get(path, headers=self._site.auth)
        return int(shown.json()["holder"]["calls"])

    def twilio(self, query: str = "", **fields: str) -> tuple[str, dict[str, Any]]:
        given = {"CallSid": "CA1", "CallStatus": "ringing", "To": self.number, **fields}
        path = self.path["twilio"] + query
        signature = RequestValidator(TOKEN).compute_signature(PUBLIC_URL + path, given)
        kind = "application/x-www-form-urlencoded"
        headers = {"x-twilio-signature": signature, "content-type": kind}
        return path, {"content": urlencode(given).encode(), "headers": headers}

    def telnyx(self, kind: str, **payload: str) -> tuple[str, dict[str, Any]]:
        payload = {"call_leg_id": "leg-1", "to": self.number, "from": "+12125550177", **payload}
        body = json.dumps({"data": {"event_type": kind, "payload": payload}}).encode()
        at = str(int(time.time()))
        signature = b64encode(TELNYX.sign(f"{at}|".encode() + body)).decode()
        headers = {"telnyx-timestamp": at, "telnyx-signature-ed25519": signature}
        return self.path["telnyx"], {"content": body, "headers": headers}

    def freeswitch(self, **variables: str) -> tuple[str, dict[str, Any]]:
        now = f"{time.time_ns() // 1000}"
        known = {"uuid": "fs-1", "sip_req_user": self.number[1:], "start_uepoch": now}
        document = {"variables": {**known, "answer_uepoch": now, **variables}}
        return f"{self.path['freeswitch']}?uuid=fs-1", {"json": document, "headers": LOGIN}

    def generic(self, document: Any) -> tuple[str, dict[str, Any]]:
        body = json.dumps(document).encode()
        headers = {HEADER: sign([SECRET], int(time.time()), body)}
        return self.path["generic"], {"content": body, "headers": headers}

    async def post(self, asked: tuple[str, dict[str, Any]]) -> httpx.Response:
        return await self.client.post(asked[0], **asked[1])


@pytest.fixture
async def called(site: Site) -> Called:
    await site.make_account()
    path = f"/admin/v1/accounts/{site.account}"
    made = await site.client.patch(path, json={"carriers": CARRIERS}, headers=site.auth)
    assert made.status_code == 200
    # A change that leaves the secrets out keeps them.
    kept = {name: {} for name in ("twilio", "generic")} | {
        "telnyx": {"public_key": PUBLIC_KEY},
        "freeswitch": {"user": "switch"},
    }
    assert (await site.put(path, {"carriers": kept})).status_code == 200
    pool = await site.pool(2)
    return Called(site, (await site.ask(pool, website="one")).json()["number"])


async def test_each_carriers_call_counts_once(called: Called) -> None:
    """Whatever is repeated, and in any order."""
    generic = {"id": "g-1", "number": called.number}
    events = [
        called.twilio("?from=twilio"),
        called.twilio(CallStatus="completed", CallDuration="5"),
        called.telnyx("call.hangup", hangup_cause="normal_clearing"),
        called.telnyx("call.initiated"),
        called.freeswitch(),
        called.generic(generic),
        called.generic({"calls": [generic, {**generic, "event": "missed"}]}),
    ]
    for turn in range(2):
        answers = [await called.post(each) for each in events]
        assert [answer.status_code for answer in answers] == [200] * len(events), answers[-1].text
        assert [answer.json().get("recorded") for answer in answers[:5]] == [1, 1, 1, 1, 3]
        assert answers[5].json()["counted"] is (turn == 0)
        assert len(answers[6].json()["results"]) == 2
    assert await called.calls() == 4


async def test_what_isnt_theirs_is_refused_and_told_nothing(called: Called, site: Site) -> None:
    """403 alike, whatever is wrong; 404 where the account has no such carrier."""
    attempts = [
        called.twilio(),
        called.telnyx("call.initiated"),
        called.freeswitch(),
        called.generic({"id": "g-1", "number": called.number}),
    ]
    details = set()
    for path, request in attempts:
        for headers in (
            {},
            {**request["headers"], "x-twilio-signature": "AAAA", "authorization": "Basic ?"}
            | {"telnyx-signature-ed25519": "AAAA", HEADER: "t=1,v1=00"},
        ):
            refused = await called.client.post(path, **{**request, "headers": headers})
            assert refused.status_code == 403
            assert refused.headers["content-type"] == "application/problem+json"
            details.add(refused.text)
    assert len(details) == 1
    other_host = called.twilio()[1]
    elsewhere = RequestValidator(TOKEN).compute_signature(
        f"http://ringpool.test{called.path['twilio']}", {"CallSid": "CA1"}
    )
    other_host["headers"]["x-twilio-signature"] = elsewhere
    assert (await called.client.post(called.path["twilio"], **other_host)).status_code == 403
    await site.client.patch(
        f"/admin/v1/accounts/{site.account}",
        json={"carriers": {"telnyx": None}},
        headers=site.auth,
    )
    for path in (called.path["telnyx"], "/v1/carriers/twilio/nowhere", "/v1/carriers/x/y"):
        missing = await called.client.post(path, content=b"{}")
        assert (missing.status_code, missing.json()["class"]) == (404, "UnknownCarrier")
    assert await called.calls() == 0


async def test_what_cant_be_recorded(called: Called) -> None:
    """A number of nobody's and other legs are ignored, so that nobody repeats them; what can't be
    read names the field."""
    for asked in (
        called.twilio(To="+18005559999"),
        called.twilio(Direction="outbound-dial"),
        called.telnyx("call.initiated", to="+18005559999"),
        called.freeswitch(direction="outbound"),
    ):
        answer = await called.post(asked)
        assert (answer.status_code, answer.json()["recorded"]) == (200, 0)
        assert len(answer.json()["ignored"]) == 1
    for asked, field in (
        (called.twilio(CallStatus="lost"), "CallStatus"),
        (called.freeswitch(start_uepoch="", start_epoch="soon"), "start_epoch"),
        (called.generic({"id": "g-1", "number": "x"}), "number"),
    ):
        refused = await called.post(asked)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == field
    path, request = called.generic({})
    large = await called.client.post(path, **{**request, "content": b" " * (MAX_BODY_BYTES + 1)})
    assert large.status_code == 413
    assert await called.calls() == 0


def test_the_script_of_the_manual(tmp_path: Path) -> None:
    """As it is written there, with a shell, curl and openssl, at a service that listens."""
    page = (Path(__file__).parents[3] / "docs/carriers/generic.md").read_text("utf-8")
    (script,) = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    with service(tmp_path) as served:
        admin = {"authorization": f"Bearer {ADMIN}"}
        account = {"id": "newspress", "carriers": {"generic": {"secret": SECRET}}}
        served.client.post("/admin/v1/accounts", json=account, headers=admin).raise_for_status()
        pool = {"id": "ads", "account": "newspress", "parameters": ["a"], "allow_overflow": False}
        pool |= {"numbers": ["+18885550101"]}
        served.client.post("/admin/v1/pools", json=pool, headers=admin).raise_for_status()
        event = '{"id": "call-1", "number": "+18885550101", "event": "started"}'
        command = ["sh", "-c", script, "tell-ringpool", "newspress", event]
        for secret, worked in ((SECRET, True), ("another-0123456789", False)):
            known = {"RINGPOOL_SECRET": secret, "RINGPOOL_URL": str(served.client.base_url)}
            done = subprocess.run(
                command, env={"PATH": "/usr/bin:/bin", **known}, capture_output=True, check=False
            )
            assert (done.returncode == 0) is worked, done.stderr
            assert (b'"counted":true' in done.stdout) is worked
