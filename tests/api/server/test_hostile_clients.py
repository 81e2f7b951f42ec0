"""Clients that try to hold the service up: each abuse over real sockets, and who isn't one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvicorn
from structlog.testing import capture_logs

from api.server import http_protocol, paced_work, watch
from api.server.http_protocol import Protocol
from api.server.watch import watch_of
from tests.api.server.test_http_protocol import PATIENCE_SECONDS, Scope, get
from tests.api.server.test_http_protocol import app as small_app

MAX_CONNECTIONS = 20
LONG = b"x" * 300_000

READ_AT_ONCE = 256 * 1024
"""What uvloop reads at most before the connection may say that it wants no more."""


async def app(scope: Scope, receive: Any, send: Any) -> None:
    """``small_app``'s answers; /long is a long one, /hold comes when ``release`` is set, of /began
    the service is told."""
    if scope["path"] == "/began":
        scope["state"]["service"].began()
    if scope["path"] == "/hold":
        await scope["state"]["release"].wait()
    body = LONG if scope["path"] == "/long" else b"hello"
    if scope["path"] not in ("/long", "/hold"):
        await small_app(scope, receive, send)
        return
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Service:
    """A uvicorn in this loop. ``release``: lets requests of /hold be answered."""

    def __init__(self, server: uvicorn.Server, release: asyncio.Event) -> None:
        self.port: int = server.servers[0].sockets[0].getsockname()[1]
        self.release = release
        self.began: Callable[[], object] = lambda: None

    @property
    def connections(self) -> list[Protocol]:
        """The service's side of every connection."""
        found = watch_of(asyncio.get_running_loop()).connections
        return [each for each in found if isinstance(each, Protocol)]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def answer(self, request: bytes) -> bytes:
        """What comes back until the service closes the connection."""
        reader, writer = await self.connect()
        with contextlib.suppress(ConnectionError):
            writer.write(request)
        answer = await everything(reader)
        writer.close()
        return answer

    async def flood(self, data: bytes) -> socket.socket:
        """A client that sends as much of ``data`` as is taken, and never reads."""
        client = socket.create_connection(("127.0.0.1", self.port))
        client.setblocking(False)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        sent, idle = 0, 0
        while sent < len(data) and idle < 20:
            try:
                sent += client.send(data[sent:])
                idle = 0
            except BlockingIOError:
                idle += 1
            except ConnectionError:
                break
            await asyncio.sleep(0.001)
        return client


async def everything(reader: asyncio.StreamReader) -> bytes:
    """What comes until the other side closes, or resets."""
    answer = b""
    async with asyncio.timeout(PATIENCE_SECONDS):
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65536):
                answer += piece
    return answer


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    release = asyncio.Event()
    state: dict[str, Any] = {"release": release}

    async def with_state(scope: Scope, receive: Any, send: Any) -> None:
        await app({**scope, "state": state}, receive, send)

    config = uvicorn.Config(
        with_state,
        port=0,
        http=Protocol,
        lifespan="off",
        log_config=None,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    state["service"] = Service(server, release)
    yield state["service"]
    release.set()
    server.should_exit = True
    await running


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines that a test can wait for."""
    monkeypatch.setattr(watch, "TICK_SECONDS", 0.05)
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "READER_SECONDS"):
        monkeypatch.setattr(http_protocol, name, 0.5)
    monkeypatch.setattr(http_protocol, "LEAST_RATE", 1_000_000)


def post(path: str, *lines: str) -> bytes:
    return get(path, *lines, method="POST")


async def test_requests_sent_ahead_are_read_as_they_are_answered(service: Service) -> None:
    """However many a client sends without reading, few wait here; others are answered."""
    clients = [await service.flood(get("/long") * 20_000) for _ in range(4)]
    await until(lambda: len(service.connections) == len(clients))
    for connection in service.connections:
        assert len(connection.pipeline) <= http_protocol.PIECE_BYTES // len(get("/"))
        assert len(connection._unparsed) <= READ_AT_ONCE
        assert connection.transport.get_write_buffer_size() <= 2 * len(LONG)
    assert (await service.answer(get("/", "Connection: close"))).endswith(b"hello")
    for client in clients:
        client.close()


async def test_every_request_sent_ahead_is_answered_in_order(service: Service) -> None:
    """Wherever the pieces are cut; a client that reads late gets all of them."""
    count = 3000
    requests = b"".join(get(f"/echo?{place}") for place in range(count))
    reader, writer = await service.connect()
    writer.write(requests + get("/echo?last", "Connection: close"))
    writer.write_eof()
    answer = await everything(reader)
    found = [line.split()[2] for line in answer.split(b"\r\n\r\n")[1:] if line.startswith(b"GET")]
    assert found == [b"%d" % place for place in range(count)] + [b"last"]
    writer.close()


async def test_requests_sent_ahead_are_answered_a_few_a_turn(service: Service) -> None:
    """However many connections have some: in every turn others get their chance."""
    turn, begun = 0, Counter[int]()

    async def count_turns() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    service.began = lambda: begun.update([turn])
    counting = asyncio.create_task(count_turns())
    clients = [await service.connect() for _ in range(15)]
    for _, writer in clients:
        writer.write(get("/began") * 200 + get("/began", "Connection: close"))
    answers = await asyncio.gather(*(everything(reader) for reader, _ in clients))
    counting.cancel()
    assert [answer.count(b"HTTP/1.1 200") for answer in answers] == [201] * len(clients)
    crowded = sum(count for count in begun.values() if count > paced_work.AT_ONCE)
    assert crowded < 15 * 12  # the first of each that comes isn't ahead of anything
    for _, writer in clients:
        writer.close()


async def test_a_refusal_comes_after_the_whole_answer_before_it(service: Service) -> None:
    """Also when the client hasn't read that yet as the bytes come that are no request."""
    reader, writer = await service.connect()
    await until(lambda: bool(service.connections))
    (connection,), asked = service.connections, 0
    while not connection.transport.get_write_buffer_size():  # until the network holds no more
        writer.write(get("/long"))
        asked += 1
        await until(lambda: connection.server_state.total_requests == asked)  # noqa: B023
    writer.write(b"\x00\r\n\r\n")
    await until(connection.transport.is_closing)
    answer = await everything(reader)
    assert answer.count(b"HTTP/1.1 200") == asked
    assert answer.count(b"x") >= asked * len(LONG)
    assert answer.endswith(b"Invalid HTTP request.")
    writer.close()


@pytest.mark.usefixtures("hasty")
async def test_who_never_reads_is_cut_off(service: Service) -> None:
    """Also with the connection closed on our side, as the last response is unread still."""
    endings = ((), ("Connection: close",))
    clients = [await service.flood(get("/long", *lines) * 20) for lines in endings]
    await until(lambda: not service.connections)
    for client in clients:
        client.close()


async def test_who_reads_slowly_is_not_cut_off(
    service: Service, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long response may take longer than the deadline, at the least rate."""
    monkeypatch.setattr(http_protocol, "LEAST_RATE", len(LONG) // 20)
    monkeypatch.setattr(http_protocol, "READER_SECONDS", 0.0)
    client = socket.create_connection(("127.0.0.1", service.port))
    client.setblocking(False)
    client.send(get("/long") * 39 + get("/long", "Connection: close"))
    received, loop = 0, asyncio.get_running_loop()
    await until(lambda: bool(service.connections and service.connections[0].flow.write_paused))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while piece := await loop.sock_recv(client, 100_000):
            received += len(piece)
            await asyncio.sleep(0.02)
    assert received > 40 * len(LONG)
    client.close()


async def test_offers_of_another_protocol_sent_ahead_are_declined_one_by_one(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """Thousands of them, without a deeper stack for each."""
    offer = get("/echo?", "Connection: Upgrade", "Upgrade: h2c")
    answer = await service.answer(offer * 3000 + get("/echo?", "Connection: close"))
    assert answer.count(b"HTTP/1.1 200") == 3001
    assert not caplog.records


@pytest.mark.parametrize("target", ["host:80", "/path"])
async def test_connect_is_refused(service: Service, target: str) -> None:
    """There is nothing behind this service."""
    answer = await service.answer(get(target, method="CONNECT") * 3)
    assert answer.startswith(b"HTTP/1.1 ")
    assert b"Connection: close" in answer.title().replace(b"Close", b"close")


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("begun", "more"),
    [
        (post("/whole", "Content-Length: 10") + b"a", b""),
        (post("/whole", "Content-Length: 1000") + b"a", b"b"),
        (post("/whole", "Transfer-Encoding: chunked"), b"1\r\na\r\n"),
        (post("/whole", "Transfer-Encoding: chunked") + b"1", b""),
        (post("/whole", "Transfer-Encoding: chunked") + b"0\r\n", b"x: y\r\n"),
    ],
)
async def test_a_body_that_does_not_end_is_given_up(
    service: Service, begun: bytes, more: bytes
) -> None:
    """Without anything more, and with something now and then: chunks earn no new deadline."""
    reader, writer = await service.connect()
    writer.write(begun)
    answer = asyncio.create_task(everything(reader))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not answer.done():
            with contextlib.suppress(ConnectionError):
                writer.write(more)
            await asyncio.sleep(0.02)
    assert answer.result().startswith(b"HTTP/1.1 408")
    writer.close()


async def test_a_long_body_may_take_longer_than_the_deadline(
    service: Service, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the least rate."""
    monkeypatch.setattr(http_protocol, "LEAST_RATE", 10_000)
    reader, writer = await service.connect()
    writer.write(post("/whole", "Content-Length: 50000", "Connection: close"))
    for _ in range(50):
        writer.write(b"b" * 1000)
        await asyncio.sleep(0.03)
    assert b"50000 host" in await everything(reader)
    writer.close()


async def test_a_body_behind_its_answer_keeps_no_connection(service: Service) -> None:
    """However many chunks of it come."""
    reader, writer = await service.connect()
    writer.write(post("/", "Transfer-Encoding: chunked") + b"1\r\na\r\n")
    await until(lambda: len(service.connections) == 1)
    service.connections[0].timeout_keep_alive = 0.3  # type: ignore[assignment]
    answer = asyncio.create_task(everything(reader))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not answer.done():
            with contextlib.suppress(ConnectionError):
                writer.write(b"1\r\na\r\n")
            await asyncio.sleep(0.02)
    assert answer.result().count(b"HTTP/1.1 200") == 1
    writer.close()


@pytest.mark.parametrize(
    "begun", [b"", b"GET / HT", post("/whole", "Content-Length: 9") + b"a", get("/")]
)
async def test_new_clients_get_the_place_of_who_keeps_us_waiting(
    service: Service, begun: bytes
) -> None:
    """Connections without a request, with the beginning of one, or idle, as many as may be."""
    clients = [await service.connect() for _ in range(MAX_CONNECTIONS)]
    for _, writer in clients:
        writer.write(begun)
    await until(lambda: len(service.connections) == MAX_CONNECTIONS)
    for _ in range(3):
        assert (await service.answer(get("/", "Connection: close"))).endswith(b"hello")
    assert len(service.connections) <= MAX_CONNECTIONS
    for _, writer in clients:
        writer.close()


async def test_without_a_free_place_a_client_is_told_to_come_again(service: Service) -> None:
    """No request that is being answered is broken off for another."""
    clients = [await service.connect() for _ in range(MAX_CONNECTIONS)]
    for _, writer in clients:
        writer.write(get("/hold", "Connection: close"))
    await until(lambda: sum(each.responding for each in service.connections) == MAX_CONNECTIONS)
    answer = await service.answer(b"")
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 1\r\n" in answer
    service.release.set()
    for reader, writer in clients:
        assert (await everything(reader)).endswith(b"hello")
        writer.close()


async def test_bodies_under_way_have_a_bound_together(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that have been coming longest are given up for those that come now."""
    monkeypatch.setattr(watch, "MAX_INPUT_BYTES", 250_000)
    clients = []
    for count in range(1, 6):
        reader, writer = await service.connect()
        writer.write(post("/whole", "Content-Length: 70000") + b"b" * 60_000)
        clients.append((reader, writer))
        await until(lambda: _bytes_under_way() >= min(count, 4) * 60_000)  # noqa: B023
    first = await everything(clients[0][0])
    assert first.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 1\r\n" in first
    whole = post("/whole", "Content-Length: 100000", "Connection: close") + b"b" * 100_000
    assert b"100000 host" in await service.answer(whole)
    clients[-1][1].write(b"b" * 10_000)
    assert (await clients[-1][0].read(12)) == b"HTTP/1.1 200"
    for _, writer in clients:
        writer.close()
    await until(lambda: _bytes_under_way() == 0)


def _bytes_under_way() -> int:
    return watch_of(asyncio.get_running_loop())._input_bytes


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nx: y\r\nhost: b\r\n", b"400"),
        (b"GET http://a/ HTTP/1.1\r\n", b"400"),
        (b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n", b"400"),
        (b"GET / HTTP/1.0\r\n", b"200"),
        (b"GET / HTTP/1.1\r\nHost:\r\n", b"200"),
        (b"GET /\nHost: a\r\n", b"400"),
        (b"GET / HTTP/2.0\r\nHost: a\r\n", b"400"),
    ],
)
async def test_a_request_has_one_host_and_a_version_that_is_spoken_here(
    service: Service, head: bytes, status: bytes
) -> None:
    """HTTP/1.0 may do without."""
    assert (await service.answer(head + b"Connection: close\r\n\r\n"))[9:12] == status


async def test_malformed_requests_are_logged_together(
    service: Service, hasty: None, caplog: pytest.LogCaptureFixture
) -> None:
    """One line with their number, not one for each."""
    with capture_logs() as lines:
        for _ in range(300):
            assert (await service.answer(b"\x00\r\n\r\n")).startswith(b"HTTP/1.1 400")
        assert len(lines) <= 1
        watch_of(asyncio.get_running_loop())._next_line = 0.0
        await until(lambda: sum(line.get("malformed", 0) for line in lines) == 300)
    assert len(lines) <= 2
    assert not caplog.records


@pytest.mark.parametrize(
    "requests",
    [
        get("/slow"),
        get("/slow") + get("/slow") * 50,
        post("/whole", "Content-Length: 9") + b"a",
        get("/slow") + post("/whole", "Content-Length: 9") + b"a",
        get("/long") * 50,
        get("/parts") * 50,
    ],
)
async def test_a_client_that_is_gone_is_no_bug(
    service: Service, caplog: pytest.LogCaptureFixture, requests: bytes
) -> None:
    """What was being answered ends without an error in the log."""
    for _ in range(5):
        client = await service.flood(requests)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()  # with a reset
    assert (await service.answer(get("/slow", "Connection: close"))).endswith(b"hello")
    await until(lambda: not service.connections)
    await until(lambda: len(asyncio.all_tasks()) <= 3)  # the requests' have ended
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
