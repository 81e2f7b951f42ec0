"""A manager's long document holds nobody up, and the answer to a wrong one is short."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.http.refusals import MAX_FAULTS
from ringpool.faults import MAX_TEXT
from tests.api.conftest import ADMIN
from tests.api.service import PATIENCE_SECONDS, Service, service

AUTH = {"authorization": f"Bearer {ADMIN}"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with an account."""
    folder: Path = tmp_path_factory.mktemp("long-documents")
    with service(folder) as running:
        made = running.client.put("/admin/v1/accounts/acme", json={}, headers=AUTH)
        assert made.status_code == 201, made.text
        yield running


def put(running: Service, name: str, **more: Any) -> httpx.Response:
    document = {
        "account": "acme",
        "parameters": ["website"],
        "overflow_number": "+12125550999",
        **more,
    }
    return running.client.put(f"/admin/v1/pools/{name}", json=document, headers=AUTH)


@pytest.mark.parametrize(
    "wrong",
    [
        {"numbers": [0] * 500_000},
        {"numbers": ["x"] * 500_000},
        {"numbers": ["+12125550111"] * 100_000},
        {"when": {f"name{index}": 0 for index in range(100_000)}},
        {f"name{index}": 0 for index in range(100_000)},
        {f"{index}" * 2_000: 0 for index in range(300)},
        {"key": "k" * 2_000_000, "type": "t" * 1_000_000},
    ],
    ids=["zeros", "words", "one-number", "rules", "names", "long-names", "long-values"],
)
def test_the_refusal_of_a_long_document_is_short(running: Service, wrong: dict[str, Any]) -> None:
    """The first faults are told, and of each only as much as is needed."""
    refused = put(running, "wrong", **wrong)
    assert refused.status_code == 422
    faults = refused.json()["errors"]
    assert 1 <= len(faults) <= MAX_FAULTS
    if len(faults) == MAX_FAULTS:
        assert refused.json()["detail"].endswith("; and more")
    longest = 2 * (MAX_TEXT + 50)  # field and message, each once in the detail and once by itself
    assert len(refused.content) < 2 * longest * len(faults) + 1000


def test_others_are_answered_while_a_long_document_is_checked(running: Service) -> None:
    """Nobody waits for more than a small part of the time that it takes."""
    numbers = [f"+4420{7000_0000 + index}" for index in range(40_000)]
    took: list[float] = []

    def change() -> None:
        began = time.perf_counter()
        assert put(running, "long", numbers=numbers).status_code == 201
        took.append(time.perf_counter() - began)

    with httpx.Client(base_url=running.url, timeout=PATIENCE_SECONDS) as other:
        other.get("/livez")
        changing = threading.Thread(target=change)
        changing.start()
        waits = []
        while changing.is_alive():
            began = time.perf_counter()
            assert other.get("/livez").status_code == 200
            waits.append(time.perf_counter() - began)
            time.sleep(0.005)
        changing.join()
    assert took
    assert max(waits) < took[0] / 4


@pytest.mark.parametrize("token", ["", "Authorization: Bearer wrong-token-0123456789\r\n"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/admin/v1/accounts"),
        ("PUT", "/admin/v1/accounts/acme"),
        ("POST", "/admin/v1/pools"),
        ("PUT", "/admin/v1/pools/any"),
        ("PATCH", "/admin/v1/pools/any"),
        ("POST", "/admin/v1/pools/any/numbers"),
        ("DELETE", "/admin/v1/pools/any/numbers"),
        ("PUT", "/admin/v1/stocks/any"),
        ("POST", "/admin/v1/calls"),
    ],
)
def test_a_key_is_checked_before_a_body_is_read(
    running: Service, method: str, path: str, token: str
) -> None:
    """Without one nothing of the body need be sent."""
    url = httpx.URL(running.url)
    with socket.create_connection((url.host, url.port), timeout=PATIENCE_SECONDS) as client:
        head = f"{method} {path} HTTP/1.1\r\nHost: {url.host}\r\n{token}"
        head += "Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
        client.sendall(head.encode())
        assert client.recv(12) == b"HTTP/1.1 401"


def test_a_wrong_document_of_numbers_is_refused_shortly(running: Service) -> None:
    """Also where numbers are added to a pool."""
    assert put(running, "few", numbers=["+12125550123"]).status_code == 201
    body = json.dumps({"numbers": ["x"] * 10_000})
    headers = {**AUTH, "content-type": "application/json"}
    refused = running.client.post("/admin/v1/pools/few/numbers", content=body, headers=headers)
    assert refused.status_code == 422
    assert len(refused.json()["errors"]) <= MAX_FAULTS
