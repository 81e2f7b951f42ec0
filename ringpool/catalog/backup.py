"""A whole installation to one file while it runs, and into an empty store of any kind.

Stores' own dumps differ between kinds and versions; plain values don't. Each pool is read at one
moment, then the stocks, made to agree with them (``allocator.placing``), and the catalog last,
under the writers' lock: what is under way looks as after a crash, which every step of it stands.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from allocator import copying
from allocator.copying import Copied
from allocator.keys import pool_keys, stock_keys
from allocator.placing import Lent, Torn
from allocator.port import Store
from ringpool import __version__, backup_file
from ringpool.backup_file import BackupError, BackupWriter, Frame, Header
from ringpool.catalog import layout, rests
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.store import DOCUMENTS_KEY, STATE_KEY, CatalogStore, copied_keys
from ringpool.catalog.writer import CatalogBusy
from ringpool.faults import Fault

_ATTEMPTS = 5
_VALUES_A_FRAME = 2000
_PLAN = ("planned", "done")

Progress = Callable[[int, int], None]
"""Called with how many pools are done, and how many there are."""


async def back_up(store: Store, catalog: Catalog, file: BackupWriter, progress: Progress) -> Header:
    """Write everything that an installation has in its store.

    Changes of the configuration wait meanwhile. What is answered from a pool after it was read
    isn't in the file. Raises Fault when numbers went to and fro all the time, CatalogBusy,
    LockLost, StoreUnavailable, OSError.
    """
    kept = CatalogStore(store)
    async with catalog.locked() as token:
        _, known = await catalog.entities()
        state = await kept.state()
        now, _ = await kept.server()
        header = Header(
            format=backup_file.FORMAT,
            layout=state.layout or 1,
            revision=state.revision,
            made=now,
            version=__version__,
            pools=tuple(pool.id for pool in known.pools),
            stocks=tuple(stock.id for stock in known.stocks),
        )
        file.write(header)
        place = file.place()
        for _ in range(_ATTEMPTS):
            try:
                await _numbers(store, file, header, lambda: kept.renew(token), progress)
                break
            except Torn:
                file.back_to(place)
        else:
            raise Fault("stock", "numbers went from pool to pool each time: try again")
        owners = [f"pool/{name}" for name in header.pools]
        owners += [f"stock/{name}" for name in header.stocks]
        for key in copied_keys(owners):
            await kept.renew(token)
            _write(file, await copying.read_keys(store, (key,)))
        _write(file, await copying.read_keys(store, (STATE_KEY,)))
        await kept.renew(token)  # or somebody else may have changed it
    return header


async def restore(
    store: Store, catalog: Catalog, path: Path, header: Header, now: int, progress: Progress
) -> dict[str, int]:
    """Write a backup that ``backup_file.check`` found whole; returns until when each pool rests.

    Pools give nothing new until then (Unix ms, from ``now`` on): what the source has answered since
    the backup is unknown here. The revision is written last; until then no version works on the
    store, and a restore that died can be repeated. Raises NotEmpty, BackupError, CatalogBusy,
    LockLost, StoreUnavailable.
    """
    if header.layout > layout.LAYOUT:
        raise layout.NewerLayout(header.layout)
    kept, token = CatalogStore(store), secrets.token_hex(16)
    if not await kept.lock(token):
        raise CatalogBusy("another change of the configuration is under way")
    try:
        await kept.begin_restore(token)
        owners = [f"pool/{name}" for name in header.pools]
        owners += [f"stock/{name}" for name in header.stocks]
        for key in copied_keys(owners):
            await copying.clear(store, (key,))
        allowed = {*copied_keys(owners), STATE_KEY}
        for keys in (*map(pool_keys, header.pools), *map(stock_keys, header.stocks)):
            await kept.renew(token)
            await copying.clear(store, keys)
            allowed.update(keys)
        state: list[bytes] = []
        seen: set[str] = set()
        for frame in backup_file.frames(path):
            if frame.key not in allowed:
                raise BackupError(f"{path} has keys that no installation has")
            if frame.key == STATE_KEY:
                state = frame.values
                continue
            await kept.renew(token)
            await copying.write(store, Copied(frame.key, frame.kind, frame.values))
            if frame.key.endswith("}:meta") and not frame.key.startswith("rp:{stock:"):
                seen.add(frame.key)
                progress(len(seen), len(header.pools))
        _, known = await catalog.entities()
        resting = rests.after(known.pools, now)
        ends = {**resting, rests.OTHERS: max(resting.values(), default=0)}
        await copying.write(store, Copied(DOCUMENTS_KEY, "hash", _rest_documents(ends)))
        fields = dict(zip(state[::2], state[1::2], strict=True))
        for name in _PLAN:
            fields.pop(name.encode(), None)
        fields[b"layout"] = str(header.layout).encode()
        await kept.renew(token)
        values = [value for pair in fields.items() for value in pair]
        await copying.write(store, Copied(STATE_KEY, "hash", values))
    finally:
        await kept.unlock(token)
    return resting


def _write(file: BackupWriter, found: Sequence[Copied]) -> None:
    for copied in found:
        for start in range(0, len(copied.values), _VALUES_A_FRAME):
            values = copied.values[start : start + _VALUES_A_FRAME]
            file.write(Frame(copied.key, copied.kind, values))


async def _numbers(
    store: Store,
    file: BackupWriter,
    header: Header,
    renew: Callable[[], Awaitable[None]],
    progress: Progress,
) -> None:
    """Write pools and stocks; raises Torn when they can't be made to agree."""
    early = [await copying.read_stock(store, stock_id) for stock_id in header.stocks]
    lent = Lent()
    for done, pool_id in enumerate(header.pools, 1):
        await renew()
        copied = await copying.read_pool(store, pool_id)
        lent.note(pool_id, copied)
        _write(file, copied)
        progress(done, len(header.pools))
    for stock_id, before in zip(header.stocks, early, strict=True):
        await renew()
        late = await copying.read_stock(store, stock_id)
        _write(file, lent.agreeing(stock_id, before, late))


def _rest_documents(ends: dict[str, int]) -> list[bytes]:
    return [
        text.encode()
        for name, end in ends.items()
        for text in (f"{rests.SECTION}/{name}", str(end))
    ]
