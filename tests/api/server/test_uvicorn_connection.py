"""What of uvicorn's internals this service relies on.

When one of these fails after an update, the message names what changed: adapt the module that it
names, then raise the bound on uvicorn in pyproject.toml. How these parts work together is tested
in ``test_http_protocol`` and ``test_workers``.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import pytest
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

CONNECTION = "api/server/uvicorn_connection.py"
WORKERS = "api/server/workers.py"


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def check(module: str, what: str, found: object, expected: object) -> None:
    assert found == expected, (
        f"uvicorn {version('uvicorn')} changed {what}, which {module} relies on: "
        f"it is {found}, and was {expected}"
    )


def missing(thing: object, names: Iterable[str]) -> list[str]:
    return [name for name in names if not hasattr(thing, name)]


async def app(_scope: Any, _receive: Any, _send: Any) -> None:
    """Nothing."""


def made_by_uvicorn() -> HttpToolsProtocol:
    """A connection of uvicorn's own, not ours."""
    config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None)
    config.load()
    return HttpToolsProtocol(config, ServerState(), {})


def test_a_cycle_is_made_of_the_same_parts() -> None:
    """They are given by place: another order would mix them up without an error."""
    expected = (
        "self scope transport flow logger access_logger access_log default_headers message_event "
        "expect_100_continue keep_alive on_response"
    )
    found = parameters(RequestResponseCycle.__init__)
    check(CONNECTION, "the parameters of RequestResponseCycle", found, expected.split())


async def test_a_cycle_has_the_attributes_that_are_set_and_read() -> None:
    """The state of a response, under these names."""
    parts: list[Any] = [{}, None, None, None, None, False, [], None, False, True, lambda: None]
    names = (
        "scope transport flow default_headers message_event on_response disconnected keep_alive "
        "waiting_for_100_continue more_body response_started response_complete"
    )
    absent = missing(RequestResponseCycle(*parts), names.split())
    check(CONNECTION, "the attributes of RequestResponseCycle", absent, [])


async def test_a_connection_has_the_attributes_that_are_set_and_read() -> None:
    """Parser, request, tasks and the server's state, under these names."""
    connection = made_by_uvicorn()
    names = (
        "app loop logger access_logger access_log parser server_state tasks timeout_keep_alive "
        "transport flow pipeline scope headers expect_100_continue cycle limit_concurrency"
    )
    check(CONNECTION, "the attributes of HttpToolsProtocol", missing(connection, names.split()), [])
    connection.on_message_begin()
    check(CONNECTION, "what a request begins with", (connection.url, connection.headers), (b"", []))
    state = missing(connection.server_state, ("default_headers", "total_requests"))
    check(CONNECTION, "the attributes of ServerState", state, [])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("connection_made", ["self", "transport"]),
        ("connection_lost", ["self", "exc"]),
        ("data_received", ["self", "data"]),
        ("eof_received", ["self"]),
        ("send_400_response", ["self", "msg"]),
        ("on_message_begin", ["self"]),
        ("on_header", ["self", "name", "value"]),
        ("on_headers_complete", ["self"]),
        ("on_body", ["self", "body"]),
        ("on_message_complete", ["self"]),
        ("on_response_complete", ["self"]),
        ("shutdown", ["self"]),
        ("_start_asgi_task", ["self", "cycle", "app"]),
        ("resume_writing", ["self"]),
    ],
)
def test_a_connections_methods_are_called_alike(name: str, expected: list[str]) -> None:
    """Each is overridden, or called for what isn't done here."""
    method = getattr(HttpToolsProtocol, name, None)
    found = parameters(method) if method else None
    check(CONNECTION, f"HttpToolsProtocol.{name}", found, expected)


def test_reading_is_paused_alike() -> None:
    """By the flow's methods, at which what comes is held back."""
    for name in ("pause_reading", "resume_reading"):
        check(CONNECTION, f"FlowControl.{name}", parameters(getattr(FlowControl, name)), ["self"])
    absent = missing(FlowControl(asyncio.Transport()), ("read_paused", "write_paused"))
    check(CONNECTION, "the attributes of FlowControl", absent, [])


async def test_a_scope_is_made_when_the_message_begins() -> None:
    """Method, path and query are all that is filled in when the head has come."""
    connection = made_by_uvicorn()
    connection.on_message_begin()
    expected = "asgi client headers http_version root_path scheme server state type"
    check(CONNECTION, "the scope", sorted(connection.scope), expected.split())


def test_a_server_runs_on_sockets_and_says_when_it_has_started() -> None:
    """What a worker process runs; the exit status of an app that doesn't start."""
    check(WORKERS, "Server.run", parameters(uvicorn.Server.run), ["self", "sockets"])
    server = uvicorn.Server(uvicorn.Config(app))
    check(WORKERS, "Server.started", server.started, False)
    check(WORKERS, "STARTUP_FAILURE", STARTUP_FAILURE, 3)
