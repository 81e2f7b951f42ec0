"""Which web pages may ask: CORS by account, and a check of pages that CORS doesn't cover.

A script tag (JSONP) or an image sends no Origin, so the Referer's origin counts instead. A browser
that sends neither (a page with ``referrerpolicy=no-referrer``) is refused when the account has
origins: the snippet asks with a policy of its own that sends them. What this can't stop is a
program that writes these headers itself; it keeps foreign *pages* away from a pool.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from api.http.addresses import in_ascii
from api.http.refusals import Headers, Refusal
from api.http.request import Request
from ringpool.model import Account

VARY = (b"vary", b"Origin")
ANY = (b"access-control-allow-origin", b"*")
_PREFLIGHT = (
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", b"content-type, x-request-id"),
    (b"access-control-max-age", b"86400"),
)


def allowed(request: Request, account: Account) -> Headers:
    """The CORS headers of an answer to this page; raises Refusal for a page that may not ask."""
    if not account.origins:
        return [ANY]
    origin = request.header(b"origin")
    page = origin or _origin_of(request.header(b"referer"))
    if page:
        if page not in _written(account.origins):
            request.scope["account"] = account.id  # for the log
            raise Refusal(403, "ForbiddenOrigin", f"{page[:300]} is not an origin of this account")
    elif request.header(b"sec-fetch-site") in ("cross-site", "same-site"):
        request.scope["account"] = account.id
        raise Refusal(403, "ForbiddenOrigin", "the page doesn't tell its origin")
    if not origin:
        return [VARY]
    return [VARY, (b"access-control-allow-origin", origin.encode("latin-1"))]


def preflight(headers: Headers) -> Headers:
    """What a preflight adds to ``allowed``."""
    return [*headers, *_PREFLIGHT]


@lru_cache(maxsize=4096)
def _written(origins: tuple[str, ...]) -> frozenset[str]:
    """An account's origins as browsers write them, however its owner did."""
    return frozenset(in_ascii(origin) for origin in origins)


def _origin_of(url: str) -> str:
    """``https://host:port`` of a URL, as browsers write origins; "" when it has none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.netloc else ""
