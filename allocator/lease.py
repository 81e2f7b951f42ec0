"""One of many processes does a job: the one that has the lease."""

from __future__ import annotations

import secrets

import msgspec

from allocator.keys import CATALOG
from allocator.port import Store
from allocator.replies import LeaseCode
from allocator.scripts import load

_LEASE = load("lease")
_decode = msgspec.msgpack.Decoder(LeaseCode).decode


class Lease:
    """A named lease, taken and kept by asking again before it ends."""

    def __init__(self, store: Store, name: str, span_ms: int) -> None:
        self._store = store
        self._key = f"{CATALOG}lease:{name}"
        self._span_ms = span_ms
        self._token = secrets.token_hex(8)

    async def hold(self) -> bool:
        """Take or keep it for the whole span; False while another has it."""
        return await self._ask(self._span_ms)

    async def give_up(self) -> None:
        """Let another have it at once."""
        await self._ask(0)

    async def _ask(self, span_ms: int) -> bool:
        reply = await self._store.run(_LEASE, (self._key,), (self._token, span_ms))
        return _decode(reply) is LeaseCode.TAKEN
