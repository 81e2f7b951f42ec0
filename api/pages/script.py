"""For pages: the browser script, with an account's settings inside or one pinned version."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from api.http import lookups, replies
from api.http.description import Operation, content, parameter, response
from api.http.endpoint import Endpoint, problem_form
from api.http.refusals import Refusal, refusal
from api.http.replies import Reply, script_safe
from api.http.request import Request
from api.pages import origins
from api.pages.page_operations import ACCOUNT
from api.pages.tag_attributes import TAG_ATTRIBUTES
from api.pages.tag_options import tag_options
from ringpool.catalog.page_settings import page_settings
from ringpool.catalog.snapshot import Snapshot
from ringpool.faults import Fault
from ringpool.model import Account
from ringpool.visits import crawlers
from snippet import bundle

_JAVASCRIPT = b"text/javascript; charset=utf-8"
_SHARED = (origins.ANY, replies.CROSS_ORIGIN, (b"vary", b"Accept-Encoding"))
_FOR_MINUTES = (b"cache-control", b"public, max-age=300")
_ASKED_AGAIN = (b"cache-control", b"no-cache")
_IMMUTABLE = (b"cache-control", b"public, max-age=31536000, immutable")
_MAX_PREPARED = 10_000
_MAX_WITH_OPTIONS = 200

_SCRIPT = content(str, "text/javascript")
_ACCOUNT_SCRIPT = Operation(
    "GET",
    "account_script",
    "The page script with an account's settings; for a wrong account one that says so",
    {
        200: response(
            "The script; `X-Ringpool-Error` tells the class of what is wrong with the tag", _SCRIPT
        ),
        304: None,
    },
    (),
    # Without an account the script is one that says so.
    [{**ACCOUNT, "required": False, "schema": str}, *TAG_ATTRIBUTES],
    tag="pages",
    text="What `ringpool snippet ACCOUNT` prints a tag for. The account's swap targets and "
    "defaults are inside, so that a page asks no more than which numbers to show. Tag managers "
    "that drop a tag's attributes may have them in the address.",
    examples={200: "(function(settings){/* … */})({});"},
)
_PINNED_SCRIPT = Operation(
    "GET",
    "pinned_script",
    "The page script of one version, for ever",
    {200: _SCRIPT},
    (404,),
    [
        parameter("version", where="path", text="The version", example=bundle.VERSION),
        parameter(
            "file", where="path", text="`dni.js`, or `dni-debug.js` for tests", example="dni.js"
        ),
    ],
    tag="pages",
    text="For a tag with an integrity hash: the settings stand in its attributes. What "
    "`ringpool snippet ACCOUNT --pinned` prints a tag for.",
    examples={200: "(function(settings){/* … */})(null);"},
    refusals={404: ("UnknownVersion", f"the present version is {bundle.VERSION}")},
)


class _Script(NamedTuple):
    """A script as it is, and compressed once for every browser that accepts that."""

    body: bytes
    gzipped: bytes

    def reply(self, request: Request, headers: Sequence[tuple[bytes, bytes]]) -> Reply:
        if not _takes_gzip(request.header(b"accept-encoding")):
            return Reply(200, _JAVASCRIPT, self.body, (*headers, *_SHARED))
        packed = (*headers, (b"content-encoding", b"gzip"), *_SHARED)
        return Reply(200, _JAVASCRIPT, self.gzipped, packed)


class _Prepared(NamedTuple):
    revision: int
    key: str
    script: _Script
    etag: bytes


class _AccountScripts:
    """Each account's script, made again when the configuration or the signing key changes."""

    def __init__(self, limit: int) -> None:
        self._prepared: dict[tuple[str, str], _Prepared] = {}
        self._limit = limit

    def of(
        self, request: Request, snapshot: Snapshot, account: Account, options: Mapping[str, str]
    ) -> _Prepared:
        """The script with ``options``, attributes of the tag, among the account's settings."""
        asked = (account.id, repr(sorted(options.items())))
        known = self._prepared.get(asked)
        key = request.services.signing.keys.public_key
        if known and known.revision == snapshot.revision and known.key == key:
            return known
        # Caches give the script to others: no address that this request names gets into it. Where
        # none is set, the script goes by the address that it was loaded from.
        endpoint = request.services.settings.public_url or ""
        settings = page_settings(snapshot, account, endpoint, key)
        body = bundle.with_settings({**settings, "o": {**settings.get("o", {}), **options}})
        # Weak: whether it goes compressed or not, it is the same script.
        etag = f'W/"{sha256(body).hexdigest()[:24]}"'.encode("ascii")
        made = _Prepared(snapshot.revision, key, _script(body), etag)
        if len(self._prepared) >= self._limit:
            self._prepared.clear()
        self._prepared[asked] = made
        return made


def _account_script_endpoint() -> Endpoint:
    plain = _AccountScripts(_MAX_PREPARED)
    with_options = _AccountScripts(_MAX_WITH_OPTIONS)  # anyone can think of more: apart

    async def account_script(request: Request) -> Reply:
        services = request.services
        try:
            parameters = request.parameters()
            account_id = lookups.required(parameters, "account")
            options = tag_options(parameters)
            snapshot = await lookups.with_account(services, services.snapshot, account_id)
        except (Fault, Refusal) as error:
            return _complaint(refusal(error))
        if not crawlers.takes_nothing(request.method, request.headers):
            services.metrics.count_tag_load(account_id)
        scripts = with_options if options else plain
        prepared = scripts.of(request, snapshot, snapshot.accounts[account_id], options)
        headers = (_FOR_MINUTES, (b"etag", prepared.etag))
        if _matches(request.header(b"if-none-match"), prepared.etag.decode("ascii")):
            return replies.empty((*headers, *_SHARED), status=304)
        return prepared.script.reply(request, headers)

    return Endpoint("account_script", problem_form, {"GET": account_script}, [_ACCOUNT_SCRIPT])


def _complaint(refused: Refusal) -> Reply:
    """A script that tells the page's owner on the console what is wrong with the tag.

    200, as browsers don't run a script with another status, and to be asked for again, since the
    account may be made meanwhile.
    """
    message = (
        f"Ringpool: {refused.message}. The numbers on this page stay as they are. "
        "`ringpool snippet ACCOUNT` prints the right tag."
    )
    body = script_safe(b"console.error(%s);" % json.dumps(message).encode("ascii"))
    kind = (b"x-ringpool-error", refused.kind.encode("ascii"))
    return Reply(200, _JAVASCRIPT, body, (_ASKED_AGAIN, kind, *_SHARED))


async def _pinned_script(request: Request) -> Reply:
    script = _FILES.get(request.path("file"))
    if script is None or request.path("version") != bundle.VERSION:
        raise Refusal(404, "UnknownVersion", f"the present version is {bundle.VERSION}")
    return script.reply(request, (_IMMUTABLE,))


def _script(body: bytes) -> _Script:
    return _Script(body, gzip.compress(body, mtime=0))


def _takes_gzip(accept_encoding: str) -> bool:
    """Whether ``gzip`` is among the encodings named, and not with the weight 0."""
    for item in accept_encoding.lower().split(","):
        name, _, weight = item.partition(";")
        if name.strip() == "gzip":
            return re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight) is None
    return False


def _matches(if_none_match: str, etag: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in tags or etag.removeprefix("W/") in tags


_FILES = {"dni.js": _script(bundle.SOURCE), "dni-debug.js": _script(bundle.DEBUG_SOURCE)}

account_script = _account_script_endpoint()
pinned_script = Endpoint("pinned_script", problem_form, {"GET": _pinned_script}, [_PINNED_SCRIPT])
