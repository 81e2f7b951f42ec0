"""The service as a page sees it, on loopback: the script, its answers in their true shape, a log.

One server answers for every host name: it also serves the pages of the cases. Each case has an
account of its own, so that a late request of one case is never counted for another.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from allocator.answers import State
from api.http import replies
from api.http.replies import Reply
from api.pages.swap_answers import NoSwap, Swap, SwapError, Swaps
from api.pages.verify import Verdict
from ringpool.model import NumberFormat
from ringpool.numbers import phone
from ringpool.numbers.plans import plan
from ringpool.security.signing import Signer
from ringpool.times import format_rfc3339
from snippet import bundle

MINUTES_10 = 600_000
_ANY_PAGE = ((b"access-control-allow-origin", b"*"), (b"timing-allow-origin", b"*"))
_PATIENCE = 60.0


@dataclass
class Pool:
    """What one target is replaced by. ``number`` "": the pool is exhausted."""

    target: str
    number: str
    id: str = "main"
    format: NumberFormat = NumberFormat.AS_FOUND
    hold_ms: int = 0
    guarantee_ms: int = MINUTES_10
    visitor: bool = False
    click_to_call: bool = False


@dataclass
class Call:
    """One request that a page sent to the service."""

    path: str
    method: str
    params: dict[str, str]
    referer: str
    origin: str


@dataclass
class Account:
    """An account of the service, how the service treats it, and what its pages asked.

    ``mood``: ``well``, ``error`` (the service refuses), ``garbage``, ``html``, ``empty``, ``500``,
    ``hang up`` or ``slow`` (silent until ``wake`` is set).
    """

    id: str
    pools: list[Pool]
    key: str
    mood: str = "well"
    params: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    defaults: dict[str, str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    wake: threading.Event = field(default_factory=threading.Event)

    def heard(self, path: str) -> list[Call]:
        """The requests for a path, oldest first."""
        return [call for call in list(self.calls) if call.path == path]

    def asked(self) -> list[str]:
        """The targets that pages asked numbers for, in the order of asking."""
        asked = (call.params.get("targets", "").split(",") for call in self.heard("/v1/swap"))
        return list(itertools.chain.from_iterable(asked))

    def settings(self, endpoint: str) -> bundle.PageSettings:
        """What the account's script carries."""
        return bundle.PageSettings(
            account=self.id,
            endpoint=endpoint,
            key=self.key,
            targets=tuple(
                bundle.TargetSettings(
                    number=pool.target,
                    plan=plan(pool.target),
                    pool=pool.id,
                    format=pool.format,
                    hold_ms=pool.hold_ms,
                    visitor=pool.visitor,
                    call=pool.click_to_call,
                )
                for pool in self.pools
            ),
            params=self.params,
            domains=self.domains,
            defaults=self.defaults,
        )

    def swaps(self, targets: str | None) -> Swaps:
        """What the service answers to a page that shows ``targets``."""
        wanted = None if targets is None else [f"+{t.strip(' +')}" for t in targets.split(",")]
        asked = [pool for pool in self.pools if wanted is None or pool.target in wanted]
        return Swaps(
            swaps=[_swap(pool) for pool in asked if pool.number],
            none=[
                NoSwap(target=pool.target, reason="exhausted", pool=pool.id)
                for pool in asked
                if not pool.number
            ],
        )


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
        limit = time.monotonic() + _PATIENCE / 2
        while not condition():
            assert time.monotonic() < limit, f"not heard: {what}"
            time.sleep(0.01)

    @contextmanager
    def running(self) -> Iterator[Service]:
        """Serve until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            for account in self.accounts.values():
                account.wake.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    service: Service
    daemon_threads = True
    request_queue_size = 128

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
        if path == "/v1/verify":  # a signature says itself whose it is: no account is named
            service.verifications.append(params.get("rp_sig", ""))
            while not service.verifies:
                time.sleep(0.01)
            self._reply_with(self._say(Verdict(self._is_ours(params)), params))
            return
        account = service.accounts.get(params.get("account", ""))
        if account is None:
            self._send(404, "text/plain", b"nothing here", {})
        elif path == "/dni.js":
            endpoint = service.at("dni.localhost")
            script = bundle.with_settings(account.settings(endpoint))
            self._send(200, "text/javascript", script, _texts(_ANY_PAGE))
        else:
            referer, origin = (self.headers.get(name, "") for name in ("referer", "origin"))
            account.calls.append(Call(path, self.command, params, referer, origin))
            self._answer(account, path, params)

    do_POST = do_GET  # noqa: N815 (the name that the library calls)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, account: Account, path: str, params: dict[str, str]) -> None:
        match account.mood:
            case "slow":
                account.wake.wait(_PATIENCE)
            case "hang up":
                self.close_connection = True
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
        if account.mood == "error":
            value = Swaps(error=SwapError(class_="ForbiddenOrigin", message="no"), swaps=[])
        elif path == "/v1/swap":
            value = account.swaps(params.get("targets"))
        elif path in ("/v1/ping", "/v1/release"):
            return replies.empty([replies.NO_STORE, *_ANY_PAGE])
        else:
            return Reply(404, b"text/plain", b"nothing here", _ANY_PAGE)
        return self._say(value, params)

    @staticmethod
    def _say(value: Swaps | Verdict, params: dict[str, str]) -> Reply:
        if callback := params.get("callback"):
            return replies.jsonp(callback, value, _ANY_PAGE)
        return replies.json(value, headers=_ANY_PAGE)

    def _is_ours(self, params: dict[str, str]) -> bool:
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


def _swap(pool: Pool) -> Swap:
    return Swap(
        target=pool.target,
        number=pool.number,
        display=phone.display(pool.number, pool.format),
        national=phone.national(pool.number),
        international=phone.international(pool.number),
        cc=phone.country_code(pool.number),
        state=State.HELD,
        guaranteed_until=format_rfc3339(int(time.time() * 1000) + pool.guarantee_ms),
        hold_ms=pool.guarantee_ms,
        pool=pool.id,
    )


def _texts(headers: tuple[tuple[bytes, bytes], ...]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in headers}
