"""What a key may do: every route of the service, with a key of each scope."""

from __future__ import annotations

from itertools import product

import httpx
import pytest

from api.app import routes
from api.http.description import Operation
from api.http.endpoint import Endpoint
from ringpool.model import Scope
from ringpool.security.api_keys import hash_of
from tests.api.conftest import ADMIN

READ, CALLS, ALLOCATE, MANAGE = Scope
ACCOUNT = "scoped"
TEXTS = {scope: f"key-of-scope-{scope.value}" for scope in Scope}

BY_SCOPES = {
    (READ, MANAGE): "get_account get_pool get_stock get_pool_status get_pool_refusals "
    "get_pool_series get_pool_size list_accounts list_pools list_stocks list_pool_numbers "
    "list_stock_numbers get_stock_status list_keys explain get_size "
    "list_changes get_change list_calls list_admin_calls get_call get_admin_call "
    "report_transactions report_parameter report_keyword report_publisher report_campaign "
    "report_hour",
    (READ, MANAGE, CALLS): "get_number",
    (CALLS,): "record_call tell_call tell_outcome tell_admin_outcome route_call",
    (ALLOCATE,): "swap ping ping_beacon release release_beacon",
    (MANAGE,): "create_account put_account patch_account delete_account create_pool put_pool "
    "patch_pool delete_pool create_stock put_stock patch_stock delete_stock add_pool_numbers "
    "remove_pool_numbers make_key revoke_key rotate_key rotate_pool_key "
    "undo_change",
}
"""The operations that a key of any of these scopes may ask for: written here once more, so that
none changes unseen."""

ALLOWED = {name: scopes for scopes, names in BY_SCOPES.items() for name in names.split()}


def guarded() -> list[tuple[str, Operation]]:
    """Path and operation of everything in the service that takes an account's key."""
    return [
        (route.path, operation)
        for route in routes()
        if isinstance(route.endpoint, Endpoint)
        for operation in route.endpoint.operations
        # Not those for a pool's key, or for the operator's tokens.
        if "Bearer" in operation.security and not route.path.startswith(("/api/", "/metrics"))
    ]


def test_every_route_of_the_managers_says_what_it_needs() -> None:
    """Each method that is answered, HEAD too: a new one has its scopes, and is in the table."""
    for route in routes():
        endpoint = route.endpoint
        if route.path.startswith("/admin/"):
            assert isinstance(endpoint, Endpoint)
            assert set(endpoint.scopes) == set(endpoint._allowed), route.path
    assert {operation.id for _, operation in guarded()} == set(ALLOWED)


@pytest.mark.parametrize(("path", "operation"), guarded(), ids=lambda each: getattr(each, "id", ""))
async def test_a_key_does_what_its_scope_says_and_no_more(
    path: str, operation: Operation, client: httpx.AsyncClient
) -> None:
    """Each scope alone; what is refused names a scope that would do, and says so in JSON."""
    keys = [
        {"name": scope.value, "hash": hash_of(text), "scopes": [scope.value]}
        for scope, text in TEXTS.items()
    ]
    admin = {"authorization": f"Bearer {ADMIN}"}
    account = {"id": ACCOUNT, "api_keys": keys}
    made = await client.post("/admin/v1/accounts", json=account, headers=admin)
    assert made.status_code in (201, 409), made.text
    names = {"{id}": "none-of-these", "{name}": "none", "{number}": "+18885559999"}
    for name, value in names.items():
        path = path.replace(name, value)
    methods = ["GET", "HEAD"] if operation.method == "GET" else [operation.method]
    for method, (scope, text) in product(methods, TEXTS.items()):
        answer = await client.request(
            method, path, headers={"authorization": f"Bearer {text}", "content-type": "text/x"}
        )
        if scope in ALLOWED[operation.id]:
            assert "MissingScope" not in answer.text, (scope, answer.text)
            assert answer.status_code != 401
            continue
        assert answer.status_code == 403
        if method != "HEAD":
            assert "MissingScope" in answer.text
            assert "this key lacks the scope " in answer.text
            assert text not in answer.text


async def test_a_key_that_may_only_read_sees_no_keys(client: httpx.AsyncClient) -> None:
    """With a pool's it could take numbers; who may allocate or manage sees it. API keys' hashes
    are for who may manage.
    """
    admin = {"authorization": f"Bearer {ADMIN}"}
    allocator = ["read", "allocate"]
    keys = [
        {"name": "r", "hash": hash_of("a-reader-of-shown-keys"), "scopes": ["read"]},
        {"name": "a", "hash": hash_of("an-allocator-of-shown-keys"), "scopes": allocator},
    ]
    account = {"id": "shown-keys", "api_keys": keys}
    await client.post("/admin/v1/accounts", json=account, headers=admin)
    pool = {"id": "shown-keys", "account": "shown-keys", "parameters": ["a"]}
    await client.post("/admin/v1/pools", json={**pool, "allow_overflow": False}, headers=admin)
    for token, seen in (("a-reader-of-shown-keys", False), ("an-allocator-of-shown-keys", True)):
        auth = {"authorization": f"Bearer {token}"}
        one = (await client.get("/admin/v1/pools/shown-keys", headers=auth)).json()
        listed = (await client.get("/admin/v1/pools", headers=auth)).json()["pools"][0]
        assert ("key" in one, "key" in listed) == (seen, seen)
        owner = await client.get("/admin/v1/accounts/shown-keys", headers=auth)
        assert "sha256:" not in owner.text
