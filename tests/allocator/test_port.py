"""The contract of ``Store``, which every backend passes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence

import msgspec
import pytest

from allocator.port import Store, StoreUnavailable
from allocator.redis.url import connect
from tests.allocator.lua_scripts import BROKEN, COUNT, ECHO, READ, script
from tests.conftest import PATIENT_MS
from tests.servers.cluster import Cluster
from tests.servers.stores import Server

unpack = msgspec.msgpack.decode
Backend = Server | Cluster


def nodes(backend: Backend) -> Sequence[Server]:
    return backend.primaries if isinstance(backend, Cluster) else [backend]


async def echo(store: Store, key: str, text: str) -> str:
    [_, [answer]] = unpack(await store.run(ECHO, [key], [text]))
    return str(answer)


@pytest.fixture
def paused(backend: Backend) -> Iterator[None]:
    """Servers that don't answer until the test ends (or ``resume``)."""
    for node in nodes(backend):
        node.pause()
    yield
    resume(backend)


def resume(backend: Backend) -> None:
    for node in nodes(backend):
        node.resume()


class TestStoreContract:
    async def test_a_reply_is_the_bytes_that_the_script_packed(
        self, store: Store, unique: str
    ) -> None:
        """Keys and arguments arrive as they are, and the script's msgpack comes back."""
        everything = bytes(range(256))
        keys = [f"{{{unique}}}:a", f"{{{unique}}}:b"]
        reply = await store.run(
            script("#!lua flags=no-writes\nreturn cmsgpack.pack(ARGV[2])"), keys, [1, everything]
        )
        assert isinstance(reply, bytes)
        assert reply.endswith(everything)
        assert unpack(await store.run(ECHO, keys, ["é\N{NBSP}", 12, b"x"])) == [
            keys,
            ["é\N{NBSP}", "12", "x"],
        ]

    async def test_a_script_that_the_server_forgot_is_sent_again(
        self, store: Store, backend: Backend, unique: str
    ) -> None:
        """After SCRIPT FLUSH (or a restart, or a failover) the same call works, and runs once."""
        for expected in (1, 2, 3):
            for node in nodes(backend):
                node.command("SCRIPT FLUSH")
            assert unpack(await store.run(COUNT, [f"{{{unique}}}"], [1])) == expected

    async def test_concurrent_calls_each_get_their_own_reply(
        self, store: Store, unique: str
    ) -> None:
        """Hundreds of calls at once: no reply is lost, doubled or given to another."""
        texts = [f"{unique}-{number}" for number in range(300)]
        assert await asyncio.gather(*[echo(store, f"{{{t}}}", t) for t in texts]) == texts
        counted = await asyncio.gather(
            *[store.run(COUNT, [f"{{{unique}}}"], [1]) for _ in range(200)]
        )
        assert sorted(map(unpack, counted)) == list(range(1, 201))

    async def test_an_error_of_the_script_is_no_outage(self, store: Store, unique: str) -> None:
        """A bug comes up as the client's exception, and the store goes on working."""
        with pytest.raises(Exception, match="BUG of the script") as caught:
            await store.run(BROKEN, [f"{{{unique}}}"])
        assert not isinstance(caught.value, StoreUnavailable)
        assert await echo(store, f"{{{unique}}}", "on") == "on"

    async def test_ping_reaches_every_server(self, store: Store) -> None:
        """A store that answers lets ping return."""
        await store.ping()

    @pytest.mark.usefixtures("paused")
    async def test_a_server_that_does_not_answer_costs_the_deadline_and_no_more(
        self, backend: Backend, unique: str
    ) -> None:
        """Calls and pings give up in time with StoreUnavailable, and work when it is over."""
        store = await connect(backend.url, timeout_ms=200)
        began = time.monotonic()
        outcomes = await asyncio.gather(
            *[echo(store, f"{{{unique}{n}}}", "x") for n in range(20)],
            store.ping(),
            return_exceptions=True,
        )
        assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
        assert time.monotonic() - began < PATIENT_MS / 1000  # far more: machines are busy
        resume(backend)
        await answering(store, f"{{{unique}}}")
        await store.aclose()

    async def test_a_late_reply_reaches_nobody(
        self, store: Store, backend: Backend, unique: str
    ) -> None:
        """After calls that were cancelled or timed out, each later call gets its own reply."""
        impatient = await connect(backend.url, timeout_ms=150)
        await answering(impatient, f"{{{unique}}}")
        for node in nodes(backend):
            node.pause()
        unwanted, late = (
            [
                asyncio.create_task(echo(client, f"{{{unique}}}", f"stale {number}"))
                for number in range(10)
            ]
            for client in (store, impatient)
        )
        outcomes = await asyncio.gather(*late, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
        for task in unwanted:
            task.cancel()
        outcomes = await asyncio.gather(*unwanted, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}
        resume(backend)
        await answering(impatient, f"{{{unique}}}")
        for client in (store, impatient):
            for number in range(30):
                try:
                    assert (
                        await echo(client, f"{{{unique}}}", f"fresh {number}") == f"fresh {number}"
                    )
                except StoreUnavailable:
                    assert client is impatient  # on a busy machine: late is no wrong reply
        await impatient.aclose()

    async def test_a_lost_connection_sends_nothing_twice(
        self, store: Store, backend: Backend, unique: str
    ) -> None:
        """A call whose connection is lost fails: nobody knows whether it ran."""
        assert unpack(await store.run(COUNT, [f"{{{unique}}}"], [1])) == 1
        for node in nodes(backend):
            node.command("CLIENT PAUSE", 20_000, "WRITE")
        call = asyncio.create_task(store.run(COUNT, [f"{{{unique}}}"], [1]))
        await asyncio.sleep(0.05)  # the command is with the server, which keeps it waiting
        for node in nodes(backend):
            node.command("CLIENT KILL", "TYPE", "normal", "SKIPME", "yes")
        with pytest.raises(StoreUnavailable):
            await call
        for node in nodes(backend):
            node.command("CLIENT UNPAUSE")
        assert unpack(await store.run(READ, [f"{{{unique}}}"])) == "1"

    async def test_a_full_server_is_an_outage_that_ends(
        self, store: Store, backend: Backend, unique: str
    ) -> None:
        """Out of memory is StoreUnavailable; with room again, calls work."""
        for node in nodes(backend):
            node.command("CONFIG SET", "maxmemory", 1)
        try:
            with pytest.raises(StoreUnavailable, match="out of memory"):
                await store.run(COUNT, [f"{{{unique}}}"], [1])
        finally:
            for node in nodes(backend):
                node.command("CONFIG SET", "maxmemory", 0)
        assert unpack(await store.run(COUNT, [f"{{{unique}}}"], [1])) == 1

    async def test_too_few_replicas_is_an_outage(
        self, store: Store, backend: Backend, unique: str
    ) -> None:
        """A write that no replica confirms fails in time; a read needs no confirmation."""
        await store.run(COUNT, [f"{{{unique}}}"], [1])  # the server knows the script from here on
        careful = await connect(backend.url, timeout_ms=1000, wait_replicas=1)
        await answering(careful, f"{{{unique}}}")  # so that the time is all for the wait
        await unconfirmed(careful, f"{{{unique}}}")
        await answering(careful, f"{{{unique}}}")
        await careful.aclose()

    async def test_a_closed_store_refuses(self, backend: Backend, unique: str) -> None:
        """aclose may be called twice; calls after it raise StoreUnavailable."""
        store = await connect(backend.url)
        await store.aclose()
        await store.aclose()
        with pytest.raises(StoreUnavailable):
            await store.run(ECHO, [f"{{{unique}}}"])


async def answering(store: Store, key: str, seconds: float = 60) -> bytes:
    """Wait until the store answers again, without any help; returns what the key holds."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                return await store.run(READ, [key])
            except StoreUnavailable:
                await asyncio.sleep(0.02)


async def unconfirmed(store: Store, key: str) -> None:
    """Write until the reason is that no replica has it, and not only that the time was over.

    The server says so shortly before the time is over, a busy one sometimes too late.
    """
    reason = ""
    while "0 of 1 replicas" not in reason:
        with pytest.raises(StoreUnavailable) as caught:
            await store.run(COUNT, [key], [1])
        reason = str(caught.value)
