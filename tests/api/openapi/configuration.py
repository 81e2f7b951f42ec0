"""A service that has the accounts, the pool and the stock of /openapi.json's examples."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Generator
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ringpool.security.api_keys import hash_of
from tests.api.conftest import ADMIN, KEY
from tests.api.openapi.document import OPERATIONS, media_of

SERVER_KEY = "the-accounts-server-key-0123456789"
"""The API key of the examples' account."""

POWERLESS_KEY = "a-key-of-the-account-that-may-only-allocate"
CALLS_KEY = "a-key-of-the-account-that-may-only-tell-of-calls"

BUSY_KEY = "the-busy-accounts-key-0123456789"
"""The API key of an account that may make one request a minute."""

CARRIER_LOGIN = ("switch", "the-switchs-password-0123456789")
"""How FreeSWITCH logs in as the examples' account's carrier."""

NUMBER = "+18885550101"
"""The number that most examples name, in the examples' pool."""


_TELNYX = Ed25519PrivateKey.from_private_bytes(bytes(32))
_PUBLIC_KEY = b64encode(_TELNYX.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


class Telnyx(httpx.Auth):
    """Signs as the examples' account's carrier does."""

    requires_request_body = True

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        at = str(int(time.time()))
        request.headers["telnyx-timestamp"] = at
        signature = b64encode(_TELNYX.sign(f"{at}|".encode() + request.content))
        request.headers["telnyx-signature-ed25519"] = signature.decode()
        yield request


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def body_of(name: str) -> dict[str, Any]:
    """The example of an operation's body."""
    return dict(media_of(OPERATIONS[name].operation["requestBody"])["example"])


def configure(client: httpx.Client) -> None:
    """Make everything as the examples have it, again if need be; KEY is the pool's key.

    ``partner-9``, which examples credit, has a pool and a stock of the same name.
    """
    stock = {**body_of("put_stock"), "numbers": ["+18885550150"]}
    pool = {
        **body_of("put_pool"),
        "key": KEY,
        "numbers": [f"+188855501{place:02}" for place in range(1, 10)],
        "stock": stock["id"],
    }
    keys = [
        SERVER_KEY,
        {"name": "reports", "hash": hash_of(POWERLESS_KEY), "scopes": ["allocate"]},
        {"name": "calls", "hash": hash_of(CALLS_KEY), "scopes": ["calls"]},
    ]
    user, password = CARRIER_LOGIN
    carriers = {
        "freeswitch": {"user": user, "password": password},
        "telnyx": {"public_key": _PUBLIC_KEY},
    }
    partner = {"account": "partner-9"}
    entities = {
        "accounts/newspress": {
            **body_of("put_account"),
            "api_keys": keys,
            "carriers": carriers,
        },
        "accounts/partner-9": {},
        "accounts/busy-partner": {"api_keys": [BUSY_KEY], "quota": {"requests": 1}},
        "stocks/us-toll-free": stock,
        "stocks/partner-9": partner,
        "pools/ad-placement": pool,
        "pools/partner-9": {**partner, "parameters": ["website"], "allow_overflow": False},
    }
    for path, entity in entities.items():
        url = f"/admin/v1/{path}"
        made = client.put(url, json=entity, headers=bearer(ADMIN))
        if made.status_code == 428:
            made = client.put(url, json=entity, headers=bearer(ADMIN) | {"if-match": "*"})
        assert made.status_code in (200, 201), made.text
