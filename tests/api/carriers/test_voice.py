"""What providers are told to do with calls, in their own markup."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twilio.request_validator import RequestValidator

from allocator.port import Store
from api.app import create_app
from ringpool.settings import Settings
from tests.api.conftest import Site, running

PUBLIC_URL = "https://numbers.example"
TOKEN = "twilio-token-0123456789"
TELNYX = Ed25519PrivateKey.generate()
PUBLIC_KEY = b64encode(TELNYX.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
FORM = {"content-type": "application/x-www-form-urlencoded"}
HOSTILE = "</Say><Dial>+1900</Dial> \"&'<!-- ü"


@pytest.fixture
async def client(settings: Settings, valkey_store: Store) -> AsyncIterator[httpx.AsyncClient]:
    """Of a service behind a TLS proxy."""
    behind = replace(settings, public_url=PUBLIC_URL)
    async with running(create_app(behind, store=valkey_store)) as client:
        yield client


async def ask(
    site: Site, provider: str, number: str, url: str = "", token: str = TOKEN
) -> httpx.Response:
    """A provider's signed webhook. ``url``: the address that it asks; else that of ``voice``."""
    fields = {"CallSid": "CA1", "CallStatus": "ringing", "To": number, "From": "+12125550177"}
    body = urlencode(fields).encode()
    asked = url or f"{PUBLIC_URL}/v1/carriers/{provider}/{site.account}/voice"
    if provider == "twilio":
        signature = RequestValidator(token).compute_signature(asked, fields)
        headers = {"x-twilio-signature": signature}
    else:
        at = str(int(time.time()))
        signature = b64encode(TELNYX.sign(f"{at}|".encode() + body)).decode()
        headers = {"telnyx-timestamp": at, "telnyx-signature-ed25519": signature}
    path = asked.removeprefix(PUBLIC_URL)
    return await site.client.post(path, content=body, headers=headers | FORM)


def verbs(answer: httpx.Response) -> ElementTree.Element:
    """The markup, read by an XML parser."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/xml; charset=utf-8"
    root = ElementTree.fromstring(answer.content)
    assert root.tag == "Response"
    return root


@pytest.mark.parametrize("provider", ["twilio", "telnyx"])
async def test_a_provider_dials_and_whispers(site: Site, provider: str) -> None:
    """The number of the pool, and what is said first, whatever characters visitors brought."""
    carriers = {"twilio": {"auth_token": TOKEN}, "telnyx": {"public_key": PUBLIC_KEY}}
    await site.make_account(carriers=carriers, unroutable={"announcement": HOSTILE})
    destination = site.number(9000)
    pool = await site.pool(1, destination=destination, whisper="From {website}")
    called = (await site.ask(pool, website=HOSTILE)).json()["number"]
    (dial,) = verbs(await ask(site, provider, called))
    (number,) = dial
    assert (dial.tag, number.tag, number.text) == ("Dial", "Number", destination)
    (say,) = verbs(await ask(site, provider, called, number.attrib["url"]))
    assert (say.tag, say.text) == ("Say", f"From {HOSTILE}")
    silent = await site.pool(1, "silent")
    called = (await site.ask(silent, website="one")).json()["number"]
    heard, hangup = verbs(await ask(site, provider, called))
    assert (heard.tag, heard.text, hangup.tag) == ("Say", HOSTILE, "Hangup")
    for unknown in ("+18005550142", "anonymous", ""):
        (reject,) = verbs(await ask(site, provider, unknown))
        assert reject.tag == "Reject"


async def test_only_the_accounts_provider_is_answered(site: Site) -> None:
    """403 for another signature, 404 where there is no such provider, 400 for a text too long."""
    await site.make_account(carriers={"twilio": {"auth_token": TOKEN}})
    number = site.number(1)
    assert (await ask(site, "twilio", number, token=f"{TOKEN}x")).status_code == 403
    assert (await ask(site, "telnyx", number)).status_code == 404
    other = f"{PUBLIC_URL}/v1/carriers/generic/{site.account}/voice"
    assert (await ask(site, "twilio", number, other)).status_code == 404
    long = f"{PUBLIC_URL}/v1/carriers/twilio/{site.account}/whisper?text={'x' * 501}"
    assert (await ask(site, "twilio", number, long)).status_code == 400
