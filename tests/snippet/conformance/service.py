"""The service as a page sees it, on loopback: the script, and answers in their true shape.

One server answers for every host name, as the browsers' proxy: it also serves the pages of the
cases, and passes on what is for another port. Each case has an account of its own, so that a late
request of one case is never counted for another.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from api.http import replies
from api.http.replies import Reply
from api.pages.swap_answers import SwapError, Swaps
from api.pages.tag_options import tag_options
from api.pages.verify import Verdict
from ringpool.security.signing import Signer
from snippet import bundle
from tests.snippet.conformance.account import Account, Call, Pool
from tests.snippet.conformance.loopback import LoopbackServer, serving
from tests.snippet.conformance.relay import relay

_ANY_PAGE = ((b"access-control-allow-origin", b"*"), (b"timing-allow-origin", b"*"))
_PATIENCE_S = 60.0


@dataclass
class Page:
    """Something served to a browser that isn't the service's."""

    body: bytes
    content_type: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    after_seconds: float = 0


class Service:
    """Accounts and pages by name, and the address they are at.

    ``verifications``: the signatures that pages asked about. ``verifies``: False keeps such pages
    waiting. ``faults``: what this server itself failed with.
    """

    def __init__(self) -> None:
        self.signer = Signer.generate()
        self.accounts: dict[str, Account] = {}
        self.pages: dict[str, Page] = {}
        self.faults: list[str] = []
        self.verifications: list[str] = []
        self.verifies = True
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.service = self
        self.port: int = self._server.server_address[1]
        self._names = itertools.count(1)

    def account(self, pools: list[Pool]) -> Account:
        """A new account."""
        account = Account(f"case-{next(self._names)}", pools, self.signer.public_key)
        self.accounts[account.id] = account
        return account

    def at(self, host: str, path: str = "") -> str:
        """The URL of a path under one of the names that lead here."""
        return f"http://{host}:{self.port}{path}"

    @staticmethod
    def now() -> float:
        """Unix seconds, as signatures count."""
        return time.time()

    @staticmethod
    def until(condition: Callable[[], bool], what: str) -> None:
        """Wait for something that a page sends."""
        limit = time.monotonic() + _PATIENCE_S / 2
        while not condition():
            assert time.monotonic() < limit, f"not in time: {what}"
            time.sleep(0.01)

    @contextmanager
    def running(self) -> Iterator[Service]:
        """Serve until the end of the block."""
        with serving(self._server, self._let_go):
            yield self

    def _let_go(self) -> None:
        for account in self.accounts.values():
            account.wake.set()


class _Server(LoopbackServer):
    service: Service

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep what a handler failed with. That a browser hangs up is no failure."""
        error = sys.exc_info()[1]
        if error and not isinstance(error, ConnectionError):
            self.service.faults.append("".join(traceback.format_exception(error)))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        service = self.server.service
        parts = urlsplit(self.path)
        length = int(self.headers.get("content-length") or 0)
        form = self.rfile.read(length).decode() if length else ""
        if parts.port not in (None, service.port):
            self._relay(parts.port, form)
            return
        params = dict(parse_qsl(parts.query, True) + parse_qsl(form, True))
        if page := service.pages.get(parts.path):
            time.sleep(page.after_seconds)
            self._send(200, page.content_type, page.body, page.headers)
            return
        if parts.path == f"/dni/{bundle.VERSION}/dni.js":
            self._send(200, "text/javascript", bundle.SOURCE, _texts(_ANY_PAGE))
            return
        if parts.path == f"/dni/{bundle.VERSION}/dni-debug.js":
            self._send(200, "text/javascript", bundle.DEBUG_SOURCE, _texts(_ANY_PAGE))
            return
        path = parts.path.removeprefix("/proxied")  # a site's own reverse proxy
        if path == "/v1/verify":  # the signature is of one account: none is named
            service.verifications.append(params.get("rp_sig", ""))
            while not service.verifies:
                time.sleep(0.01)
            self._reply_with(self._encode(Verdict(self._is_signed(params)), params))
            return
        account = service.accounts.get(params.get("account", ""))
        if account is None:
            self._send(404, "text/plain", b"nothing here", {})
        elif path == "/dni.js":
            endpoint = service.at("dni.localhost")
            settings = account.settings(endpoint)
            settings["o"] |= tag_options(params)
            script = bundle.with_settings(settings)
            self._send(200, "text/javascript", script, _texts(_ANY_PAGE))
        else:
            referer, origin = (self.headers.get(name, "") for name in ("referer", "origin"))
            account.calls.append(Call(path, self.command, params, referer, origin))
            self._answer(account, path, params)

    do_POST = do_GET  # noqa: N815 (the name that the library calls)

    def _relay(self, port: int, form: str) -> None:
        """Let another server answer, or hang up where there is none."""
        self.close_connection = True
        path = "/" + self.path.split("/", 3)[3]
        with contextlib.suppress(ConnectionRefusedError):
            relay(port, self.command, path, self.headers, form.encode(), self.wfile)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, account: Account, path: str, params: dict[str, str]) -> None:
        match account.behaviour:
            case "slow":
                account.wake.wait(_PATIENCE_S)
            case "hang up":
                self.close_connection = True
                return
            case "foreign":
                refusal = Swaps(
                    error=SwapError(class_="ForbiddenOrigin", message="not an origin"), swaps=[]
                )
                callback = params.get("callback", "")
                self._reply_with(
                    replies.jsonp(callback, refusal, _ANY_PAGE)
                    if callback
                    else replies.json(refusal, 403)
                )
                return
            case "500":
                self._send(500, "text/html", b"<h1>Internal Server Error</h1>", {})
                return
            case "garbage":
                self._send(200, "application/javascript", b"}{ not \xff script", {})
                return
            case "html":
                self._send(200, "text/html", b"<!doctype html><p>Log in to the Wi-Fi", {})
                return
            case "empty":
                self._send(200, "application/javascript", b"", {})
                return
        self._reply_with(self._reply(account, path, params))

    def _reply_with(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name.decode(), value.decode())
        self.end_headers()
        self.wfile.write(reply.body)

    def _reply(self, account: Account, path: str, params: dict[str, str]) -> Reply:
        if account.behaviour == "error":
            value = Swaps(error=SwapError(class_="ForbiddenOrigin", message="no"), swaps=[])
        elif path == "/v1/swap":
            value = account.swaps(params.get("targets"))
        elif path in ("/v1/ping", "/v1/release"):
            return replies.empty([replies.NO_STORE, *_ANY_PAGE])
        else:
            return Reply(404, b"text/plain", b"nothing here", _ANY_PAGE)
        return self._encode(value, params)

    @staticmethod
    def _encode(value: Swaps | Verdict, params: dict[str, str]) -> Reply:
        if callback := params.get("callback"):
            return replies.jsonp(callback, value, _ANY_PAGE)
        return replies.json(value, headers=_ANY_PAGE)

    def _is_signed(self, params: dict[str, str]) -> bool:
        number, pool, expires, signature = (
            params.get(name, "") for name in ("rp_number", "rp_pool", "rp_exp", "rp_sig")
        )
        signer = self.server.service.signer
        return (
            expires.isdecimal()
            and int(expires) > time.time()
            and signer.verify(number, pool, int(expires), signature)
        )

    def _send(self, status: int, kind: str, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {
            "content-type": kind,
            "content-length": str(len(body)),
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _texts(headers: tuple[tuple[bytes, bytes], ...]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in headers}
