"""A visit that a server reports, with its account's API key.

A server that renders pages asks for its visitor: it gives the visitor's URL, referrer, id, agent
and address, where a browser would speak for itself. What can't be written into a query (nginx
escapes no variable) may come as a header instead: ``X-Ringpool-Url`` for ``url``, and so on.

Its answer is for one visitor: no cache between may keep it. The server itself may show an entry's
number to the same visitor for ``hold_ms`` from when it asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlencode

from allocator.answers import NOBODY
from api.http import lookups
from api.http.api_keys import used_key
from api.http.refusals import Headers, Refusal
from api.http.replies import NO_STORE, Reply
from api.http.request import Request
from api.pages.swap_answers import Swap
from ringpool.catalog.snapshot import Snapshot
from ringpool.faults import Fault
from ringpool.model import Account
from ringpool.visits import crawlers
from ringpool.visits.networks import network_of

HEADERS = {
    f"x-ringpool-{name}".encode(): name for name in ("url", "ref", "visitor", "agent", "address")
}
"""Headers that stand for parameters. A parameter wins over its header."""

_OF_THE_SERVER = (b"user-agent", b"sec-ch-ua-mobile")
"""Headers that tell of the server what they would tell of a visitor."""

_PRIVATE = (b"cache-control", b"private, no-store")
_CHALLENGE = (b"www-authenticate", b'Bearer realm="account"')


class ServerVisit(NamedTuple):
    """What a server says of its visitor.

    ``query``: the parameters that say where the visit came from, written alike however they came.
    ``network``: the visitor's, where the server tells the address.
    """

    query: bytes
    is_phone: bool
    is_visitor: bool
    network: str = NOBODY


def read(request: Request) -> ServerVisit:
    """The visit of a request with a key, which is checked later; raises a Fault for a field."""
    given = {HEADERS[name]: value for name, value in request.headers if name in HEADERS}
    parameters = {name: _text(name, value) for name, value in given.items()} | request.parameters()
    if "callback" in parameters:
        raise Fault("callback", "is for scripts in pages; with a key the answer is JSON")
    address = parameters.pop("address", "")
    _check_address(address)
    agent = parameters.pop("agent", "").encode()
    headers = [pair for pair in request.headers if pair[0] not in _OF_THE_SERVER]
    headers.append((b"user-agent", agent))
    return ServerVisit(
        urlencode(parameters).encode(),
        crawlers.is_phone(headers),
        not crawlers.takes_nothing(request.method, headers),
        network_of(address) if address else NOBODY,
    )


def check_key(request: Request, token: str) -> None:
    """Raise Refusal for a known key that may not ask, before its answer is remembered.

    Notes the use of one that may.
    """
    used_key(request, request.services.snapshot, token, _CHALLENGE)


async def account_of(
    request: Request, parameters: Mapping[str, str], snapshot: Snapshot
) -> tuple[Snapshot, Account]:
    """The account whose key the request has, and a snapshot that knows it.

    Raises Refusal 401 for no account's key, and 403 for a key that may not allocate or when
    ``account`` names another one.
    """
    token = request.bearer()
    known = used_key(request, snapshot, token, _CHALLENGE)
    if known is None:
        await lookups.check_started(request.services)
        snapshot = request.services.snapshot
        known = used_key(request, snapshot, token, _CHALLENGE)
    if known is None:
        raise Refusal(401, "Unauthorized", "not an API key of an account", headers=(_CHALLENGE,))
    account = known.account
    if parameters.get("account", account.id) != account.id:
        raise Refusal(403, "Forbidden", f"this key is for account {account.id} alone")
    return snapshot, account


def number_headers(swaps: Iterable[Swap]) -> Headers:
    """Each number as headers, for servers that read no JSON.

    ``X-Ringpool-Number-18005550100`` (E.164) and ``X-Ringpool-Display-18005550100`` for that
    target; without digits for a pool that was asked for by name. ``X-Ringpool-Pool-…`` names the
    pool that gave it, where the one that was asked fell back on it.
    """
    headers: Headers = []
    for swap in swaps:
        suffix = f"-{swap.target[1:]}".replace(";ext=", "-ext-") if swap.target else ""
        pool = swap.pool if swap.fallback_from else ""
        for name, text in (("Number", swap.number), ("Display", swap.display), ("Pool", pool)):
            if text and text.isascii():
                headers.append((f"x-ringpool-{name.lower()}{suffix}".encode(), text.encode()))
    return headers


def private(reply: Reply) -> Reply:
    """The reply, marked as one visitor's."""
    reply.headers = [_PRIVATE if header is NO_STORE else header for header in reply.headers]
    return reply


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Fault(name, "is not UTF-8") from None


def _check_address(text: str) -> None:
    """Raise a Fault for what is no address. Of it no more than the network is kept."""
    try:
        if text:
            ip_address(text)
    except ValueError:
        raise Fault("address", "expected the visitor's IPv4 or IPv6 address") from None
