"""What only a store on one server has to cope with."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import msgspec
import pytest
import uvloop

from allocator.port import Store, StoreUnavailable
from allocator.redis.url import connect
from tests.allocator.lua_scripts import COUNT, ECHO, READ
from tests.allocator.test_port import answering, echo, unconfirmed
from tests.conftest import PATIENT_MS
from tests.servers import stores
from tests.servers.certificates import certificate
from tests.servers.process import until
from tests.servers.sentinel import sentinel

unpack = msgspec.msgpack.decode


@contextlib.asynccontextmanager
async def opened(url: str, **settings: int) -> AsyncIterator[Store]:
    store = await connect(url, **{"timeout_ms": PATIENT_MS, **settings})
    try:
        yield store
    finally:
        await store.aclose()


async def test_a_restart_of_an_idle_store_goes_unnoticed(unique: str) -> None:
    """A connection that the server has closed meanwhile is replaced before anything is sent."""
    with stores.valkey() as server:
        async with opened(server.url) as store:
            for _ in range(2):
                assert await echo(store, f"{{{unique}}}", "here") == "here"
                await asyncio.sleep(0.6)  # idle for longer than _IDLE_SECONDS
                server.stop()
                server.start()


def test_a_restart_of_an_idle_store_goes_unnoticed_on_uvloop(unique: str) -> None:
    """The same on the event loop that serves."""
    uvloop.run(test_a_restart_of_an_idle_store_goes_unnoticed(unique))


async def test_calls_fail_at_once_while_the_store_is_away_and_work_when_it_is_back(
    unique: str,
) -> None:
    """A refused connection is StoreUnavailable without waiting for the deadline."""
    with stores.valkey() as server:
        async with opened(server.url) as store:
            await store.ping()
            server.kill()
            began = time.monotonic()
            for _ in range(20):
                with pytest.raises(StoreUnavailable):
                    await store.run(READ, [unique])
            assert time.monotonic() - began < PATIENT_MS / 1000
            server.start()
            await answering(store, unique)


async def test_one_connection_carries_any_number_of_calls(unique: str) -> None:
    """A thousand calls at once open a single connection: there is no pool to run out of."""
    with stores.valkey() as server:
        async with opened(server.url) as store:
            await asyncio.gather(*[store.run(READ, [unique]) for _ in range(1000)])
            # the connection that asks, too
            assert len(server.command("CLIENT LIST", "TYPE", "normal")) == 2


async def test_a_silent_peer_is_left_for_a_new_connection(unique: str) -> None:
    """When a host is gone without a word, calls time out at first, then reach its successor."""
    with stores.valkey() as server:
        async with _Relay(server.port) as relay, opened(relay.url, timeout_ms=200) as store:
            await answering(store, unique)
            relay.swallow()
            with pytest.raises(StoreUnavailable):
                await store.run(READ, [unique])
            await answering(store, unique)


async def test_a_slow_connection_is_ready_for_later_calls(unique: str) -> None:
    """Connecting may take longer than a call's deadline, and isn't begun anew by each call."""
    with stores.valkey(requirepass="pw-of-the-test") as server:
        url = f"redis://:pw-of-the-test@127.0.0.1:{server.port}"
        server.pause()
        async with opened(url, timeout_ms=100) as store:
            for _ in range(2):
                with pytest.raises(StoreUnavailable):
                    await store.run(READ, [unique])
            server.resume()
            await answering(store, unique)


async def test_a_wrong_password_is_reported_without_it() -> None:
    """The reason names neither the password given nor the one wanted."""
    with stores.valkey() as server:
        server.command("CONFIG SET", "requirepass", "the-right-one")
        for userinfo in ("", ":the-wrong-one@"):
            async with opened(f"redis://{userinfo}127.0.0.1:{server.port}") as store:
                with pytest.raises(StoreUnavailable, match="password") as caught:
                    await store.ping()
                assert "the-" not in str(caught.value)


async def test_a_server_of_another_kind_is_an_outage() -> None:
    """What answers in another protocol is StoreUnavailable, not a crash."""

    async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(http, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with opened(f"redis://127.0.0.1:{port}") as store:
            with pytest.raises(StoreUnavailable, match="protocol"):
                await store.ping()


async def test_a_write_returns_when_the_replicas_have_it(unique: str) -> None:
    """With RINGPOOL_WAIT_REPLICAS=1 an answer is on the replica; without it, it is an outage."""
    with stores.valkey() as primary, stores.replica_of(primary) as replica:
        async with opened(primary.url, wait_replicas=1) as store:
            counted = await asyncio.gather(*[store.run(COUNT, [unique], [1]) for _ in range(50)])
            assert sorted(map(unpack, counted)) == list(range(1, 51))
            assert replica.command("GET", unique) == b"50"
            primary.command("SCRIPT FLUSH")
            await store.run(COUNT, [unique], [1])
            assert replica.command("GET", unique) == b"51"
        replica.pause()
        async with opened(primary.url, wait_replicas=1, timeout_ms=1000) as store:
            await unconfirmed(store, unique)


async def test_a_read_does_not_wait_for_replicas(unique: str) -> None:
    """While a write waits for its replicas, others are answered on other connections."""
    with stores.valkey() as primary, stores.replica_of(primary) as replica:
        async with opened(primary.url, wait_replicas=1) as store:
            await store.run(COUNT, [unique], [1])
            replica.pause()
            write = asyncio.create_task(store.run(COUNT, [unique], [1]))
            while unpack(await store.run(READ, [unique])) != "2":
                pass
            assert not write.done()
            replica.resume()
            assert unpack(await write) == 2


async def test_a_replica_refuses_writes_as_an_outage(unique: str) -> None:
    """A demoted primary answers READONLY: not a bug, and not for ever."""
    with stores.valkey() as primary, stores.replica_of(primary) as replica:
        async with opened(replica.url) as store:
            with pytest.raises(StoreUnavailable, match="read-only"):
                await store.run(COUNT, [unique], [1])
            replica.command("REPLICAOF", "NO", "ONE")
            assert unpack(await store.run(COUNT, [unique], [1])) == 1


async def test_sentinel_leads_to_the_new_primary(unique: str) -> None:
    """After the primary's death, calls reach the replica that took over, and what it has."""
    with sentinel() as watched:
        async with opened(watched.url) as store:
            await store.run(COUNT, [unique], [7])
            until(lambda: watched.replica.command("GET", unique) == b"7")
            watched.primary.kill()
            until(lambda: watched.replica.command("ROLE")[0] in ("master", b"master"))
            await answering(store, unique)
            assert unpack(await store.run(COUNT, [unique], [1])) == 8


async def test_a_name_that_sentinel_does_not_know_is_an_outage() -> None:
    """The reason is a sentence, not the Sentinel client's settings."""
    with sentinel() as watched:
        async with opened(watched.url.replace("numbers", "unknown")) as store:
            with pytest.raises(StoreUnavailable, match="no Sentinel knows"):
                await store.ping()


async def test_tls_needs_a_certificate_that_is_trusted(unique: str) -> None:
    """rediss:// works with the authority's file, and refuses a server without it."""
    with certificate() as files, stores.redis7_tls(files) as server:
        async with opened(server.url) as store:
            assert await echo(store, unique, "private") == "private"
        async with opened(server.url.partition("?")[0]) as store:
            with pytest.raises(StoreUnavailable, match="certificate"):
                await store.run(ECHO, [unique])


class _Relay:
    """Passes bytes on to a server, and can stop doing so without closing anything."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> _Relay:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.swallow()
        for writer in self._writers:
            writer.close()
        self._server.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def swallow(self) -> None:
        """Pass nothing on, of the connections there are now."""
        for task in self._tasks:
            task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, up = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers += [writer, up]
        for source, sink in ((reader, up), (upstream, writer)):
            self._tasks.add(asyncio.create_task(self._pass(source, sink)))

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
