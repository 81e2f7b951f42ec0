"""For media buyers: the tracking link. A click goes to the landing page with a number and proof."""

from __future__ import annotations

import html
import re
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache, partial
from hashlib import sha256
from string import Template
from time import time
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from allocator.allocator import UnknownPool
from allocator.answers import Answer, State
from allocator.port import StoreUnavailable
from api.http import lookups
from api.http.addresses import URL_SAFE, in_ascii
from api.http.description import Operation, content, parameter, response
from api.http.endpoint import Endpoint, problem_form
from api.http.refusals import Refusal
from api.http.replies import NO_STORE, Reply
from api.http.request import Request
from api.http.services import Services
from ringpool.catalog.snapshot import Snapshot
from ringpool.model import Pool
from ringpool.numbers import phone
from ringpool.visits import crawlers, per_click
from ringpool.visits.click import Click
from ringpool.visits.queries import read_query

SHORT_PROOF_SECONDS = 300
"""How long a landing page may show a number that has no guarantee: overflow, or recyclable now."""

_OURS = ("rp_", "mobile_click_to_call")
"""Parameters that never go on to the landing page from a visitor's URL, by their beginning."""

_FIELD = rb"[A-Za-z0-9._-]+=[A-Za-z0-9%!$'()*+,;=:@/?._~\[\]-]*"
_PLAIN = re.compile(rb"%s(?:&%s)*" % (_FIELD, _FIELD))
"""A query as most are: nothing in it to escape, no escapes in names."""
_OURS_SOMEWHERE = re.compile(rb"(?:^|&)(?:rp_|mobile_click_to_call)", re.IGNORECASE)

_quoted = lru_cache(maxsize=16_384)(partial(quote, safe=""))

_DIAL_SCRIPT = (
    "location.href=document.getElementById('call').href;"
    "setTimeout(function(){location.replace(document.getElementById('page').href)},1500)"
)
_DIAL_STYLE = (
    "body{font:20px system-ui,sans-serif;text-align:center;margin:20vh 1em}"
    "a{display:block;margin:1em;padding:.8em;color:inherit}"
    "#call{background:#0a7d3c;color:#fff;border-radius:.5em;text-decoration:none}"
)
_DIAL_PAGE = Template(
    '<!doctype html><html lang="en"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
    f"<title>Call $display</title><style>{_DIAL_STYLE}</style>"
    '<a id="call" href="$tel">Call $display</a><a id="page" href="$page">Go on to the page</a>'
    f"<script>{_DIAL_SCRIPT}</script></html>"
)


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


_DIAL_POLICY = (
    b"content-security-policy",
    f"default-src 'none'; script-src {_hash(_DIAL_SCRIPT)}; style-src {_hash(_DIAL_STYLE)}; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'".encode(),
)


class _Asked(NamedTuple):
    """All that a redirect depends on, but for what is a click's own."""

    pool_id: str
    parts: tuple[bytes, ...]
    referrer: str
    is_phone: bool


async def _link(request: Request) -> Reply:
    """Answer by heart what was asked before, else find out."""
    services, query = request.services, request.query_string
    parted = per_click.of_link(query)
    asked = _Asked(
        request.path("pool"),
        parted.asked,
        request.header(b"referer"),
        crawlers.is_phone(request.scope),
    )
    if crawlers.takes_nothing(request.scope):
        pool = await _pool(services, asked.pool_id)
        return _unnumbered(pool, query)
    directory = services.snapshot
    attributes = partial(_attributes, directory, asked, query)
    known = services.link_responses.give(asked, directory, attributes)
    if known is not None:
        before, after = known
        return _to(b"%b%b%b" % (before, query, after))
    pool = await _pool(services, asked.pool_id)
    given = request.parameters(lenient=True)
    ask = _click(services.snapshot, asked, given).ask(pool)
    try:
        answer = await services.answers.allocate(pool.id, ask)
    except (StoreUnavailable, UnknownPool):
        return _unnumbered(pool, query)
    if answer.state is State.NONE:
        return _unnumbered(pool, query)
    landing, fragment = _landing(pool)
    proof = _proof(services, pool.id, answer)
    wanted = given.get("mobile_click_to_call")
    dial = pool.mobile_click_to_call if wanted is None else wanted in ("1", "true", "yes")
    if dial and asked.is_phone:
        return _dial_page(answer.number, landing + _onward(query) + proof + fragment)
    before, after = landing.encode("ascii"), f"{proof}{fragment}".encode("ascii")
    held = services.answers.peek(pool.id, ask.tuple) if answer.state is State.HELD else None
    long_proof = answer.hold_ms / 1000 - SHORT_PROOF_SECONDS
    if held and _is_plain(query) and parted.fits((pool,)):
        halves = before, b"&" + after
        size = sum(map(len, (*asked.parts, asked.referrer, before, after)))
        services.link_responses.keep(asked, directory, (held,), halves, size, good_for=long_proof)
    return _to(before + _onward(query).encode("ascii") + after)


async def _pool(services: Services, pool_id: str) -> Pool:
    pool = (await lookups.pool(services, pool_id)).pool
    if pool.landing_url is None:
        raise Refusal(404, "NoLandingPage", f"pool {pool_id} has no landing_url")
    return pool


def _attributes(directory: Snapshot, asked: _Asked, query: bytes) -> bytes:
    """What is to be kept of a click that was answered by heart."""
    return _click(directory, asked, read_query(query, lenient=True)).attributes()


def _click(directory: Snapshot, asked: _Asked, given: Mapping[str, str]) -> Click:
    """The tuple is what the link says, so that it is the same however the link was made: the
    landing page adds nothing to it."""
    landing_url = directory.pools[asked.pool_id].pool.landing_url or ""
    extra = {"device": "phone" if asked.is_phone else "other", "landing_page": landing_url}
    publisher = given.get("publisher", "")
    if publisher in directory.accounts:
        extra["publisher"] = publisher
    return Click("", asked.referrer, given, given.get("visitor", ""), extra)


def _landing(pool: Pool) -> tuple[str, str]:
    """The landing URL up to where parameters can be added (``…?`` or ``…&``), and its fragment."""
    return _parts(pool.landing_url or "")


@lru_cache(maxsize=4096)
def _parts(url: str) -> tuple[str, str]:
    parts = urlsplit(in_ascii(url))
    query = f"{parts.query}&" if parts.query else ""
    start = urlunsplit((parts.scheme, parts.netloc, parts.path or "/", "", ""))
    return f"{start}?{query}", f"#{parts.fragment}" if parts.fragment else ""


def _onward(query: bytes) -> str:
    """The visitor's own parameters as they came, fit for a header, each with ``&`` after it.

    Kept byte for byte but for what no URL may hold: that is percent-encoded, so nothing can end
    the header or begin a fragment. Names that are ours are dropped, however they are escaped.
    """
    if _is_plain(query):
        return query.decode("ascii") + "&"
    kept = []
    for pair in query.split(b"&"):
        if not pair:
            continue
        name = unquote(pair.partition(b"=")[0].replace(b"+", b" ").decode("latin-1"))
        if not name.strip().lower().startswith(_OURS):
            kept.append(quote(pair, safe=URL_SAFE) + "&")
    return "".join(kept)


def _is_plain(query: bytes) -> bool:
    return bool(_PLAIN.fullmatch(query)) and not _OURS_SOMEWHERE.search(query)


def _expiry(answer: Answer) -> int:
    """Unix seconds up to which the page may show the number.

    Without a guarantee worth the name it is short, and rounded up so that many clicks share one
    signature.
    """
    if answer.hold_ms > SHORT_PROOF_SECONDS * 1000:
        return answer.guaranteed_until // 1000
    return (int(time()) // 60 + 1) * 60 + SHORT_PROOF_SECONDS


def _proof(services: Services, pool_id: str, answer: Answer) -> str:
    """What tells the landing page its number, and that it comes from here."""
    expiry = _expiry(answer)
    return (
        f"rp_number={_quoted(answer.number)}&rp_pool={pool_id}&rp_exp={expiry}"
        f"&rp_sig={services.sign(answer.number, pool_id, expiry)}"
    )


def _unnumbered(pool: Pool, query: bytes) -> Reply:
    """To the landing page as it is: its own number stays."""
    landing, fragment = _landing(pool)
    location = (landing + _onward(query)).rstrip("?&") + fragment
    return _to(location.encode("ascii"))


def _to(location: bytes) -> Reply:
    return Reply(302, b"text/plain; charset=utf-8", b"", (NO_STORE, (b"location", location)))


def _dial_page(number: str, page: str) -> Reply:
    text = _DIAL_PAGE.substitute(
        display=html.escape(phone.national(number)),
        tel=html.escape(f"tel:{number}"),
        page=html.escape(page),
    )
    return Reply(200, b"text/html; charset=utf-8", text.encode(), (NO_STORE, _DIAL_POLICY))


_LINK = Operation(
    "GET",
    "link",
    "To the landing page with a signed number, the query's parameters kept",
    {
        200: response("A page that dials, for phones", content(str, "text/html")),
        302: response("The landing page"),
    },
    (400, 404),
    [parameter("pool", where="path")],
)
link = Endpoint("link", problem_form, {"GET": _link}, [_LINK])
