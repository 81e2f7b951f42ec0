"""``ringpool pool list``, ``show``, ``status``, ``why`` and ``key rotate``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click
import msgspec

from allocator.answers import PoolStatus
from allocator.gather import gather_limited
from allocator.replies import UnknownPool
from ringpool.archive.database import Archive, ArchiveAway, archive_url
from ringpool.catalog.condition import Condition, ConditionUnmet
from ringpool.catalog.key_changes import check_overlap, new_pool_key, with_pool_key_rotated
from ringpool.catalog.selection import find
from ringpool.cli.options import overlap
from ringpool.cli.output import as_json, print_json, print_pairs, print_table, say
from ringpool.cli.pool_series import series_command
from ringpool.cli.session import Session, command, open_session
from ringpool.config.codec import encode_hook
from ringpool.faults import Fault
from ringpool.model import Entity, Pool, without_secrets
from ringpool.refusals import report
from ringpool.sizing import verdict
from ringpool.times import Duration, now, rfc3339_or_nothing

if TYPE_CHECKING:
    from ringpool.attribution.pool_attribution import Attribution

_CONCURRENCY = 50

_TIMES = ("last_overflow", "clock", "last_unbudgeted")
"""Of a pool's status: Unix ms, which people read as times."""


@click.group()
def pool() -> None:
    """Look at pools, and replace their keys."""


@pool.command("list")
@click.option("--account", help="Only pools of this account.")
@as_json
@command
async def list_pools(account: str | None, as_json: bool) -> None:
    """List pools and how full they are."""
    async with open_session() as session:
        _, known = await session.catalog.entities()
        pools = [pool for pool in known.pools if account in (None, pool.account)]
        statuses: list[PoolStatus | None] = await gather_limited(
            lambda pool: _status(session, pool.id), pools, _CONCURRENCY
        )
    if as_json:
        rows = zip(pools, statuses, strict=True)
        print_json([_summary(pool) | {"status": status} for pool, status in rows])
        return
    columns = ("pool", "account", "type", "size", "unassigned", "held", "recyclable", "draining")
    print_table(
        (*columns, "overflow", ""),
        [
            (
                pool.id,
                pool.account,
                pool.type.value,
                *_sizes(status),
                "exhausted" if status and status.exhausted else " ",
            )
            for pool, status in zip(pools, statuses, strict=True)
        ],
    )


@pool.command()
@click.argument("pool_id", metavar="ID")
@as_json
@command
async def show(pool_id: str, as_json: bool) -> None:
    """Show a pool's settings, its key and its numbers."""
    async with open_session() as session:
        configured = await session.catalog.read_pool(pool_id)
        _, known = await session.catalog.entities()
    shown = _all_fields(without_secrets(configured))
    if configured.match is not None:
        shown["areas"] = known.areas.get(pool_id, "").split()
    if as_json:
        print_json(shown)
    else:
        print_pairs((name, _text(value)) for name, value in shown.items())


pool.add_command(series_command)


@pool.group()
def key() -> None:
    """Replace the key of a pool."""


@key.command()
@click.argument("pool_id", metavar="ID")
@overlap
@as_json
@command
async def rotate(pool_id: str, overlap: Duration, as_json: bool) -> None:
    """Give pool ID a new key, and print that.

    The one before works until the overlap is over; with 0s it ends at once.
    """
    check_overlap(overlap)
    text = new_pool_key()

    async def rotated(present: Entity | None) -> Entity:
        assert isinstance(present, Pool)
        return with_pool_key_rotated(present, text, overlap, now())

    async with open_session() as session:
        try:
            saved = await session.catalog.change("pool", pool_id, rotated, Condition(exists=True))
        except ConditionUnmet as error:
            raise Fault("pool", str(error)) from None
    assert isinstance(saved.entity, Pool)
    former = saved.entity.former_key
    if as_json:
        print_json({"key": text} | ({"former_key": former} if former else {}))
    else:
        say(text)
        if former:
            say(f"The one before works until {former.until:%Y-%m-%dT%H:%M:%SZ}.", error=True)


@pool.command()
@click.argument("pool_id", metavar="ID")
@as_json
@command
async def status(pool_id: str, as_json: bool) -> None:
    """Show how many numbers a pool has, whether it is too small, and how many answers it gave.

    And how well its calls are attributed to who made them.
    """
    async with open_session() as session:
        _, known = await session.catalog.entities()
        configured = find(known.pools, pool_id, "pool")
        found = await _status(session, pool_id)
        if found is None:
            raise Fault("pool", f"there is no pool {pool_id}")
        series = await session.allocator.series(pool_id, verdict.MINUTES, verdict.HOURS)
        attribution = await _attribution(session, configured)
    sizing = verdict.judge(configured, found, series)
    if as_json:
        print_json(_all_fields(found) | {"sizing": sizing, "attribution": attribution})
        return
    rows = [
        (
            name.replace("_", " "),
            value if name not in _TIMES else rfc3339_or_nothing(getattr(found, name)) or "-",
        )
        for name, value in _all_fields(found).items()
    ]
    print_pairs([*rows, ("is its size right", sizing.text), *_told_apart(attribution)])


@pool.command()
@click.argument("pool_id", metavar="ID")
@as_json
@command
async def why(pool_id: str, as_json: bool) -> None:
    """Say why a pool gave visits none of its numbers lately, and how many would have done."""
    async with open_session() as session:
        _, known = await session.catalog.entities()
        configured = find(known.pools, pool_id, "pool")
        try:
            told = report(configured, await session.allocator.refusals(pool_id))
        except UnknownPool:
            raise Fault("pool", f"there is no pool {pool_id}") from None
    if as_json:
        print_json(told)
        return
    say(told.why)
    if told.refusals:
        say()
        print_table(
            ("refused (UTC)", "tuple", "network", "reason", "more until the next"),
            [
                (
                    each.at.replace("T", " ").removesuffix("Z"),
                    "&".join(f"{name}={value}" for name, value in each.tuple.items()),
                    each.network,
                    "all held" if each.reason == "held" else "budget",
                    each.more,
                )
                for each in told.refusals
            ],
        )


async def _status(session: Session, pool_id: str) -> PoolStatus | None:
    try:
        return await session.allocator.status(pool_id)
    except UnknownPool:
        return None


async def _attribution(session: Session, pool: Pool) -> Attribution | None:
    """How well the pool's calls are attributed; None: the archive doesn't answer."""
    # Here, as it needs numpy: a tenth of a second that no other command has to wait for.
    from ringpool.attribution.pool_attribution import pool_attribution

    settings = session.settings
    archive = Archive(archive_url(settings.database_url or "", settings.data_dir))
    key = (pool.account, pool.id)
    try:
        return await pool_attribution(archive, key, int(pool.min_duration), int(time.time() * 1000))
    except ArchiveAway:
        return None
    finally:
        await archive.close()


def _told_apart(attribution: Attribution | None) -> list[tuple[str, object]]:
    if attribution is None:
        return [("does it tell its sources apart", "The archive doesn't answer.")]
    share = attribution.sure_share
    return [
        ("calls attributed in 30 days", attribution.calls),
        ("of these at 0.9 or more", "" if share is None else f"{share:.0%}"),
        ("median seconds from click to call", attribution.median_delay_seconds),
        ("does it tell its sources apart", attribution.text),
    ]


def _sizes(status: PoolStatus | None) -> tuple[object, ...]:
    if status is None:
        return (None,) * 6
    return (
        status.size,
        status.unassigned,
        status.held,
        status.recyclable,
        status.draining,
        status.overflow_total,
    )


def _summary(pool: Pool) -> dict[str, object]:
    return {"id": pool.id, "account": pool.account, "name": pool.name, "type": pool.type.value}


def _all_fields(struct: msgspec.Struct) -> dict[str, object]:
    """Return every field, defaults included."""
    return {
        name: msgspec.to_builtins(value, enc_hook=encode_hook)
        for name, value in msgspec.structs.asdict(struct).items()
        if value is not msgspec.UNSET
    }


def _text(value: object) -> object:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}: {item}" for name, item in value.items())
    return value
