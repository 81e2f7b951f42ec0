"""An account's API key in a request: found, its scopes checked, its use noted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from time import time

from api.http.refusals import Headers, Refusal
from api.http.request import Request
from ringpool.catalog.snapshot import PreparedKey, Snapshot
from ringpool.model import Scope


def used_key(
    request: Request, snapshot: Snapshot, token: str, challenge: tuple[bytes, bytes]
) -> PreparedKey | None:
    """The API key that a token is; None: it is none that the snapshot knows.

    Raises Refusal 401, with ``challenge``, for one that has expired, and 403 for one without a
    scope that the endpoint asked for needs. From here on the log knows whose request it is.
    """
    prepared = snapshot.api_key(token)
    if prepared is None:
        return None
    request.scope["api_key"] = prepared
    if prepared.expires <= time():
        raise _expired(prepared, [challenge])
    request.services.key_uses.note(prepared.hash)
    needed = request.scope["endpoint"].scopes[request.method]
    if scopes_of(prepared).isdisjoint(needed):
        raise missing_scope(needed)
    return prepared


def scopes_of(prepared: PreparedKey) -> frozenset[Scope]:
    """What a key may do, all that a scope includes."""
    scopes = frozenset(prepared.key.scopes)
    return scopes | {Scope.READ} if Scope.MANAGE in scopes else scopes


def missing_scope(needed: Sequence[Scope]) -> Refusal:
    """403, for a key that has none of these scopes."""
    names = " or ".join(scope.value for scope in needed)
    return Refusal(403, "MissingScope", f"this key lacks the scope {names}")


def _expired(prepared: PreparedKey, headers: Headers) -> Refusal:
    at = datetime.fromtimestamp(prepared.expires, UTC)
    return Refusal(
        401, "Unauthorized", f"this key expired at {at:%Y-%m-%dT%H:%M:%SZ}", headers=headers
    )
