"""For pages: the browser script, with an account's settings inside or pinned for ever."""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from api import lookups, origins, replies
from api.endpoint import Endpoint
from api.refusals import Refusal
from api.replies import Reply
from api.request import Request
from ringpool.model import Account
from ringpool.page_settings import page_settings
from snippet import bundle

_JAVASCRIPT = b"text/javascript; charset=utf-8"
_SHARED = (origins.ANY, (b"cross-origin-resource-policy", b"cross-origin"))
_FOR_MINUTES = (b"cache-control", b"public, max-age=300")
_FOR_EVER = (b"cache-control", b"public, max-age=31536000, immutable")
_FILES = {"dni.js": bundle.SOURCE, "dni-debug.js": bundle.DEBUG_SOURCE}
_MOST_PREPARED = 10_000


class _Prepared(NamedTuple):
    revision: int
    endpoint: str
    body: bytes
    etag: bytes


class _AccountScripts:
    """Each account's script, made anew when the configuration's revision changes."""

    def __init__(self) -> None:
        self._prepared: dict[str, _Prepared] = {}

    def of(self, request: Request, account: Account) -> _Prepared:
        directory = request.services.directory
        endpoint = request.base_url()
        known = self._prepared.get(account.id)
        if known and known.revision == directory.revision and known.endpoint == endpoint:
            return known
        key = request.services.keyring.signer.public_key
        body = bundle.with_settings(page_settings(directory, account, endpoint, key))
        etag = f'"{sha256(body).hexdigest()[:24]}"'.encode("ascii")
        made = _Prepared(directory.revision, endpoint, body, etag)
        if len(self._prepared) >= _MOST_PREPARED:
            self._prepared.clear()
        self._prepared[account.id] = made
        return made


def _account_script_endpoint() -> Endpoint:
    scripts = _AccountScripts()

    async def account_script(request: Request) -> Reply:
        account = await lookups.account(request.services, request.parameters())
        prepared = scripts.of(request, account)
        headers = (_FOR_MINUTES, (b"etag", prepared.etag), *_SHARED)
        if _matches(request.header(b"if-none-match"), prepared.etag.decode("ascii")):
            return replies.empty(headers, status=304)
        return Reply(200, _JAVASCRIPT, prepared.body, headers)

    return Endpoint("account_script", _problem, {"GET": account_script})


async def _pinned_script(request: Request) -> Reply:
    source = _FILES.get(request.path("file"))
    if source is None or request.path("version") != bundle.VERSION:
        raise Refusal(404, "UnknownVersion", f"the present version is {bundle.VERSION}")
    return Reply(200, _JAVASCRIPT, source, (_FOR_EVER, *_SHARED))


def _matches(if_none_match: str, etag: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in tags or etag in tags


def _problem(_request: Request, refused: Refusal) -> Reply:
    return replies.problem(refused)


account_script = _account_script_endpoint()
pinned_script = Endpoint("pinned_script", _problem, {"GET": _pinned_script})
