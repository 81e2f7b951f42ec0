"""The page that a tracking link opens on phones: it dials, then goes on to the landing page."""

from __future__ import annotations

import html
from base64 import b64encode
from hashlib import sha256
from string import Template

from api.http.replies import NO_STORE, Reply
from ringpool.numbers import phone

_SCRIPT = (
    "location.href=document.getElementById('call').href;"
    "setTimeout(function(){location.replace(document.getElementById('page').href)},1500)"
)
_STYLE = (
    "body{font:20px system-ui,sans-serif;text-align:center;margin:20vh 1em}"
    "a{display:block;margin:1em;padding:.8em;color:inherit}"
    "#call{background:#0a7d3c;color:#fff;border-radius:.5em;text-decoration:none}"
)
_PAGE = Template(
    '<!doctype html><html lang="en"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
    f"<title>Call $display</title><style>{_STYLE}</style>"
    '<a id="call" href="$tel">Call $display</a><a id="page" href="$page">Go on to the page</a>'
    f"<script>{_SCRIPT}</script></html>"
)


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


_POLICY = (
    b"content-security-policy",
    f"default-src 'none'; script-src {_hash(_SCRIPT)}; style-src {_hash(_STYLE)}; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'".encode(),
)


def dial_page(number: str, landing_url: str) -> Reply:
    """The page for a number in E.164 and the URL to go on to; its policy names its one script."""
    text = _PAGE.substitute(
        display=html.escape(phone.national(number)),
        tel=html.escape(f"tel:{number}"),
        page=html.escape(landing_url),
    )
    return Reply(200, b"text/html; charset=utf-8", text.encode(), (NO_STORE, _POLICY))
