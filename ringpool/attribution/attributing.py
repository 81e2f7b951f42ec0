"""Calls, attributed: their candidates and the best of them, written into the archive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import structlog
from sqlalchemy import (
    ColumnElement,
    TextClause,
    and_,
    bindparam,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ringpool.archive import dialects
from ringpool.archive.bulk import execute_many
from ringpool.archive.database import Archive
from ringpool.archive.row_faults import UNREADABLE
from ringpool.archive.tables import CALLS, CANDIDATES, SOURCES, WAITING_CALL
from ringpool.attribution import fits
from ringpool.attribution.call_evidence import CallKey, among, key_of, suspects
from ringpool.attribution.candidates import Candidate, ranked
from ringpool.attribution.fit import posterior
from ringpool.attribution.fits import PoolKey
from ringpool.attribution.suspects import Row, Suspects

A_PAGE = 50
"""Calls that are attributed in one transaction, and between which nothing else waits for long."""

A_ROUND = 2_000
"""Calls that are attributed before the archive is written to again."""

AGAIN_MS = 3 * 86_400_000
"""Calls that began so long before something was learned of their pool are attributed anew."""

_ROWS_AT_ONCE = 500
"""Candidates that are handed to the database in one go: others go first in between."""

_RESUMED_MS = 3_600_000
"""What was learned so long ago may not have been applied when the leader before ended."""

_SAME = ("account", "id", "started_at", "number", "pool", "overflow", "caller_hash")
"""A call with these is the one that was read (``archive.calls.merge``)."""

_log = structlog.get_logger("ringpool.attribution")


class _Attributed(NamedTuple):
    call: Row
    candidates: Sequence[Candidate]


class Attributor:
    """Attributes the calls of an archive.

    ``told``: hears the best candidate of each call that is attributed for the first time.
    ``clock``: Unix seconds.
    """

    def __init__(
        self,
        archive: Archive,
        *,
        told: Callable[[Candidate], None] = lambda _best: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._archive = archive
        self._told = told
        self._clock = clock
        self._learned: dict[PoolKey, int] | None = None  # and when, for what is done again
        self._unable: set[CallKey] = set()  # calls that a fault kept from it: told once

    async def round(self) -> int:
        """Attribute the calls that wait, then those whose pool was learned of, the oldest first.

        Returns how many; call again while that is A_ROUND. Raises DBAPIError and OSError.
        """
        done = await self._attribute_all(WAITING_CALL, A_ROUND)
        if self._learned is None:
            since = self._now_ms() - _RESUMED_MS
            async with self._archive.engine.connect() as connection:
                self._learned = dict(await fits.fitted_since(connection, since))
        for pool, fitted_at in list(self._learned.items()):
            if done >= A_ROUND:
                break
            most = A_ROUND - done
            again = await self._attribute_all(_to_be_done_again(pool, fitted_at), most)
            done += again
            if again < most and self._learned.get(pool) == fitted_at:
                del self._learned[pool]
        return done

    def learned(self, pool: PoolKey, fitted_at: int) -> None:
        """Something was learned of a pool (at Unix ms): its latest calls are attributed again."""
        if self._learned is not None:
            self._learned[pool] = fitted_at

    async def _attribute_all(self, which: ColumnElement[bool] | TextClause, most: int) -> int:
        """Attribute calls that a condition is true of, page by page; returns how many."""
        done = 0
        last: Row | None = None
        while done < most:
            async with self._archive.engine.connect() as connection:
                page = await _page(connection, which, last, min(A_PAGE, most - done))
                if not page:
                    break
                able = [call for call in page if key_of(call) not in self._unable]
                attributed = await self._attribute(connection, able)
            for each in await self._write(attributed):
                if not each.call["attributed_at"]:
                    self._told(each.candidates[0])
            done += len(able)
            last = page[-1]
        return done

    async def _attribute(
        self, connection: AsyncConnection, calls: Sequence[Row]
    ) -> list[_Attributed]:
        try:
            of_calls = await suspects(connection, calls)
        except UNREADABLE:
            if len(calls) > 1:
                return [each for one in calls for each in await self._attribute(connection, [one])]
            self._cannot(calls[0])
            return []
        known: list[tuple[Row, PoolKey, Suspects]] = []
        for call, found in zip(calls, of_calls, strict=True):
            # A number that rests in its stock is in no pool: the last one that it was in counts.
            pool = call["pool"] or (found.holders[0].pool if found.holders else "")
            known.append((call, (call["account"], pool), found))
        learned = await fits.read(connection, {pool for _, pool, _ in known})
        for pool, stored in learned.items():
            if stored.unreadable:
                async with self._archive.engine.begin() as writing:
                    await fits.discard(writing, pool)
        attributed: list[_Attributed] = []
        for call, pool, found in known:
            await asyncio.sleep(0)  # each takes half a millisecond: others go first
            try:
                shares = posterior(found.evidence, learned[pool].fit)
                attributed.append(_Attributed(call, ranked(found, shares)))
            except Exception:  # it must not keep all others waiting
                self._cannot(call)
        return attributed

    def _cannot(self, call: Row) -> None:
        """Tell of the fault that is being handled, and leave the call as it is from now on."""
        self._unable.add(key_of(call))
        _log.exception("call_not_attributed", account=call["account"], call=call["id"])

    async def _write(self, attributed: Sequence[_Attributed]) -> Sequence[_Attributed]:
        """Write what was found of calls; returns those that the database took.

        Each that it refuses is told once.
        """
        try:
            if attributed:
                await self._write_all(attributed)
        except (DataError, IntegrityError) as error:
            if len(attributed) > 1:
                return [each for one in attributed for each in await self._write([one])]
            account, call = key_of(attributed[0].call)
            self._unable.add((account, call))
            reason = type(error).__name__
            _log.error("attribution_refused", account=account, call=call, reason=reason)
            return []
        return attributed

    async def _write_all(self, attributed: Sequence[_Attributed]) -> None:
        """In one transaction, of those calls that are still as they were read."""
        now_ms = self._now_ms()
        same = and_(*(CALLS.c[name] == bindparam(f"its_{name}") for name in _SAME))
        async with self._archive.engine.begin() as connection:
            await connection.execute(
                update(CALLS).where(same), [_best(each, now_ms) for each in attributed]
            )
            keys = [key_of(each.call) for each in attributed]
            written = await _written(connection, keys, now_ms)
            rows = [
                row for each in attributed if key_of(each.call) in written for row in _rows(each)
            ]
            sources = {
                each.suspect.source: msgspec.structs.asdict(each.suspect.made_of)
                for found in attributed
                for each in found.candidates
                if each.suspect is not None and each.suspect.made_of is not None
            }
            if sources:
                add = dialects.insert(connection.dialect.name, SOURCES).on_conflict_do_nothing()
                await connection.execute(add, list(sources.values()))
            former = among(CANDIDATES.c.account, CANDIDATES.c.call, written)
            await connection.execute(delete(CANDIDATES).where(former))
            new = dialects.insert(connection.dialect.name, CANDIDATES)
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                await execute_many(connection, new, rows[start : start + _ROWS_AT_ONCE])

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


async def _page(
    connection: AsyncConnection,
    which: ColumnElement[bool] | TextClause,
    last: Row | None,
    most: int,
) -> list[Row]:
    """The next calls, none of a caller after another one of theirs: that must be written before."""
    place = CALLS.c.started_at, CALLS.c.account, CALLS.c.id
    wanted = select(CALLS).where(which).order_by(*place).limit(most)
    if last is not None:
        started_at, account, call_id = place
        wanted = wanted.where(
            or_(
                started_at > last["started_at"],
                and_(started_at == last["started_at"], account > last["account"]),
                and_(
                    started_at == last["started_at"],
                    account == last["account"],
                    call_id > last["id"],
                ),
            )
        )
    page: list[Row] = []
    callers: set[tuple[str, str]] = set()
    for call in (await connection.execute(wanted)).mappings():
        caller = (call["account"], call["caller_hash"])
        if call["caller_hash"] and caller in callers:
            break
        callers.add(caller)
        page.append(call)
    return page


def _to_be_done_again(pool: PoolKey, fitted_at: int) -> ColumnElement[bool]:
    account, name = pool
    return and_(
        CALLS.c.account == account,
        CALLS.c.pool == name,
        CALLS.c.started_at >= fitted_at - AGAIN_MS,
        CALLS.c.attributed_at < fitted_at,
        CALLS.c.attributed_at > 0,
    )


def _best(attributed: _Attributed, now_ms: int) -> dict[str, Any]:
    """What is written into ``calls``, and by which call it is known there."""
    best, *_ = attributed.candidates
    nobody = next(each for each in attributed.candidates if each.suspect is None)
    return {
        "attributed_at": now_ms,
        "probability": best.probability,
        "nobody": nobody.probability,
        "tuple": best.suspect.tuple if best.suspect else "",
        "source": best.suspect.source if best.suspect else 0,
        **{f"its_{name}": attributed.call[name] for name in _SAME},
    }


def _rows(attributed: _Attributed) -> Iterator[dict[str, Any]]:
    for rank, each in enumerate(attributed.candidates, 1):
        suspect = each.suspect
        yield {
            "account": attributed.call["account"],
            "call": attributed.call["id"],
            "rank": rank,
            "why": each.why,
            "probability": each.probability,
            "started_at": attributed.call["started_at"],
            "pool": suspect.pool if suspect else "",
            "tuple": suspect.tuple if suspect else "",
            "source": suspect.source if suspect else 0,
            "since": suspect.since if suspect else 0,
            "first_click_at": suspect.first_click_at if suspect else 0,
            "last_click_at": suspect.last_click_at if suspect else 0,
            "clicks": suspect.clicks if suspect else 0,
            "first_click": suspect.first_click if suspect else "",
            "last_click": suspect.last_click if suspect else "",
        }


async def _written(
    connection: AsyncConnection, keys: Sequence[CallKey], now_ms: int
) -> set[CallKey]:
    """Which calls were written in this transaction: the others are gone, or other ones by now."""
    found = await connection.execute(
        select(CALLS.c.account, CALLS.c.id)
        .where(among(CALLS.c.account, CALLS.c.id, keys))
        .where(CALLS.c.attributed_at == now_ms)
    )
    return {(row.account, row.id) for row in found}
