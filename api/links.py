"""For media buyers: the tracking link. A click goes to the landing page with a number and proof."""

from __future__ import annotations

import html
import re
from base64 import b64encode
from functools import lru_cache, partial
from hashlib import sha256
from string import Template
from time import time
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from allocator.allocator import UnknownPool
from allocator.answers import Answer, State
from allocator.port import StoreUnavailable
from api import lookups, replies, visitors
from api.addresses import URL_SAFE, in_ascii
from api.clicks import Click
from api.endpoint import Endpoint
from api.refusals import Refusal
from api.replies import NO_STORE, Reply
from api.request import Request
from ringpool import numbers

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


async def _link(request: Request) -> Reply:
    services = request.services
    pool_id = request.path("pool")
    pool = (await lookups.pool(services, pool_id)).pool
    if pool.landing_url is None:
        raise Refusal(404, "NoLandingPage", f"pool {pool_id} has no landing_url")
    before, fragment = _landing(pool.landing_url)
    before += _onward(request.query_string)
    if visitors.takes_nothing(request.scope):
        return _redirect(before, "", fragment)
    given = request.parameters(lenient=True)
    # The tuple is what the link says, so that it is the same however the link was made: the
    # landing page adds nothing to it.
    click = Click(
        "",
        request.header(b"referer"),
        given,
        given.get("visitor", ""),
        _extra(request, given, pool.landing_url),
    )
    try:
        answer = await services.answers.allocate(pool_id, click.ask(pool))
    except (StoreUnavailable, UnknownPool):
        return _redirect(before, "", fragment)
    if answer.state is State.NONE:
        return _redirect(before, "", fragment)
    expiry = _expiry(answer)
    proof = (
        f"rp_number={_quoted(answer.number)}&rp_pool={pool_id}&rp_exp={expiry}"
        f"&rp_sig={services.sign(answer.number, pool_id, expiry)}"
    )
    wanted = given.get("mobile_click_to_call")
    dial = pool.mobile_click_to_call if wanted is None else wanted in ("1", "true", "yes")
    if dial and visitors.is_phone(request.scope):
        return _dial_page(answer.number, before + proof + fragment)
    return _redirect(before, proof, fragment)


@lru_cache(maxsize=4096)
def _landing(url: str) -> tuple[str, str]:
    """The landing URL up to where parameters can be added (``…?`` or ``…&``), and its fragment."""
    parts = urlsplit(in_ascii(url))
    query = f"{parts.query}&" if parts.query else ""
    start = urlunsplit((parts.scheme, parts.netloc, parts.path or "/", "", ""))
    return f"{start}?{query}", f"#{parts.fragment}" if parts.fragment else ""


def _onward(query: bytes) -> str:
    """The visitor's own parameters as they came, fit for a header, each with ``&`` after it.

    Kept byte for byte but for what no URL may hold: that is percent-encoded, so nothing can end
    the header or begin a fragment. Names that are ours are dropped, however they are escaped.
    """
    if _PLAIN.fullmatch(query) and not _OURS_SOMEWHERE.search(query):
        return query.decode("ascii") + "&"
    kept = []
    for pair in query.split(b"&"):
        if not pair:
            continue
        name = unquote(pair.partition(b"=")[0].replace(b"+", b" ").decode("latin-1"))
        if not name.strip().lower().startswith(_OURS):
            kept.append(quote(pair, safe=URL_SAFE) + "&")
    return "".join(kept)


def _extra(request: Request, given: dict[str, str], landing_url: str) -> dict[str, str]:
    device = "phone" if visitors.is_phone(request.scope) else "other"
    extra = {"device": device, "landing_page": landing_url}
    publisher = given.get("publisher", "")
    if publisher in request.services.directory.accounts:
        extra["publisher"] = publisher
    return extra


def _expiry(answer: Answer) -> int:
    """Unix seconds up to which the page may show the number.

    Without a guarantee worth the name it is short, and rounded up so that many clicks share one
    signature.
    """
    if answer.hold_ms > SHORT_PROOF_SECONDS * 1000:
        return answer.guaranteed_until // 1000
    return (int(time()) // 60 + 1) * 60 + SHORT_PROOF_SECONDS


def _redirect(before: str, proof: str, fragment: str) -> Reply:
    location = (before + proof if proof else before.rstrip("?&")) + fragment
    return Reply(
        302,
        b"text/plain; charset=utf-8",
        b"",
        (NO_STORE, (b"location", location.encode("ascii"))),
    )


def _dial_page(number: str, page: str) -> Reply:
    text = _DIAL_PAGE.substitute(
        display=html.escape(numbers.national(number)),
        tel=html.escape(f"tel:{number}"),
        page=html.escape(page),
    )
    return Reply(200, b"text/html; charset=utf-8", text.encode(), (NO_STORE, _DIAL_POLICY))


link = Endpoint("link", lambda _request, refused: replies.problem(refused), {"GET": _link})
