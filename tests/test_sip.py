"""A real telephone call: Kamailio with the recipe of k8s/sip, sipp as carrier and call centre."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from tests.api.conftest import ADMIN
from tests.api.service import service
from tests.servers.process import until
from tests.servers.programs import program
from tests.servers.sip import calls

KEY = "the-carriers-key-0123456789abcdef"
AUTH = {"authorization": f"Bearer {ADMIN}"}
NUMBER, DESTINATION, CALLER = "+18885550101", "+18885551234", "+12125550177"


def configure(client: httpx.Client) -> None:
    """An account with a key, and a pool of one number."""
    account = {"api_keys": [KEY]}
    pool = {
        "account": "newspress",
        "parameters": ["website", "location"],
        "numbers": [NUMBER],
        "overflow_number": "+18885550199",
        "destination": DESTINATION,
        "whisper": "From {website}",
    }
    for path, document in (("accounts/newspress", account), ("pools/ad-placement", pool)):
        client.put(f"/admin/v1/{path}", json=document, headers=AUTH).raise_for_status()


def click(client: httpx.Client) -> str:
    """A visitor's number."""
    key = client.get("/admin/v1/pools/ad-placement", headers=AUTH).json()["key"]
    query = {"ring_pool_key": key, "website": "one & two", "location": "footer", "gclid": "Cj0"}
    path = "/api/v1/ring_pools/ad-placement/allocate_number.json"
    number: str = client.get(path, params=query).json()["number"]
    return number


def test_one_call_from_click_to_record(tmp_path: Path) -> None:
    """It is routed, answered, ended, recorded and attributed; another leads nowhere."""
    for needed in ("kamailio", "sipp"):
        program(needed)
    centre = calls.free_udp_port()
    with (
        service(tmp_path) as ringpool,
        calls.call_centre(tmp_path, centre) as noted,
        calls.proxy(tmp_path, ringpool.url, KEY, centre) as proxy,
    ):
        configure(ringpool.client)
        number = click(ringpool.client)
        calls.call(tmp_path, proxy, [(CALLER, number)], talk_ms=200)
        told = f"sip:{DESTINATION}  ad-placement  website=one%20%26%20two&location=footer"
        assert noted.read_text().strip() == f"{told}  From%20one%20&%20two"
        recorded = until(lambda: ended_call(ringpool.client))
        assert (recorded["number"], recorded["pool"]) == (number, "ad-placement")
        assert recorded["tuple"] == {"website": "one & two", "location": "footer"}
        assert recorded["probability"] >= 0.9
        assert recorded["destination"] == DESTINATION
        assert recorded["answered_at"] <= recorded["ended_at"]
        calls.call(tmp_path, proxy, [(CALLER, "+18885550142")], scenario="refused")


def ended_call(client: httpx.Client) -> dict[str, Any] | None:
    """The one call, when it is over and attributed."""
    found = client.get("/v1/calls", headers=AUTH).json()["calls"]
    over = (call for call in found if call["state"] == "ended" and "probability" in call)
    return next(over, None)
