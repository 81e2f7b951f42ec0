"""Where a tracking link leads: the landing URL with the visitor's query and a signed number."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial
from time import time
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from allocator.answers import Answer
from api.http.addresses import URL_SAFE, in_ascii
from api.http.replies import NO_STORE, Reply

SHORT_PROOF_SECONDS = 300
"""How long a landing page may show a number that has no guarantee: overflow, or recyclable now."""

_RESERVED = ("rp_", "mobile_click_to_call")
"""Parameters that never go on to the landing page from a visitor's URL, by their beginning."""

_FIELD = rb"[A-Za-z0-9._-]+=[A-Za-z0-9%!$'()*+,;=:@/?._~\[\]-]*"
_PLAIN = re.compile(rb"%s(?:&%s)*" % (_FIELD, _FIELD))
"""A query as most are: nothing in it to escape, no escapes in names."""
_RESERVED_NAME = re.compile(rb"(?:^|&)(?:rp_|mobile_click_to_call)", re.IGNORECASE)

_quoted = lru_cache(maxsize=16_384)(partial(quote, safe=""))

Sign = Callable[[str, str, int], str]
"""``sign(number, pool, expires)``, the last in Unix seconds."""


class NumberedRedirect:
    """A redirect for all clicks whose plain queries differ in per-click values only.

    ``before`` and ``after``: the Location up to the query, and from the parameter after it on.
    """

    __slots__ = ("_after", "_before", "size")

    def __init__(self, before: str, after: str) -> None:
        self._before = before.encode("ascii")
        self._after = after.encode("ascii")
        self.size = len(before) + len(after)
        """Bytes."""

    def reply(self, query: bytes) -> Reply:
        """The redirect of a click with this query."""
        return redirect(b"%b%b&%b" % (self._before, query, self._after))


def redirect(location: bytes) -> Reply:
    """302, not to be stored."""
    return Reply(302, b"text/plain; charset=utf-8", b"", (NO_STORE, (b"location", location)))


def without_number(landing_url: str, query: bytes) -> Reply:
    """A redirect to the landing page as it is: its own number stays."""
    start, fragment = split_landing_url(landing_url)
    location = (start + forwarded(query)).rstrip("?&") + fragment
    return redirect(location.encode("ascii"))


@lru_cache(maxsize=4096)
def split_landing_url(url: str) -> tuple[str, str]:
    """The landing URL up to where parameters can be added (``…?`` or ``…&``), and its fragment."""
    parts = urlsplit(in_ascii(url))
    query = f"{parts.query}&" if parts.query else ""
    start = urlunsplit((parts.scheme, parts.netloc, parts.path or "/", "", ""))
    return f"{start}?{query}", f"#{parts.fragment}" if parts.fragment else ""


def forwarded(query: bytes) -> str:
    """The visitor's own parameters as they came, safe in a header, each with ``&`` after it.

    Kept byte for byte but for what no URL may hold: that is percent-encoded, so nothing can end
    the header or begin a fragment. Reserved names are dropped, however they are escaped.
    """
    if is_plain(query):
        return query.decode("ascii") + "&"
    kept = []
    for pair in query.split(b"&"):
        if not pair:
            continue
        name = unquote(pair.partition(b"=")[0].replace(b"+", b" ").decode("latin-1"))
        if not name.strip().lower().startswith(_RESERVED):
            kept.append(quote(pair, safe=URL_SAFE) + "&")
    return "".join(kept)


def is_plain(query: bytes) -> bool:
    """Whether the query goes on as it is, with ``&`` after it."""
    return bool(_PLAIN.fullmatch(query)) and not _RESERVED_NAME.search(query)


def proof(sign: Sign, pool_id: str, answer: Answer, fallback: str = "") -> str:
    """The parameters by which a landing page knows its number, and that it comes from here.

    ``pool_id``: the link's pool, whose targets the number replaces; ``fallback``: the one that gave
    it in its place, which is told and not signed.
    """
    expiry = _expiry(answer)
    signed = (
        f"rp_number={_quoted(answer.number)}&rp_pool={pool_id}&rp_exp={expiry}"
        f"&rp_sig={sign(answer.number, pool_id, expiry)}"
    )
    return f"{signed}&rp_fallback={fallback}" if fallback else signed


def _expiry(answer: Answer) -> int:
    """Unix seconds up to which the page may show the number.

    With a guarantee that is short or none, it is SHORT_PROOF_SECONDS from now, rounded up so that
    many clicks share one signature.
    """
    if answer.hold_ms > SHORT_PROOF_SECONDS * 1000:
        return answer.guaranteed_until // 1000
    return (int(time()) // 60 + 1) * 60 + SHORT_PROOF_SECONDS
