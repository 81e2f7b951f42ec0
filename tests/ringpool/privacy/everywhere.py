"""A caller and a visitor who left a trace in every place there is, and others beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import redis
from sqlalchemy import Connection, insert, select

from allocator.answers import Ask
from allocator.ledger import Ledgers
from allocator.transfers import Transfers
from ringpool.archive.database import Archive
from ringpool.archive.sources import source_of
from ringpool.archive.tables import CALLS, CANDIDATES, FITS, METADATA, SOURCES
from ringpool.archive.writer import ArchiveWriter
from ringpool.calls.events import CallEvent, EventKind
from ringpool.calls.recording import CallRecorder
from ringpool.catalog.snapshot import SnapshotKeeper
from ringpool.model import Account, Configuration, Pool, PoolType, Stock
from ringpool.security.signing import SigningKeys
from ringpool.times import Duration
from tests.ringpool.conftest import Bench
from tests.servers.stores import Server

VISITOR, OTHER = "visitor-7f3a:x", "visitor-8b2c:y"
CALLER, OTHER_CALLER = "+12125550177", "+12125550188"
HELD, RECYCLED, PLAIN, LENT = "+18885550101", "+18885550103", "+18885550104", "+18885550105"
HOUR_MS = 3_600_000

CONFIGURATION = Configuration(
    accounts=(Account(id="a"), Account(id="b", store_callers=True)),
    pools=(
        Pool(
            id="held",
            account="a",
            type=PoolType.VISITOR,
            min_duration=Duration(HOUR_MS),
            numbers=(HELD, "+18885550102"),
            allow_overflow=False,
        ),
        Pool(
            id="recycling",
            account="b",
            type=PoolType.VISITOR,
            min_duration=Duration(1_000),
            numbers=(RECYCLED,),
            allow_overflow=False,
        ),
        Pool(
            id="plain",
            account="b",
            parameters=("website", "cookie.uid"),
            min_duration=Duration(HOUR_MS),
            numbers=(PLAIN, "+18885550106"),
            allow_overflow=False,
        ),
        Pool(
            id="lent",
            account="b",
            type=PoolType.VISITOR,
            min_duration=Duration(1_000),
            stock="shelf",
            numbers=(),
            allow_overflow=False,
        ),
    ),
    stocks=(Stock(id="shelf", account="b", numbers=(LENT,)),),
)


def click(visitor: str) -> bytes:
    """The attributes of a click whose page has the visitor's id in its address."""
    escaped = visitor.replace(":", "%3A")
    return msgspec.json.encode(
        {"gclid": f"g-{visitor}", "landing_page": f"https://a.example/?visitor={escaped}&x=1"}
    )


async def live(bench: Bench, archive: Archive, keys: SigningKeys) -> int:
    """Have both come and call; returns when the guarantee of the visitor's number is over."""
    await bench.catalog.apply(CONFIGURATION)
    allocator = bench.allocator
    keeper = SnapshotKeeper(bench.catalog)
    await keeper.refresh()
    ledgers = Ledgers(bench.store)
    recorder = CallRecorder(allocator, bench.stocks, ledgers, bench.catalog, keeper, lambda: keys)
    now = recorder.now_ms()
    (held,) = await allocator.allocate("held", [Ask(f"visitor={VISITOR}", click(VISITOR))])
    await allocator.allocate("held", [Ask(f"visitor={OTHER}", click(OTHER))])
    await allocator.allocate("plain", [Ask("website=one", click(VISITOR))])
    await allocator.allocate("plain", [Ask("website=one", click(OTHER))])
    await allocator.allocate("plain", [Ask(f"website=two&cookie.uid={VISITOR}", click(VISITOR))])
    for later, visitor in enumerate([VISITOR, OTHER, VISITOR, OTHER]):
        asks = [Ask(f"visitor={visitor}", click(visitor))]
        await allocator.allocate("recycling", asks, now_ms=now + later * 10_000)
        refused = VISITOR if visitor == OTHER else OTHER
        asks = [Ask(f"visitor={refused}", click(refused))]
        await allocator.allocate("recycling", asks, now_ms=now + later * 10_000)
    assert await Transfers(bench.store).fill("lent", "shelf", 1, now_ms=now) == 1
    for later, visitor in ((0, VISITOR), (5_000, OTHER)):
        asks = [Ask(f"visitor={visitor}", click(visitor))]
        await allocator.allocate("lent", asks, now_ms=now + later)
    at = now + 40_000
    events = [
        CallEvent(id=id_, event=kind, number=number, at=when, started_at=when, caller=caller)
        for id_, number, when, caller in (
            ("held-call", HELD, now + 1, CALLER),
            ("recycled-call", RECYCLED, now + 1, OTHER_CALLER),
            ("other-call", RECYCLED, now + 11_000, CALLER),
            ("others-call", RECYCLED, now + 31_000, OTHER_CALLER),
        )
        for kind in (EventKind.STARTED, EventKind.ENDED)
    ]
    recorded = await recorder.record(events, None)
    assert all(each.credit is not None for each in recorded)
    writer = ArchiveWriter(archive, ledgers)
    await writer.write("pool", "recycling")
    for later, visitor in ((at, VISITOR), (at + 10_000, OTHER)):  # unread
        asks = [Ask(f"visitor={visitor}", click(visitor))]
        await allocator.allocate("recycling", asks, now_ms=later)
    await _left_pools(bench, "recycling", "shelf")
    await _attribute(archive)
    return held.guaranteed_until


async def _left_pools(bench: Bench, pool: str, stock: str) -> None:
    """The same former holders in a stock, and in an outbox, as numbers that moved have them."""
    with raw(bench.server) as client:
        history = client.hget(f"rp:{{{pool}}}:history", RECYCLED)
        assert isinstance(history, bytes)
        assert VISITOR.encode() in history
        client.hset(f"rp:{{stock:{stock}}}:history", LENT, history)
        client.hset("rp:{held}:outbox", LENT, _outbox(f"{stock}@5", history))


def _outbox(loan: str, history: bytes) -> bytes:
    """As Lua packs it, which knows no binary kind."""
    head = b"\x94" + msgspec.msgpack.encode(loan) + msgspec.msgpack.encode(7)
    return head + b"\xda" + len(history).to_bytes(2, "big") + history + b"\x01"


async def _attribute(archive: Archive) -> None:
    """What attribution writes of calls, and what it learned."""
    async with archive.engine.begin() as connection:
        for number, visitor in enumerate((VISITOR, OTHER)):
            tuple_, attributes = f"visitor={visitor}", click(visitor).decode()
            source = source_of("b", "recycling", tuple_, attributes)
            call = ("recycled-call", "others-call")[number]
            have = await connection.execute(select(SOURCES.c.id).where(SOURCES.c.id == source.id))
            assert have.first() is not None
            await connection.execute(
                insert(CANDIDATES).values(
                    account="b",
                    call=call,
                    rank=1,
                    why="click",
                    probability=0.9,
                    pool="recycling",
                    tuple=tuple_,
                    source=source.id,
                    first_click=attributes,
                    last_click=attributes,
                )
            )
            await connection.execute(
                CALLS.update()
                .where(CALLS.c.id == call)
                .values(tuple=tuple_, source=source.id, attributed_at=1)
            )
            parameters = json.dumps({tuple_: 0.5})
            await connection.execute(
                insert(FITS).values(
                    account="a", pool=f"pool-{number}", calls=2, parameters=parameters
                )
            )


def raw(server: Server) -> redis.Redis:
    """A client that returns bytes."""
    return redis.Redis(server.place.address, server.port, protocol=2)


def everything(server: Server) -> bytes:
    """Every key of a store, with every value."""
    with raw(server) as client:
        return b"\n".join(piece for key in sorted(client.keys()) for piece in _dump(client, key))


def _dump(client: Any, key: bytes) -> Iterator[bytes]:
    yield key
    kind = client.type(key)
    if kind == b"hash":
        for field, value in sorted(client.hgetall(key).items()):
            yield from (field, value)
    elif kind == b"zset":
        yield from client.zrange(key, 0, -1)
    elif kind == b"list":
        yield from client.lrange(key, 0, -1)
    elif kind == b"stream":
        for id_, fields in client.xrange(key):
            yield from (id_, *fields.keys(), *fields.values())
    else:
        assert kind == b"string", kind
        yield client.get(key)


async def every_row(archive: Archive) -> str:
    """Every row of every table, as text."""

    def read(connection: Connection) -> str:
        return "\n".join(
            f"{table.name}: {tuple(row)}"
            for table in METADATA.sorted_tables
            for row in connection.execute(select(table).order_by(*table.primary_key))
        )

    async with archive.engine.connect() as connection:
        return await connection.run_sync(read)


def files_of(folder: Path) -> bytes:
    """All that an SQLite has on the disk."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("archive.sqlite3*")))
