"""The examples of /openapi.json, sent to a running service that has what they name."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.conftest import ADMIN, KEY
from tests.api.openapi.configuration import (
    BUSY_KEY,
    CALLS_KEY,
    CARRIER_LOGIN,
    NUMBER,
    POWERLESS_KEY,
    SERVER_KEY,
    Telnyx,
    bearer,
    body_of,
    configure,
)
from tests.api.openapi.document import OPERATIONS, check_schema, media_of
from tests.api.service import service
from tests.ringpool.archive.told import event, tell_in

NUMBERS = [f"+188855501{place:02}" for place in range(1, 10)]
MORE_NUMBERS = ["+18885550110", "+18885550111"]
"""Of the examples' pool, and what the change adds that they tell of."""

SPARE = "+18885550160"
"""Of no pool or stock of the examples."""

NOBODYS_KEY = "nobodys-key-0123456789abcdef"

FREE_FORM = ("tuple", "first_click", "last_click", "visit")
"""Fields whose names are the pool's and the visit's own."""

OF_THE_PAST = ("after", "at", "since", "from", "started_at")
"""Examples that name what this service can't have had: another page, a time before it started."""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("service")
    with service(folder) as running:
        told = {"account": "newspress", "pool": "ad-placement", "number": NUMBER}
        events = [
            event("call-1", "started", caller_hash="c" * 32, **told),
            event("call-1", "answered", 9, **told),
            event("call-1", "ended", 104, **told),
        ]
        asyncio.run(tell_in(folder, *events))
        yield running.client


@pytest.fixture
def client(started: httpx.Client) -> httpx.Client:
    """A client of a service that has everything as the examples have it."""
    configure(started)
    return started


def request_of(name: str) -> dict[str, Any]:
    """An operation's example, as arguments of httpx' ``request``."""
    path, method, operation = OPERATIONS[name]
    query: dict[str, Any] = {}
    for each in operation.get("parameters", ()):
        if each["in"] == "path":
            path = path.replace(f"{{{each['name']}}}", str(each["example"]))
        elif each["in"] == "header":
            continue  # of another moment's version
        elif isinstance(each["example"], dict):  # each of its fields is a parameter
            query |= each["example"]
        elif each["name"] not in OF_THE_PAST and not re.match(r"param\d", each["name"]):
            query[each["name"]] = each["example"]
    request: dict[str, Any] = {"method": method, "url": path, "params": query, "headers": {}}
    if "requestBody" in operation:
        text = json.dumps(body_of(name)).replace("ring_pool_key=KEY", f"ring_pool_key={KEY}")
        request["json"] = {
            field: value for field, value in json.loads(text).items() if field not in OF_THE_PAST
        }
    match operation.get("security"):
        case [{"RingPoolKey": _}, _]:
            request["headers"] = bearer(KEY)
        case [{"Bearer": _}, *_]:
            request["headers"] = bearer(ADMIN)
        case [{"CarrierLogin": _}, *_]:
            request["headers"] = {"authorization": httpx.BasicAuth(*CARRIER_LOGIN)._auth_header}
        case [{"CarrierSignature": _}]:
            request["data"] = request.pop("json")
            request["auth"] = Telnyx()
        case [{}, {"Bearer": _}] if operation["tags"] == ["pages"]:
            request["headers"] = bearer(SERVER_KEY)
    return request


def check_fields(example: Any, answer: Any, where: str = "") -> None:
    """Fail unless the answer has the example's fields, and something like each item of its lists.

    Values are as the service has them, of the example's type.
    """
    assert type(answer) is type(example), where
    if isinstance(example, dict):
        for field, value in example.items():
            assert field in answer, f"{where}.{field}"
            if field not in FREE_FORM:
                check_fields(value, answer[field], f"{where}.{field}")
    elif isinstance(example, list):
        for item in example:
            failures = []
            for found in answer:
                try:
                    check_fields(item, found, f"{where}[]")
                    break
                except AssertionError as error:
                    failures.append(str(error))
            else:
                pytest.fail(f"{where} has no {item}: {failures}")


def make_change(client: httpx.Client, request: dict[str, Any], token: str, **fields: Any) -> None:
    """Change the examples' pool, and make the request one that is about this change."""
    pool = "/admin/v1/pools/ad-placement"
    client.patch(pool, json=fields, headers=bearer(token)).raise_for_status()
    (change,) = client.get("/admin/v1/changes?limit=1", headers=bearer(ADMIN)).json()["changes"]
    request["url"] = request["url"].replace("/12", f"/{change['revision']}")


def exhaust_a_pool(client: httpx.Client, request: dict[str, Any]) -> None:
    """Make a pool of one number that has refused two visits, and the request one for it."""
    pool = f"/admin/v1/pools/spare-{uuid4()}"
    wanted = {"account": "partner-9", "key": KEY, "parameters": ["website"], "numbers": [SPARE]}
    made = client.put(pool, json={**wanted, "allow_overflow": False}, headers=bearer(ADMIN))
    made.raise_for_status()
    suffix = f"{pool.rpartition('/')[2]}/allocate_number.json?ring_pool_key={KEY}&website="
    rows = [{"api_suffix": f"{suffix}{website}"} for website in ("one", "two", "three")]
    client.post("/api/v1/bulk.json", json={"requests": rows}).raise_for_status()
    request["url"] = f"{pool}/refusals"


def prepare(client: httpx.Client, name: str, request: dict[str, Any]) -> None:
    """Do what must have happened before, and make the request one for an entity of its own."""
    if name.startswith(("create_", "delete_")):
        verb, kind = name.split("_")
        entity = {**body_of(f"create_{kind}"), "id": f"spare-{uuid4()}"}
        if kind != "account":
            entity["account"] = "partner-9"
        if verb == "create":
            request["json"] = entity
        else:
            made = client.post(f"/admin/v1/{kind}s", json=entity, headers=bearer(ADMIN))
            assert made.status_code == 201, made.text
            request["url"] = made.headers["location"]
    if name.startswith("put_"):
        request["headers"]["if-match"] = "*"
    if name in ("list_changes", "get_change", "undo_change"):
        make_change(client, request, SERVER_KEY, max_size=250, numbers=[*NUMBERS, *MORE_NUMBERS])
    if name == "get_pool_refusals":
        exhaust_a_pool(client, request)
    if name in ("get_number", "list_pool_numbers", "record_call", "route_call"):
        allocated = client.request(**request_of("allocate_number_json")).json()
        assert allocated["state"] in ("new", "held")
        call = {"id": "call-0", "number": allocated["number"]}
        client.post("/admin/v1/calls", json=call, headers=bearer(ADMIN)).raise_for_status()
        if name == "record_call":
            request["json"]["number"] = allocated["number"]
        elif name == "route_call":
            request["params"]["number"] = allocated["number"]
        else:
            request["url"] = request["url"].replace(NUMBER, allocated["number"])


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_example_is_answered_like_its_example(name: str, client: httpx.Client) -> None:
    """What is sent is accepted; what comes is what the schema says, with the example's fields."""
    request = request_of(name)
    prepare(client, name, request)
    answer = client.request(**request)
    assert answer.status_code < 400, answer.text
    described = OPERATIONS[name].operation["responses"][str(answer.status_code)]
    if "content" not in described:
        assert not answer.content
        return
    kind = answer.headers["content-type"].partition(";")[0]
    media = described["content"][kind]
    if kind == "application/json":
        check_schema(media["schema"], answer.json())
        check_fields(media["example"], answer.json())
    elif kind == "application/xml":
        elements = re.findall(r"<\w+", media["example"])
        assert elements == re.findall(r"<\w+", answer.text)
    elif kind == "text/csv":
        assert answer.text.splitlines()[0] == media["example"].splitlines()[0]


WRONG_QUERIES = {
    "limit": "0",
    "at": "yesterday",
    "from": "yesterday",
    "country": "USA",
    "dry_run": "perhaps",
    "mobile_click_to_call": "perhaps",
    "visitor": "?",
    "rp_number": "",
    "number": "",
    "text": "x" * 501,
    "clicks": "many",
}
WRONG_FIELDS = {
    "put_account": {"name": 1},
    "put_pool": {"min_duration": "0s"},
    "put_stock": {"quarantine": "soon"},
    "add_pool_numbers": {"numbers": []},
    "record_call": {"duration_seconds": -1},
    "receive_carrier_events": {"variables": {}},
    "tell_outcome": {"amount": "a lot"},
    "make_key": {"scopes": ["admin"]},
    "rotate_key": {"overlap": "soon"},
}
OTHER_FIELDS = {"put_stock": {"quarantine": "31d"}, "put_account": {"name": "Another"}}
"""What makes an example one that replaces something with something else."""

MISSING = {
    "ad-placement": "nowhere",
    "newspress": "nowhere",
    "us-toll-free": "nowhere",
    NUMBER: "+18885550199",
    "call-1": "call-9",
}
"""What the examples name, and what isn't there."""


def spoil(name: str, status: int, request: dict[str, Any], text: str) -> None:
    """Make the request one that is refused with this status, for the reason in ``text``."""
    headers, query = request["headers"], request["params"]
    body = request.get("json")
    match status:
        case 400 if isinstance(body, dict) and "requests" in body:
            body["requests"] = []
        case 400 if "If-" in text:
            headers["if-none-match" if "If-None-Match" in text else "if-match"] = "no tag"
        case 400 if "not JSON" in text:
            request["content"] = b"<document>"
            query.clear()
        case 400:
            (field,) = (field for field in WRONG_QUERIES if re.search(rf"\b{field}: ", text))
            query[field] = WRONG_QUERIES[field]
        case 401:
            headers |= bearer(NOBODYS_KEY)
        case 403 if "origin" in text:
            headers.clear()
            headers["origin"] = "https://elsewhere.example"
        case 403 if "lacks the scope" in text:
            headers |= bearer(CALLS_KEY if "scope calls" not in text else POWERLESS_KEY)
            if "read or calls" in text:
                headers |= bearer(POWERLESS_KEY)
        case 403 if "not signed" in text:
            request.pop("auth", None)
            headers |= bearer(SERVER_KEY)
        case 403:
            headers |= bearer(SERVER_KEY)
            if name == "patch_account":  # what it has already it may set, and its notify
                request["json"] = {"name": "Another"}
            if body is not None and "alone" in text:
                body["account"] = "partner-9"
        case 404 if "begin with" in text:
            request["url"] = request["url"].replace("2014-01-01", "2014")
        case 404 if "present version" in text:
            request["url"] = request["url"].replace("/dni/", "/dni/0.0.")
        case 404 if name.startswith("put_"):  # another account's, which it doesn't see
            headers |= bearer(SERVER_KEY)
            request["url"] = re.sub(r"[^/]+$", "partner-9", request["url"])
            request["json"].pop("id")
        case 404:
            if OPERATIONS[name].operation["tags"] == ["pages"]:
                headers.clear()
            for known, missing in MISSING.items():
                request["url"] = request["url"].replace(known, missing)
                for values in (query, body or {}):
                    if values.get("account", values.get("number")) == known:
                        values["account" if "account" in values else "number"] = missing
        case 409 if name == "make_key":
            request["json"] = {**(body or {}), "name": "reports"}
        case 412:
            headers["if-match"] = '"another"'
        case 428:
            request["json"] = {**(body or {}), **OTHER_FIELDS.get(name, {})}
        case 429:
            headers |= bearer(BUSY_KEY)
            query.pop("account", None)
        case 413:
            (limit,) = re.findall(r"most ([\d,]+) bytes", text)
            request["content"] = b" " * (int(limit.replace(",", "")) + 1)
            query.clear()
        case 415:
            request["content"] = b"?"
            headers["content-type"] = "application/octet-stream"
            query.clear()
        case 422:
            field = text.partition('"detail": "')[2].partition(":")[0].partition("[")[0]
            values = next(each for each in WRONG_FIELDS.values() if field in each)
            request["json"] = {**(body or {}), **values}
            if name.startswith("create_"):
                request["json"]["id"] = "nowhere"
            query.clear()
    if "content" in request:
        request.pop("json", None)
        request.pop("data", None)
        headers.setdefault("content-type", "application/json")


def prevent_undo(client: httpx.Client, status: int, request: dict[str, Any]) -> None:
    """Make a change that isn't undone with this status."""
    pools, moved, admin = "/admin/v1/pools", "+18885550155", bearer(ADMIN)
    match status:
        case 403:
            make_change(client, request, ADMIN, name=f"{uuid4()}")
        case 404:
            request["url"] = request["url"].replace("/12", "/999999")
        case 409:
            make_change(client, request, ADMIN, max_size=250)
            client.patch(f"{pools}/ad-placement", json={"max_size": 249}, headers=admin)
        case 422:
            theirs = f"{pools}/partner-9/numbers"
            client.request("DELETE", theirs, json={"numbers": [moved]}, headers=admin)
            make_change(client, request, ADMIN, numbers=[*NUMBERS, moved])
            request["url"] = OPERATIONS["undo_change"].path.replace("{revision}", "12")
            make_change(client, request, ADMIN, numbers=NUMBERS)
            client.post(theirs, json={"numbers": [moved]}, headers=admin).raise_for_status()


REFUSALS = [
    (name, int(status))
    for name, described in OPERATIONS.items()
    for status in described.operation["responses"]
    if status.startswith("4")
]


@pytest.mark.parametrize(("name", "status"), REFUSALS)
def test_a_refusal_reads_as_its_example(name: str, status: int, client: httpx.Client) -> None:
    """Class, message and form: what a client is told to expect is what comes, word for word."""
    example = media_of(OPERATIONS[name].operation["responses"][str(status)])["example"]
    text = json.dumps(example)
    request = request_of(name)
    if name in ("get_change", "undo_change"):
        prevent_undo(client, status, request)
    if name != "undo_change" or status not in (404, 409, 422):
        spoil(name, status, request, text)
    if "StillWorks" in text:
        client.request(**request).raise_for_status()
    answer = client.request(**request)
    if status == 429:  # that was the account's only request, if no test had made it
        answer = client.request(**request)
    assert answer.status_code == status, answer.text
    expected = text
    if status == 404:
        for known, missing in MISSING.items():
            expected = expected.replace(known, "partner-9" if "put_" in name else missing)
        expected = expected.replace("no change 12", "no change 999999")
    told = answer.text if isinstance(example, str) else answer.json()
    assert told == json.loads(expected)
