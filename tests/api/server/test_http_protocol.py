"""HTTP on the wire, spoken to over a plain socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from api.server import http_protocol
from api.server.http_protocol import Protocol
from api.server.uvicorn_connection import LARGE_BYTES

Scope = dict[str, Any]

PATIENCE_SECONDS = 30.0
"""Less than ``timeout_keep_alive`` below."""


async def app(scope: Scope, receive: Any, send: Any) -> None:
    """Answer as the path asks; /echo and /whole describe what arrived."""
    headers: list[tuple[bytes, bytes]] = [(b"x-one", b"1")]
    body = b"hello"
    match scope["path"]:
        case "/echo":
            body = scope["method"].encode() + b" " + scope["raw_path"] + b" "
            body += scope["query_string"] + b" " + (await receive())["body"]
        case "/parts":
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"one,", "more_body": True})
            await send({"type": "http.response.body", "body": b"two"})
            return
        case "/whole":
            length, more = 0, True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                length, more = length + len(message["body"]), message["more_body"]
            body = b"%d " % length + b" ".join(name for name, _ in scope["headers"])
        case "/unmeasured":
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        case "/injected":
            headers.append((b"x-bad", b"a\r\nx-more: b"))
        case "/broken":
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            raise RuntimeError("after the start")
        case "/short":
            headers.append((b"content-length", b"9"))
        case "/large":
            body = bytes(2 * LARGE_BYTES)
        case "/slow":
            await asyncio.sleep(0.05)
        case "/slower":
            await asyncio.sleep(2 * http_protocol.HEAD_SECONDS)
        case "/empty":
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
    if scope["path"] != "/short":
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A uvicorn in this loop, its logs silent."""
    config = uvicorn.Config(
        app,
        port=0,
        http=Protocol,
        lifespan="off",
        log_config=None,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,  # a connection that a test left open delays no other
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


async def exchange(port: int, request: bytes, ending: bytes = b"") -> bytes:
    """Send a request; returns what comes back until ``ending``, else until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = b""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while piece := await reader.read(65536):
            answer += piece
            if ending and answer.endswith(ending):
                break
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return answer


def get(path: str, *lines: str, method: str = "GET", version: str = "1.1") -> bytes:
    head = [f"{method} {path} HTTP/{version}", "Host: test", *lines]
    return "\r\n".join([*head, "", ""]).encode()


async def test_a_plain_answer_is_whole(port: int) -> None:
    """Status, headers, length and body, and the connection stays."""
    answer = await exchange(port, get("/a") + get("/b"), b"hellohello"[:5])
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"x-one: 1\r\ncontent-length: 5\r\n\r\nhello" in answer
    assert b"connection: close" not in answer


async def test_path_and_query_arrive_as_sent(port: int) -> None:
    """Escapes stay in the raw path; everything after the first question mark is the query."""
    answer = await exchange(port, get("/echo?a=%20b?c", "Connection: close"))
    assert answer.endswith(b"GET /echo a=%20b?c ")


async def test_unusual_targets_are_understood(port: int) -> None:
    """An absolute URL and a fragment are read as uvicorn reads them."""
    for target in ("http://test/echo?a=1", "/echo?a=1#part"):
        answer = await exchange(port, get(target, "Connection: close"))
        assert answer.endswith(b"GET /echo a=1 "), target


async def test_requests_sent_ahead_are_answered_in_order(port: int) -> None:
    """The second waits for the first, which takes its time."""
    requests = get("/slow") + get("/echo?second", "Connection: close")
    answer = await exchange(port, requests)
    assert answer.index(b"hello") < answer.index(b"GET /echo second")


class Wire(asyncio.Transport):
    """What a connection has written, call by call."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 80), "peername": ("127.0.0.1", 4000)})
        self.written: list[bytes] = []
        self.closed = False
        self.reading = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


def connected() -> tuple[Protocol, Wire]:
    """A connection without a socket."""
    config = uvicorn.Config(app, http=Protocol, lifespan="off", log_config=None)
    config.load()
    protocol, wire = Protocol(config, ServerState(), {}), Wire()
    protocol.connection_made(wire)
    return protocol, wire


async def test_answers_of_a_turn_go_out_together() -> None:
    """Nothing is written while others that came at the same time are being answered."""
    connections = [connected() for _ in range(3)]
    for protocol, _ in connections:
        protocol.data_received(get("/"))
    await asyncio.sleep(0)  # the three are answered, one after another
    assert [wire.written for _, wire in connections] == [[], [], []]
    await asyncio.sleep(0)
    for _, wire in connections:
        assert [answer[:15] for answer in wire.written] == [b"HTTP/1.1 200 OK"]


async def test_a_response_to_a_closed_connection_is_dropped() -> None:
    """Those to its neighbours are not."""
    connections = [connected() for _ in range(3)]
    for protocol, _ in connections:
        protocol.data_received(get("/"))
    await asyncio.sleep(0)
    connections[1][1].close()
    await asyncio.sleep(0)
    assert [len(wire.written) for _, wire in connections] == [1, 0, 1]


async def test_large_responses_go_out_one_a_turn() -> None:
    """Short ones of others don't wait for them."""
    large = [connected() for _ in range(5)]
    for protocol, _ in large:
        protocol.data_received(get("/large"))
    short, wire = connected()
    short.data_received(get("/"))
    turns = [0]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while turns[-1] < len(large):
            await asyncio.sleep(0)
            turns.append(sum(1 for _, each in large if each.written))
            assert turns[-1] <= turns[-2] + 1
            assert wire.written or not turns[-1]


async def test_of_large_bodies_one_part_a_turn_is_read() -> None:
    """Clients whose bodies come all at once leave turns for others."""
    connections = [connected() for _ in range(5)]
    head = get("/whole", f"Content-Length: {9 * LARGE_BYTES}", method="POST")
    for protocol, _ in connections:
        protocol.data_received(head + bytes(2 * LARGE_BYTES))
    turns = [0]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while turns[-1] < len(connections):
            await asyncio.sleep(0)
            turns.append(sum(1 for _, wire in connections if wire.reading))
            assert turns[-1] <= turns[-2] + 1


async def test_an_answer_goes_before_the_refusal_of_what_follows() -> None:
    """The 400 for rubbish behind a request doesn't overtake that request's answer."""
    protocol, wire = connected()
    protocol.data_received(get("/"))
    await asyncio.sleep(0)
    protocol.data_received(b"\x00rubbish\r\n\r\n")
    assert [answer[:12] for answer in wire.written] == [b"HTTP/1.1 200", b"HTTP/1.1 400"]
    assert wire.closed


@pytest.mark.parametrize(
    "behind",
    [
        b"",
        b"GET / HT",
        b"\x00rubbish\r\n\r\n",
        get("/whole", "Content-Length: 9", method="POST") + b"part",
        get("/whole", "Transfer-Encoding: chunked", method="POST") + b"rubbish",
    ],
)
async def test_whole_requests_are_answered_whatever_comes_behind_them(
    port: int, behind: bytes
) -> None:
    """The end of what is sent, or what is no request, ends the connection after their answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(get("/slow") + get("/echo?second") + behind)
    writer.write_eof()
    async with asyncio.timeout(PATIENCE_SECONDS):
        answer = await reader.read()
    assert answer.count(b"HTTP/1.1 200") == answer.count(b"HTTP/") == 2
    assert answer.index(b"hello") < answer.index(b"GET /echo second")
    writer.close()


async def test_a_response_is_written_before_the_connection_closes() -> None:
    """What was answered in the turn in which the client's stream ends still goes out."""
    protocol, wire = connected()
    protocol.data_received(get("/"))
    await asyncio.sleep(0)
    assert not protocol.eof_received()
    assert [answer[:12] for answer in wire.written] == [b"HTTP/1.1 200"]


async def test_a_body_that_will_not_come_whole_is_not_waited_for(port: int) -> None:
    """The connection closes when its client's stream ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(get("/whole", "Content-Length: 9", method="POST") + b"part")
    writer.write_eof()
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await reader.read() == b""
    writer.close()


async def test_a_body_that_nobody_reads_keeps_no_connection() -> None:
    """A request that was answered before its body came leaves an idle connection, which ends."""
    protocol, wire = connected()
    protocol.timeout_keep_alive = 0.01  # type: ignore[assignment]
    protocol.data_received(get("/", "Content-Length: 9") + b"part")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not wire.closed:
            await asyncio.sleep(0.001)
    assert [answer[:12] for answer in wire.written] == [b"HTTP/1.1 200"]


@pytest.mark.parametrize("body", [b"abc", b"3\r\nabc\r\n0\r\n\r\n"])
async def test_an_offer_to_go_on_in_another_protocol_is_declined(port: int, body: bytes) -> None:
    """The request is read as if there were none, its body and what follows included."""
    length = "Content-Length: 3" if len(body) == 3 else "Transfer-Encoding: chunked"
    offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAM", length)
    following = get("/echo?second", "Connection: close")
    answer = await exchange(port, get("/echo?", *offer, method="POST") + body + following)
    assert answer.count(b"HTTP/1.1 200") == 2
    assert answer.index(b"POST /echo  abc") < answer.index(b"GET /echo second")


async def test_trailers_are_no_headers(port: int) -> None:
    """Fields behind a body aren't read as if they stood before it."""
    head = get("/whole", "Transfer-Encoding: chunked", "Connection: close", method="POST")
    answer = await exchange(port, head + b"1\r\na\r\n0\r\nx-forwarded-for: 1.2.3.4\r\n\r\n")
    assert answer.endswith(b"1 host transfer-encoding connection")


async def test_trailers_without_end_are_refused() -> None:
    """They may be as long as a head."""
    protocol, wire = connected()
    protocol.data_received(get("/whole", "Transfer-Encoding: chunked", method="POST") + b"0\r\n")
    protocol.data_received(b"x-a: b\r\n" * (http_protocol.MAX_HEAD_BYTES // 8 + 1))
    assert [answer[:12] for answer in wire.written] == [b"HTTP/1.1 400"]
    assert wire.closed
    protocol.connection_lost(None)
    await asyncio.sleep(0)


async def test_chunks_are_no_part_of_the_head(port: int) -> None:
    """A long body in chunks is read, wherever the pieces that arrive are cut."""
    head = get("/whole", "Transfer-Encoding: chunked", "Connection: close", method="POST")
    chunk = b"%x\r\n%b\r\n" % (50_000, b"b" * 50_000)
    answer = await exchange(port, head + chunk * 20 + b"0\r\n\r\n")
    assert answer.endswith(b"1000000 host transfer-encoding connection")


async def test_a_body_arrives(port: int) -> None:
    """With a length, after 100 Continue, or in chunks."""
    plain = get("/echo?", "Content-Length: 3", "Connection: close", method="POST") + b"abc"
    assert (await exchange(port, plain)).endswith(b"abc")
    expecting = get(
        "/echo?", "Content-Length: 3", "Expect: 100-continue", "Connection: close", method="POST"
    )
    answer = await exchange(port, expecting + b"abc")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"abc")


@pytest.mark.parametrize(
    ("request_", "fits"),
    [
        (get("/a", "Connection: close"), b"connection: close\r\n\r\nhello"),
        (get("/a", version="1.0"), b"connection: close\r\n\r\nhello"),
        (get("/a", "Connection: close", method="HEAD"), b"content-length: 5\r\nconnection: close"),
        (get("/parts", "Connection: close"), b"4\r\none,\r\n3\r\ntwo\r\n0\r\n\r\n"),
    ],
)
async def test_exchanges_that_are_not_plain(port: int, request_: bytes, fits: bytes) -> None:
    """Closing, HTTP/1.0, HEAD and answers in parts are framed as they must be."""
    assert fits in await exchange(port, request_)


async def test_a_response_without_a_length_goes_in_chunks(port: int) -> None:
    """All but 204, which has no body."""
    answer = await exchange(port, get("/unmeasured"), b"0\r\n\r\n")
    assert b"transfer-encoding: chunked" in answer
    answer = await exchange(port, get("/empty"), b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 204")
    assert b"chunked" not in answer


@pytest.mark.parametrize("path", ["/injected", "/broken"])
async def test_an_answer_that_is_wrong_never_passes_for_right(port: int, path: str) -> None:
    """A header that would make two, or an app that breaks: no 200, no body."""
    answer = await exchange(port, get(path))
    assert b"x-more" not in answer
    assert b"hello" not in answer
    assert b"200 OK" not in answer


async def test_a_wrong_length_ends_the_connection(port: int) -> None:
    """The client sees that something is missing."""
    assert (await exchange(port, get("/short"))).endswith(b"content-length: 9\r\n\r\nhello")


async def test_heads_without_end_are_refused(port: int) -> None:
    """More than MAX_HEAD_BYTES bytes of headers are answered 400 and the connection closed."""
    endless = b"GET / HTTP/1.1\r\n" + b"x-a: " + b"a" * 200_000
    assert (await exchange(port, endless)).startswith(b"HTTP/1.1 400")


async def test_a_body_is_no_part_of_the_head(port: int) -> None:
    """A long body that arrives together with its head is read, and so is what follows it."""
    length = 2 * http_protocol.MAX_HEAD_BYTES
    head = b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % length
    following = b"GET /plain HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    answer = await exchange(port, head + b"b" * length + following)
    assert answer.count(b"HTTP/1.1 200") == 2


@pytest.mark.parametrize(
    ("before", "begun", "answer"),
    [
        (b"", b"", b""),
        (b"", b"GET / HTTP/1.1\r\nhost:", b"HTTP/1.1 400"),
        (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"GET / HTTP/1.1\r\nhost:", b"HTTP/1.1 400"),
    ],
)
async def test_a_head_that_does_not_end_is_given_up(
    port: int, monkeypatch: pytest.MonkeyPatch, before: bytes, begun: bytes, answer: bytes
) -> None:
    """On a new connection or a kept one: a client that sends slowly holds it for so long."""
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 1.0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(PATIENCE_SECONDS):
        if before:
            writer.write(before)
            await reader.readuntil(b"hello")
        if begun:
            writer.write(begun)
        assert (await reader.read())[: len(answer)] == answer
    writer.close()


async def test_an_answer_may_take_longer_than_a_head(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the head is there, its time limit is off."""
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.5)
    assert b"hello" in await exchange(port, b"GET /slower HTTP/1.1\r\nhost: x\r\n\r\n", b"hello")
