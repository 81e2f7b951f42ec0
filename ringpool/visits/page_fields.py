"""Fields of a page's request: names with a meaning of their own, no parameters of the page."""

from __future__ import annotations

PAGE_FIELDS = frozenset(
    {"account", "callback", "first_ref", "first_url", "held", "pool", "ref", "targets", "url"}
    | {"visitor"}
)
