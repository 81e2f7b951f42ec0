"""One connection, many calls: every reply in its place, every call with an end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, ResponseError

from allocator.redis.connection import PipelinedConnection

PATIENCE = 20.0
"""Seconds; what is waited for comes long before."""


class Peer:
    """A server whose replies a test writes itself."""

    def __init__(self) -> None:
        self._streams: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
            asyncio.Queue()
        )
        self.ended: list[PipelinedConnection] = []

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._streams.put_nowait((reader, writer))

    async def connected(self, port: int) -> PipelinedConnection:
        """A connection that is ready."""
        redis_connection = Connection(port=port, protocol=2, driver_info=None)
        connection = PipelinedConnection(redis_connection, PATIENCE, self.ended.append)
        assert await connection.become_ready()
        self.reader, self.writer = await self._streams.get()
        return connection

    async def gone(self) -> None:
        """Wait until the connection has closed its end."""
        async with asyncio.timeout(PATIENCE):
            while await self.reader.read(1 << 16):
                pass


@pytest.fixture
def peer() -> Peer:
    """A server to be."""
    return Peer()


@pytest.fixture
async def connection(peer: Peer) -> AsyncIterator[PipelinedConnection]:
    """A connection to it."""
    async with await asyncio.start_server(peer.accept, "127.0.0.1", 0) as server:
        connection = await peer.connected(server.sockets[0].getsockname()[1])
        yield connection
        await connection.close()
        peer.writer.close()


def later() -> float:
    return asyncio.get_running_loop().time() + PATIENCE


async def test_replies_may_come_in_pieces_or_together(
    peer: Peer, connection: PipelinedConnection
) -> None:
    """Where the network cuts the stream makes no difference to who gets what."""
    calls = [connection.send(b"x", later()) for _ in range(4)]
    for piece in (b"$3\r\no", b"ne\r", b"\n$3\r\ntwo\r\n-BAD luck\r\n:", b"4\r\n"):
        peer.writer.write(piece)
        await peer.writer.drain()
    assert (await calls[0], await calls[1], await calls[3]) == (b"one", b"two", 4)
    with pytest.raises(ResponseError, match="BAD luck"):
        await calls[2]


async def test_a_call_whose_time_is_over_keeps_its_place(
    peer: Peer, connection: PipelinedConnection
) -> None:
    """Its late reply is thrown away, and so is that of a cancelled one."""
    loop = asyncio.get_running_loop()
    hasty = connection.send(b"x", loop.time() + 0.01)
    unwanted, patient = connection.send(b"x", later()), connection.send(b"x", later())
    unwanted.cancel()
    with pytest.raises(TimeoutError):
        await hasty
    peer.writer.write(b"+first\r\n+second\r\n+third\r\n")
    assert await patient == b"third"
    assert connection.load() == 0


async def test_a_reply_that_came_in_time_counts_when_it_is_read_late(
    peer: Peer, connection: PipelinedConnection
) -> None:
    """A process that was held up beyond a deadline doesn't blame the server."""
    call = connection.send(b"x", asyncio.get_running_loop().time() + 0.01)
    peer.writer.write(b"+in time\r\n")
    time.sleep(0.05)
    assert await call == b"in time"


async def test_an_earlier_deadline_comes_first(peer: Peer, connection: PipelinedConnection) -> None:
    """A call that has less time left than those before it doesn't wait for theirs."""
    loop = asyncio.get_running_loop()
    patient = connection.send(b"x", later())
    hasty = connection.send(b"x", loop.time() + 0.01)
    with pytest.raises(TimeoutError):
        await hasty
    assert not patient.done()


async def test_a_lost_connection_fails_every_call_on_it(
    peer: Peer, connection: PipelinedConnection
) -> None:
    """Replies that came before count; the rest fail at once, and the connection has ended."""
    calls = [connection.send(b"x", later()) for _ in range(3)]
    peer.writer.write(b"+first\r\n+sec")
    peer.writer.close()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert outcomes[0] == b"first"
    assert [type(outcome) for outcome in outcomes[1:]] == [RedisConnectionError] * 2
    assert not connection.usable
    assert not connection.ready
    assert not await connection.become_ready()


async def test_a_reply_that_nobody_asked_for_ends_the_line(
    peer: Peer, connection: PipelinedConnection
) -> None:
    """From there on no reply's place could be trusted."""
    first = connection.send(b"x", later())
    peer.writer.write(b"+one\r\n+two\r\n")
    assert await first == b"one"
    await peer.gone()
    assert not connection.usable


async def test_what_is_no_reply_ends_the_line(peer: Peer, connection: PipelinedConnection) -> None:
    """Another protocol fails the calls under way."""
    call = connection.send(b"x", later())
    peer.writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(InvalidResponse):
        await call


async def test_a_peer_that_does_not_read_holds_up_new_calls(
    peer: Peer, connection: PipelinedConnection
) -> None:
    """A full buffer is no place for more; when it has emptied, the connection is ready again."""
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    big = b"x" * (32 << 20)  # more than the system's own buffers
    connection.send(big, later())
    assert not connection.ready
    waiting = asyncio.create_task(connection.become_ready())
    await asyncio.wait([waiting], timeout=0.05)
    assert not waiting.done()
    peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
    async with asyncio.timeout(PATIENCE):
        await peer.reader.readexactly(len(big))
        assert await waiting
    assert connection.ready


async def test_a_retired_line_ends_with_its_last_call(
    peer: Peer, connection: PipelinedConnection
) -> None:
    """Calls under way still get their replies; then it closes by itself."""
    calls = [connection.send(b"x", later()) for _ in range(2)]
    connection.retire()
    assert not connection.ready
    peer.writer.write(b"+one\r\n+two\r\n")
    assert await asyncio.gather(*calls) == [b"one", b"two"]
    await peer.gone()
    assert peer.ended == [connection]


async def test_a_retired_line_does_not_wait_for_calls_that_gave_up(
    peer: Peer, connection: PipelinedConnection
) -> None:
    """A peer that never answers isn't kept for longer than its last call has."""
    call = connection.send(b"x", asyncio.get_running_loop().time() + 0.01)
    connection.retire()
    with pytest.raises(TimeoutError):
        await call
    await peer.gone()
