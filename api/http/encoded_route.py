"""A route whose parameters may hold a slash, percent-encoded, as carriers' names of calls do."""

from __future__ import annotations

from urllib.parse import unquote

from starlette.routing import Match, Route
from starlette.types import Scope


class EncodedRoute(Route):
    """Where the path has `%2F`, it is matched as it came: the slashes in a parameter part nothing.

    `/calls/a%2Foutcome` is the call `a/outcome`, `/calls/a/outcome` the outcome of the call `a`.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As ``Route`` has it."""
        if scope["type"] != "http" or b"%2F" not in scope["raw_path"].upper():
            return super().matches(scope)
        raw = scope["raw_path"].decode("latin-1")
        match, child = super().matches({**scope, "path": raw})
        if match is not Match.NONE:
            given = child["path_params"]
            child["path_params"] = {name: unquote(value) for name, value in given.items()}
        return match, child
