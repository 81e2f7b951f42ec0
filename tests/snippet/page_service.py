"""A page, a service that answers it and a real browser: what the snippet's tests are built on."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import phonenumbers
from playwright.sync_api import Browser, Page, sync_playwright

from ringpool.number_plans import plan
from snippet import bundle

CHROMIUM = "/usr/bin/chromium"
SWITCHES = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

TARGET = "+18005550100"
NUMBER = "+18888695345"


def swap(target: str = TARGET, number: str = NUMBER, **more: Any) -> dict[str, Any]:
    """One entry of ``swaps``, formatted as the service does."""
    parsed = phonenumbers.parse(number)
    style = phonenumbers.PhoneNumberFormat
    return {
        "target": target,
        "number": number,
        "cc": str(parsed.country_code),
        "national": phonenumbers.format_number(parsed, style.NATIONAL),
        "international": phonenumbers.format_number(parsed, style.INTERNATIONAL),
        "display": phonenumbers.format_number(parsed, style.NATIONAL),
        "state": "new",
        "hold_ms": 600_000,
        "pool": "ad-placement",
    } | more


def target_settings(number: str = TARGET, **more: Any) -> bundle.TargetSettings:
    """A target with its plan."""
    return bundle.TargetSettings(
        **({"number": number, "plan": plan(number), "pool": "ad-placement"} | more)
    )


@dataclass
class Service:
    """A mock of the service on a free loopback port, and the pages it serves.

    ``numbers``: what ``/v1/swap`` answers, by target. ``reply``: answers it instead, if set.
    ``requests``: path and parameters of every request under ``/v1/``, in order.
    """

    settings: bundle.PageSettings
    numbers: dict[str, dict[str, Any]]
    pages: dict[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    reply: Callable[[str, dict[str, str]], bytes | None] | None = None
    url: str = ""

    def asked(self, path: str = "/v1/swap") -> list[dict[str, str]]:
        """The parameters of every request for ``path`` so far."""
        return [params for asked, params in self.requests if asked == path]

    def page(self, path: str, body: str, **headers: str) -> str:
        """Serve ``body`` at ``path`` with ``headers`` (``_`` for ``-``); returns its URL."""
        self.pages[path] = (
            body,
            {name.replace("_", "-"): value for name, value in headers.items()},
        )
        return self.url + path

    def answer(self, path: str, params: dict[str, str]) -> bytes | None:
        """The body for a request under ``/v1/``; None: an error."""
        self.requests.append((path, params))
        if self.reply:
            return self.reply(path, params)
        reply: dict[str, Any] = {}
        if path == "/v1/swap":
            asked = params.get("targets", "").split(",")
            reply["swaps"] = [self.numbers[target] for target in asked if target in self.numbers]
            reply["none"] = [{"target": target} for target in asked if target not in self.numbers]
        text = json.dumps(reply)
        callback = params.get("callback")
        return (f"/**/{callback}({text});" if callback else text).encode()


@contextmanager
def service(
    settings: bundle.PageSettings | None = None,
    numbers: Mapping[str, dict[str, Any]] | None = None,
) -> Iterator[Service]:
    """Run a mock service until the block ends."""
    mock = Service(
        settings or bundle.PageSettings(account="acme", targets=(target_settings(),)),
        {TARGET: swap()} if numbers is None else dict(numbers),
    )

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            params = {name: values[-1] for name, values in parse_qs(url.query).items()}
            length = int(self.headers.get("content-length") or 0)
            form = parse_qs(self.rfile.read(length).decode())
            params |= {name: values[-1] for name, values in form.items()}
            headers: Mapping[str, str] = {"Access-Control-Allow-Origin": "*"}
            body: bytes | None
            if url.path == "/dni.js":
                kind, body = "text/javascript", bundle.with_settings(mock.settings)
            elif url.path.startswith("/dni/"):
                debug = url.path.endswith("/dni-debug.js")
                kind, body = "text/javascript", bundle.DEBUG_SOURCE if debug else bundle.SOURCE
            elif url.path in mock.pages:
                text, headers = mock.pages[url.path]
                kind, body = "text/html; charset=utf-8", text.encode()
            elif url.path.startswith("/v1/"):
                kind, body = "text/javascript", mock.answer(url.path, params)
            else:
                kind, body = "text/plain", None
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body or b"")))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body or b"")

        do_POST = do_GET  # noqa: N815 - the name http.server looks for

        def log_message(self, *_: object) -> None:
            """Requests are in ``Service.requests``."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    mock.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield mock
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        try:
            yield browser
        finally:
            browser.close()


def document(body: str, *, tag: str = '<script src="/dni.js?account=acme"></script>') -> str:
    """A page with the tag at the end of its body."""
    return f"<!doctype html><meta charset=utf-8><title>Page</title><body>{body}{tag}</body>"


def wait_for_text(page: Page, text: str) -> None:
    """Wait until the page shows ``text``."""
    page.wait_for_function("text => document.body.innerText.includes(text)", arg=text, timeout=5000)
