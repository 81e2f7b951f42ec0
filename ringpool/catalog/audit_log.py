"""The audit log as it is read: the newest change first, by what it was about, and by account.

An account sees what was made of its own entities while they were its own. What it doesn't do itself
is the operator's doing: no answer tells it who that is, or of whom else it may be.
"""

from __future__ import annotations

from time import time
from typing import NamedTuple

import msgspec

from ringpool.aside import aside
from ringpool.catalog import audit
from ringpool.catalog.audit import Actor, EntityChange, Recorded, Written
from ringpool.catalog.store import CatalogStore
from ringpool.catalog.undo import CannotUndo
from ringpool.config.difference import FieldChange
from ringpool.faults import Fault, OverDay
from ringpool.model import KINDS, Kind

MAX_READ = 2_000
"""Entries that are looked at for one page."""

MAX_READ_BYTES = 2 * 1024 * 1024
"""About how many bytes of entries are looked at for one page."""

MAX_WRITTEN_A_DAY = 2 * 1024 * 1024
"""Bytes that the changes of one account's keys may have in the log. Else an account that changes
something again and again would push out what others did."""

_READ_AT_ONCE = 200
_DAY_SECONDS = 86_400


class Wanted(NamedTuple):
    """Which changes are wanted; None: any. ``by``: a kind of actor, account, key's name or user.

    ``account``: those of its entities. ``since``: Unix ms.
    """

    entity: tuple[Kind, str] | None = None
    account: str | None = None
    by: str | None = None
    since: int | None = None

    def has(self, recorded: Recorded) -> bool:
        """Tell whether a change is among them."""
        by = recorded.entry.by
        if self.by is not None and self.by not in (by.kind, by.account, by.key, by.user):
            return False
        return (self.entity is None and self.account is None) or any(
            self.entity in (None, (change.kind, change.id))
            and (self.account is None or self.account in (change.account, change.former))
            for change in recorded.entry.entities
        )


def entity_named(text: str) -> tuple[Kind, str]:
    """Read ``pool/ad-placement`` as kind and id; raises ValueError."""
    name, _, entity_id = text.partition("/")
    for kind in KINDS:
        if kind == name and entity_id:
            return kind, entity_id
    raise ValueError("expected account/ID, pool/ID or stock/ID")


class Changes(NamedTuple):
    """``following``: the revision from which to go on, 0: there are no more."""

    changes: list[Recorded]
    following: int


class AuditLog:
    """Every method raises StoreUnavailable. ``viewer``: the account that asks; None: the operator,
    who sees everything."""

    def __init__(self, store: CatalogStore) -> None:
        self._store = store

    async def affordable(self, written: Written) -> Written:
        """Return an entry as it may be written: without its details where these are too much for
        an account's day. Raises OverDay where the entry itself is.
        """
        if not written.account:
            return written
        day, size = await self._store.wrote(written.account)
        left = MAX_WRITTEN_A_DAY - (size if day == int(time() // _DAY_SECONDS) else 0)
        if len(written.entry) > left:
            raise OverDay(written.account)
        if len(written.entry) + len(written.details) > left:
            return written._replace(details="")
        return written

    async def page(
        self, wanted: Wanted, limit: int, newest: int | None = None, viewer: str | None = None
    ) -> Changes:
        """Return changes from a revision (None: the last one) downwards.

        There may be fewer than ``limit``, and still more to come.
        """
        found: list[Recorded] = []
        looked_at = size = 0
        while True:
            read = await self._store.changes(newest, _READ_AT_ONCE, viewer or "")
            for entry in read.entries:
                recorded = audit.read(*entry)
                old = wanted.since is not None and recorded.at < wanted.since
                if old or (viewer is not None and recorded.revision < read.since):
                    return Changes(found, 0)
                seen = seen_by(viewer, recorded)
                if seen is not None and wanted.has(seen):
                    if len(found) == limit:
                        return Changes(found, recorded.revision)
                    found.append(seen)
            looked_at += _READ_AT_ONCE
            size += sum(len(text) for _, _, text in read.entries)
            newest = read.following
            if not newest or looked_at >= MAX_READ or size >= MAX_READ_BYTES:
                return Changes(found, newest)

    async def one(self, revision: int, viewer: str | None = None) -> Recorded | None:
        """Return the change that made a revision; None if it is gone, or isn't for the viewer."""
        read = await self._store.changes(revision, 1, viewer or "")
        if not read.entries or (viewer is not None and revision < read.since):
            return None
        recorded = audit.read(*read.entries[0])
        return seen_by(viewer, recorded) if recorded.revision == revision else None

    async def whole(self, recorded: Recorded) -> tuple[EntityChange, ...]:
        """Return all that a change altered, its long values and numbers too; raises CannotUndo."""
        if not recorded.entry.cut:
            return recorded.entry.entities
        details = await self._store.details(recorded.revision)
        if not details:
            message = "it is too long: the log has only the beginning of what it altered"
            raise CannotUndo("not_kept", Fault("revision", message))
        return await aside(len(details), audit.read_details, details)


def seen_by(viewer: str | None, recorded: Recorded) -> Recorded | None:
    """Return what an account sees of a change; None: nothing of it is about the account."""
    if viewer is None:
        return recorded
    entry = recorded.entry
    entities = tuple(
        _side(viewer, _without_keys(change))
        for change in entry.entities
        if viewer in (change.account, change.former)
    )
    if not entities:
        return None
    own = entry.by.kind == "account" and entry.by.account == viewer
    by = entry.by if own else Actor(kind="operator")
    return recorded._replace(entry=msgspec.structs.replace(entry, by=by, entities=entities, more=0))


def _without_keys(change: EntityChange) -> EntityChange:
    """Return a change that tells nothing of keys, whatever the operator is told of them."""
    fields = tuple(
        FieldChange(field.field, *(value and audit.MASK for value in (field.before, field.after)))
        if field.field in audit.SECRET
        else field
        for field in change.fields
    )
    return msgspec.structs.replace(change, fields=fields)


def _side(viewer: str, change: EntityChange) -> EntityChange:
    """Return the viewer's side of a change: what moved to another account, or from one, is gone, or
    new."""
    if change.what != "changed" or change.former == change.account:
        return change
    if viewer == change.former:
        return msgspec.structs.replace(
            change, what="deleted", account="", fields=(), added=audit.NO_NUMBERS
        )
    fields = tuple(FieldChange(field.field, None, field.after) for field in change.fields)
    return msgspec.structs.replace(
        change, what="created", former="", fields=fields, removed=audit.NO_NUMBERS
    )
