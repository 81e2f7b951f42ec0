"""Parameters that several audiences' operations have, for ``/openapi.json``."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from api.http.description import parameter
from ringpool.patterns import whole

NotEmpty = Annotated[str, Meta(min_length=1)]

_VISITOR_ID = Annotated[str, Meta(pattern=whole("[A-Za-z0-9._:~-]{0,128}"))]

POOL = parameter("pool", where="path", text="The pool's id", example="ad-placement")

VISITOR = parameter(
    "visitor",
    _VISITOR_ID,
    text="The visitor's id, of which a visitor pool makes its tuple",
    example="v-8f14e45f",
)

PUBLISHER = parameter(
    "publisher", text="The account to credit, whoever owns the pool", example="partner-9"
)

AGENT = parameter(
    "agent",
    text="The visitor's User-Agent: a phone, a computer, a crawler, which takes nothing",
    example="Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15",
)

VISIT = (
    parameter(
        "url",
        text="The page's URL, with its query",
        example="https://www.newspress.example/subscribe?website=one&location=footer",
    ),
    parameter("ref", text="The page's referrer", example="https://www.google.com/"),
    VISITOR,
    parameter(
        "first_url",
        text="URL of the visitor's first visit, for pools whose tuples are made of the first touch",
        example="https://www.newspress.example/?website=two",
    ),
    parameter(
        "first_ref",
        text="Referrer of the visitor's first visit",
        example="https://blog.example/post",
    ),
    parameter(
        "held",
        text="What earlier answers gave as `keep`, with commas: the numbers that the visitor has. "
        "Those of sticky pools are kept; a ping extends what it proves",
        example="6Jh1xk0qTm3vWc5yYWQtcGxhY2VtZW50CndlYnNpdGU9b25l",
    ),
)
"""How a page's visit is told."""
