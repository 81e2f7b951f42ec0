"""Tells accounts that their configuration was changed: by whom, and which entity, but no values.

Changes that come before a receiver's cooldown is over wait for its end, and are told together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ringpool.catalog.audit import EntityChange, Recorded
from ringpool.catalog.audit_log import AuditLog, Wanted, seen_by
from ringpool.catalog.snapshot import Snapshot
from ringpool.model import Event
from ringpool.notifications import messages
from ringpool.notifications.memory import Memory
from ringpool.notifications.outbox import Outbox
from ringpool.notifications.recipients import Recipients, Target, Targets
from ringpool.times import format_rfc3339

MAX_CHANGES = 20
"""Changes that one message tells of; of others it says how many."""

MAX_ENTITIES = 20
"""Entities that are named of one change."""

_EVENT = Event.CONFIGURATION_CHANGED
_REVISION = "revision"
_MAX_READ = 500
_READ_AT_ONCE = 100


class ChangeTeller:
    """Goes through the audit log from where it was last. ``clock_ms``: Unix ms."""

    def __init__(
        self, memory: Memory, outbox: Outbox, log: AuditLog, clock_ms: Callable[[], int]
    ) -> None:
        self._memory = memory
        self._outbox = outbox
        self._log = log
        self._clock_ms = clock_ms

    async def tell(self, snapshot: Snapshot, recipients: Recipients) -> set[str]:
        """Tell what was changed since the last time; return the pools whose numbers were.

        Raises StoreUnavailable, Changed and Full; then it is told the next time.
        """
        known = self._memory.get(_REVISION)
        wanted = str(snapshot.revision) if recipients.listens(_EVENT, Event.GROWN) else ""
        if known == wanted:
            return set()
        pools: set[str] = set()
        if known and wanted:
            for recorded in await self._since(int(known), snapshot.revision):
                for entity in recorded.entry.entities:
                    if entity.kind == "pool" and (entity.added.count or entity.removed.count):
                        pools.add(entity.id)
                await self._tell_of(recorded, recipients)
        await self._memory.write({_REVISION: wanted})
        return pools

    async def _since(self, known: int, present: int) -> list[Recorded]:
        """Return the changes after a revision, the oldest first; of very many the last ones."""
        found: list[Recorded] = []
        following = present
        while following > known and len(found) < _MAX_READ:
            read = await self._log.page(Wanted(), _READ_AT_ONCE, following)
            found += [each for each in read.changes if each.revision > known]
            following = read.following
        return found[::-1]

    async def _tell_of(self, recorded: Recorded, recipients: Recipients) -> None:
        entities = recorded.entry.entities
        accounts = {name for each in entities for name in (each.former, each.account) if name}
        for account in sorted(accounts):
            seen = seen_by(account, recorded)
            if seen is None:
                continue
            subject = f"account/{account}"
            of_account = recipients.of(subject)
            await self._tell_all(of_account, subject, account, seen)
            for entity in seen.entry.entities:
                if entity.kind == "pool" and entity.account == account:
                    entry = msgspec.structs.replace(seen.entry, entities=(entity,))
                    own = recipients.own(entity.id)
                    others = {name: own[name] for name in own if name not in of_account}
                    subject = f"pool/{entity.id}"
                    await self._tell_all(others, subject, account, seen._replace(entry=entry))

    async def _tell_all(self, targets: Targets, subject: str, account: str, seen: Recorded) -> None:
        for target in targets.values():
            if _EVENT in target.events:
                await self._tell(target, subject, account, seen)

    async def _tell(self, target: Target, subject: str, account: str, seen: Recorded) -> None:
        field = f"told {_EVENT.value} {subject} {target.id}"
        at, _, revision = self._memory.get(field).partition(" ")
        if int(revision or 0) >= seen.revision:  # by a leader that died then
            return
        change = _described(seen)
        waiting = self._outbox.untried(subject, target.id, _EVENT)
        if waiting is not None:
            body = waiting.body
            if len(body["changes"]) < MAX_CHANGES:
                body = {**body, "changes": [*body["changes"], change]}
            else:
                body = {**body, "more": body.get("more", 0) + 1}
            message = msgspec.structs.replace(waiting, body=body)
            await self._outbox.replace(message, {field: f"{at} {seen.revision}"})
            return
        now = self._clock_ms()
        message = messages.make(_EVENT, subject, account, target.id, now, {"changes": [change]})
        due = max(now, int(at or 0) + target.cooldown)
        message = msgspec.structs.replace(message, due=due)
        await self._outbox.add(message, {field: f"{due} {seen.revision}"})


def _described(recorded: Recorded) -> dict[str, Any]:
    entry, by = recorded.entry, recorded.entry.by
    who = {"kind": by.kind, "account": by.account, "key": by.key, "user": by.user}
    described: dict[str, Any] = {
        "revision": recorded.revision,
        "at": format_rfc3339(recorded.at),
        "by": {name: value for name, value in who.items() if value},
        "entities": [_named(entity) for entity in entry.entities[:MAX_ENTITIES]],
    }
    more = entry.more + max(0, len(entry.entities) - MAX_ENTITIES)
    return described | ({"more": more} if more else {})


def _named(entity: EntityChange) -> dict[str, Any]:
    named: dict[str, Any] = {"kind": entity.kind, "id": entity.id, "what": entity.what}
    if entity.what == "changed" and entity.fields:
        named["fields"] = [field.field for field in entity.fields]
    if entity.added.count:
        named["added"] = entity.added.count
    if entity.removed.count:
        named["removed"] = entity.removed.count
    return named
