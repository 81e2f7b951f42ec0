"""The demo's landing pages: an advertiser's site with one script tag.

They print the target numbers of ``ringpool/demo/demo.yaml``, which the snippet replaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from string import Template
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.routing import Route

from api.http import replies
from api.http.endpoint import Endpoint, Handler, problem_form
from api.http.replies import Reply
from api.http.request import Request
from ringpool.demo.entities import ACCOUNT, PLACEMENTS, TOO_SMALL, printed_number
from ringpool.numbers import phone

_FOLDER = files("api.demo_pages")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


class _Page(NamedTuple):
    """What differs between the pages. ``visitors``: by their names, links that play them."""

    pool_id: str
    text: str
    eyebrow: str
    headline: str
    lead: str
    visitors: Mapping[str, str]


_LANDING = _Page(
    PLACEMENTS,
    "landing.html",
    "Rooftop solar",
    "Your roof could pay the power bill.",
    "We plan, install and look after panels that fit your house. One call tells you what yours "
    "would save.",
    {
        "Site one, header ad": "/demo?website=one&location=header",
        "Site one, footer ad": "/demo?website=one&location=footer",
        "Site two, header ad": "/demo?website=two&location=header",
        "Searched “solar panels”": "/demo?gclid=demo&utm_term=solar+panels",
        "Typed the address": "/demo",
        "A pool that runs out →": "/demo/overflow?campaign=spring",
    },
)
_OVERFLOW = _Page(
    TOO_SMALL,
    "overflow.html",
    "Four campaigns, two numbers",
    "When a pool runs out, the phone still rings.",
    "Each campaign asks for a number of its own. Two will get one; the rest see the overflow "
    "number, and their calls arrive all the same.",
    {
        "Spring campaign": "/demo/overflow?campaign=spring",
        "Summer campaign": "/demo/overflow?campaign=summer",
        "Autumn campaign": "/demo/overflow?campaign=autumn",
        "Winter campaign": "/demo/overflow?campaign=winter",
        "← Back to the landing page": "/demo?website=one&location=header",
    },
)


def demo_routes() -> list[Route]:
    """The pages and their two assets, for ``create_app(more_routes=…)``."""
    return [
        Route("/", _endpoint(_redirect_to_landing)),
        Route("/demo", _endpoint(_page(_LANDING))),
        Route("/demo/overflow", _endpoint(_page(_OVERFLOW))),
        Route("/demo/demo.css", _endpoint(_asset("demo.css", b"text/css; charset=utf-8"))),
        Route("/demo/demo.js", _endpoint(_asset("demo.js", b"text/javascript; charset=utf-8"))),
    ]


async def _redirect_to_landing(_request: Request) -> Reply:
    where = (b"location", _LANDING.visitors["Site one, header ad"].encode())
    return Reply(302, b"text/plain; charset=utf-8", b"", (replies.NO_STORE, where))


def _page(page: _Page) -> Handler:
    """A page in the frame that all share, with the tag that ``ringpool snippet`` prints."""
    frame = Template((_FOLDER / "frame.html").read_text("utf-8"))
    target = printed_number(page.pool_id)
    parts = {
        "eyebrow": escape(page.eyebrow),
        "headline": escape(page.headline),
        "lead": escape(page.lead),
        "target": target,
        "number": phone.national(target),
        "page": (_FOLDER / page.text).read_text("utf-8"),
        "visitors": "\n".join(
            f'<a href="{escape(link)}">{escape(name)}</a>' for name, link in page.visitors.items()
        ),
    }

    async def answer(request: Request) -> Reply:
        base = request.base_url()
        # Under another address, that of a tunnel say, browsers may not reach this one.
        reached = base if urlsplit(base).netloc == request.header(b"host") else ""
        tag, shown = (
            f'<script async src="{escape(address)}/dni.js?account={ACCOUNT}" '
            f'data-account="{ACCOUNT}"></script>'
            for address in (reached, base)
        )
        document = frame.substitute(parts, snippet=tag, shown_tag=escape(shown)).encode()
        policy = (b"content-security-policy", _POLICY.encode("ascii"))
        return Reply(200, b"text/html; charset=utf-8", document, (replies.NO_STORE, policy))

    return answer


def _asset(name: str, content_type: bytes) -> Handler:
    body = (_FOLDER / name).read_bytes()

    async def asset(_request: Request) -> Reply:
        return Reply(200, content_type, body)

    return asset


def _endpoint(handler: Handler) -> Endpoint:
    return Endpoint("demo", problem_form, {"GET": handler})
