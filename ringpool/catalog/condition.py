"""What must hold of one entity for a change of it, checked under the lock: else nothing changes."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from ringpool.model import Account, Entity, Kind

Unmet = Literal["unknown", "exists", "changed", "unconditional"]

ANY_VERSION = "*"
UNVERSIONED = "0"
"""The version of what was last changed before versions were kept."""

_MESSAGES: dict[Unmet, str] = {
    "unknown": "there is no {kind} {id!r}",
    "exists": "{id} exists already",
    "changed": "{kind} {id} is not at the version named: read it again",
    "unconditional": "{kind} {id} exists already: name the version that is to be replaced",
}


class ConditionUnmet(Exception):
    """A condition doesn't hold, and nothing was changed. ``unmet``: which part of it.

    ``unknown``: there is no such entity, or it is another account's. ``exists``: there is one.
    ``changed``: it isn't at a version named. ``unconditional``: a version must be named.
    """

    def __init__(self, kind: Kind, entity_id: str, unmet: Unmet) -> None:
        super().__init__(_MESSAGES[unmet].format(kind=kind, id=entity_id[:63]))
        self.kind = kind
        self.id = entity_id
        self.unmet = unmet


class Condition(Struct, frozen=True):
    """Of the entity to change.

    ``account``: it is this account's, if there is one; None: anybody's. ``exists``: it is there
    (True), it isn't (False), or either (None). ``versions``: it is there and at one of these
    (ANY_VERSION among them: at whichever); None: this isn't asked. ``named``: if it is there and
    differs, ``versions`` must be given.
    """

    account: str | None = None
    exists: bool | None = None
    versions: frozenset[str] | None = None
    named: bool = False

    def check(self, kind: Kind, entity_id: str, present: Entity | None, version: str) -> None:
        """Raise ConditionUnmet for what is there now, and the version it is at."""
        theirs = present is not None and self.account not in (None, owner_of(present))
        if present is not None and self.exists is False:
            raise ConditionUnmet(kind, entity_id, "exists")
        if self.exists and (present is None or theirs):
            raise ConditionUnmet(kind, entity_id, "unknown")
        if self.versions is not None and (
            present is None or theirs or not self.versions & {version, ANY_VERSION}
        ):
            raise ConditionUnmet(kind, entity_id, "changed")
        if theirs:  # to others it is as if it weren't there, but that its id is taken
            raise ConditionUnmet(kind, entity_id, "unknown")

    def check_named(self, kind: Kind, entity_id: str, present: Entity | None) -> None:
        """Raise ConditionUnmet when what is there would be changed by who may not have seen it."""
        if self.named and present is not None and self.versions is None:
            raise ConditionUnmet(kind, entity_id, "unconditional")


ANY = Condition()
"""Everything may be changed, whatever it is by now."""


def owner_of(entity: Entity) -> str:
    """Return the id of the account that an entity belongs to."""
    return entity.id if isinstance(entity, Account) else entity.account
