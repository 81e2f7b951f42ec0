"""The examples of docs/servers.md, each run as its readers run it, against a real service."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import httpx
import pytest

from tests.api.conftest import ADMIN
from tests.api.service import service
from tests.servers.process import free_port, running, until
from tests.servers.programs import program

DOCS = Path(__file__).parents[2] / "docs"
SERVERS = DOCS / "servers"
KEY = "the-accounts-server-key-0123456789"
TARGET = "+18005550100"
PRINTED = "(800) 555-0100"
PAGE = f'<p>Call <a href="tel:{TARGET}">{PRINTED}</a> or {PRINTED}</p>'
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"


@dataclass(frozen=True)
class Numbers:
    """A running service with one account, whose key is KEY, and one pool."""

    url: str
    client: httpx.Client

    def holder(self, website: str) -> str:
        """Which number a traffic source has: asked for as a page would."""
        page = f"https://any.example/a?website={website}"
        answer = self.client.get("/v1/swap", params={"account": "newspress", "url": page})
        (entry,) = answer.json()["swaps"]
        assert entry["state"] == "held"
        number: str = entry["number"]
        return number

    def last_click(self, number: str) -> dict[str, str]:
        report = self.client.get(
            f"/admin/v1/numbers/{number}", headers={"authorization": f"Bearer {ADMIN}"}
        )
        click: dict[str, str] = report.json()["holder"]["last_click"]
        return click


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Numbers]:
    with service(tmp_path_factory.mktemp("service")) as started:
        auth = {"authorization": f"Bearer {ADMIN}"}
        client = started.client
        made = client.put("/admin/v1/accounts/newspress", json={"api_keys": [KEY]}, headers=auth)
        assert made.status_code == 201, made.text
        pool = {
            "account": "newspress",
            "parameters": ["website"],
            "numbers": [f"+1212555{line:04d}" for line in range(20)],
            "allow_overflow": False,
            "swap_targets": [TARGET],
        }
        made = client.put("/admin/v1/pools/ad-placement", json=pool, headers=auth)
        assert made.status_code == 201, made.text
        yield Numbers(started.url, client)


def national(number: str) -> str:
    return f"({number[2:5]}) {number[5:8]}-{number[8:]}"


def swapped(number: str) -> str:
    return PAGE.replace(TARGET, number).replace(PRINTED, national(number))


@contextmanager
def site() -> Iterator[str]:
    """The owner's own web server, with the same page everywhere; its address."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = PAGE.encode()
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.send_header("cache-control", "public, max-age=600")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


_RUN_WORKER = """
import worker from './worker.mjs';
const [url, service, key] = process.argv.slice(2);
const headers = { accept: 'text/html', 'user-agent': '%s', referer: 'https://blog.example/' };
const env = { RINGPOOL_URL: service, RINGPOOL_KEY: key };
const answer = await worker.fetch(new Request(url, { headers }), env);
console.log(JSON.stringify([await answer.text(), answer.headers.get('cache-control')]));
"""


def test_a_cdn_worker(numbers: Numbers, tmp_path: Path) -> None:
    """The page has the visitor's number and is the visitor's; without the service, its own."""
    node = program("node")
    # In the example the service has 300 ms; this machine may be busier than that.
    text = (SERVERS / "worker.mjs").read_text().replace("_MS = 300", "_MS = 30000")
    (tmp_path / "worker.mjs").write_text(text)
    (tmp_path / "run.mjs").write_text(_RUN_WORKER % IPHONE)

    def ask(address: str, url: str, key: str = KEY) -> list[str]:
        done = subprocess.run(
            [node, "run.mjs", f"{address}/a?website=worker&q=a%26b", url, key],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, done.stderr
        shown: list[str] = json.loads(done.stdout)
        return shown

    with site() as address:
        page, caching = ask(address, numbers.url)
        number = numbers.holder("worker")
        assert (page, caching) == (swapped(number), "private, no-store")
        for url, key in ((f"http://127.0.0.1:{free_port()}", KEY), (numbers.url, "wrong" * 5)):
            assert ask(address, url, key) == [PAGE, "public, max-age=600"]


@contextmanager
def nginx(folder: Path, configuration: str) -> Iterator[None]:
    """Debian's nginx with this inside ``http``, in the foreground, on a port that is in it."""
    modules = "\n".join(
        f"load_module {path};" for path in sorted(Path("/usr/lib/nginx/modules").glob("*sub*.so"))
    )
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = folder / "nginx.conf"
    file.write_text(
        f"{modules}\ndaemon off; master_process off; pid {folder}/pid; error_log stderr;\n"
        f"events {{}}\nhttp {{ access_log off; {paths}\n{configuration}\n}}\n"
    )
    command = [program("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(file)]
    with running(command, folder / "log"):
        yield


def test_nginx(numbers: Numbers, tmp_path: Path) -> None:
    """auth_request asks, sub_filter writes; a visitor's own headers count for nothing."""
    port = free_port()
    text = (SERVERS / "nginx.conf").read_text()
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("300ms", "30s")
    service = numbers.url.removeprefix("http://")

    def ask(path: str = "/a?website=nginx&q=a%26b", **headers: str) -> httpx.Response:
        given = {"host": "www.shop.example", "user-agent": IPHONE}
        return httpx.get(f"http://127.0.0.1:{port}{path}", headers=given | headers, timeout=60)

    def started() -> bool:
        try:
            return ask("/a.css").status_code == 200
        except httpx.TransportError:
            return False

    def configured(address: str, service: str, key: str = KEY) -> str:
        filled = text.replace("pages.internal:8080", address.removeprefix("http://"))
        return filled.replace("numbers.internal:8000", service).replace("KEY", key)

    with site() as address:
        with nginx(tmp_path, configured(address, service)):
            until(started)
            response = ask(referer="https://blog.example/post", **{"x-ringpool-url": "http://a/"})
            number = numbers.holder("nginx")
            assert response.text == swapped(number)
            assert response.headers["cache-control"] == "private, no-store"
            assert ask("/style.css").text == PAGE
        for broken in (
            configured(address, f"127.0.0.1:{free_port()}"),
            configured(address, service, "wrong" * 5),
        ):
            with nginx(tmp_path, broken):
                until(started)
                response = ask()
                assert (response.status_code, response.text) == (200, PAGE)


_RUN_PHP = """<?php
require 'ringpool.php';
$_SERVER = ['HTTPS' => 'on', 'HTTP_HOST' => 'www.shop.example', 'REMOTE_ADDR' => '192.0.2.1',
  'REQUEST_URI' => '/a?website=php&q=a%26b', 'HTTP_REFERER' => 'https://blog.example/',
  'HTTP_USER_AGENT' => getenv('AGENT')];
echo json_encode(ringpool_numbers(['+18005550100' => '(800) 555-0100', '+18005550199' => 'ours']));
"""


def test_php(numbers: Numbers, tmp_path: Path) -> None:
    """A number for the target that has a pool, and the printed ones for all else."""
    php = program("php")
    example = (SERVERS / "ringpool.php").read_text()
    (tmp_path / "ringpool.php").write_text(example.replace("=> 0.3", "=> 30"))
    (tmp_path / "run.php").write_text(_RUN_PHP)

    def ask(url: str) -> dict[str, dict[str, str]]:
        settings = {"RINGPOOL_URL": url, "RINGPOOL_KEY": KEY, "AGENT": IPHONE}
        done = subprocess.run(
            [php, "-d", "error_reporting=-1", "-d", "display_errors=stderr", "run.php"],
            cwd=tmp_path,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert (done.returncode, done.stderr) == (0, "")
        shown: dict[str, dict[str, str]] = json.loads(done.stdout)
        return shown

    own = {"number": "+18005550199", "display": "ours"}
    found = ask(numbers.url)
    number = found[TARGET]["number"]
    assert found == {TARGET: {"number": number, "display": national(number)}, "+18005550199": own}
    assert numbers.last_click(number)["device"] == "phone"
    assert numbers.holder("php") == number
    gone = ask(f"http://127.0.0.1:{free_port()}")
    assert gone == {TARGET: {"number": TARGET, "display": PRINTED}, "+18005550199": own}


def test_amp(numbers: Numbers) -> None:
    """What amp-list asks for is answered with what its template shows, from an AMP cache too."""
    example = (SERVERS / "amp.html").read_text()
    (source,) = re.findall(r'src="([^"]+)"', example)
    page = "https://www.shop.example/a?website=amp&q=a%26b"
    values = {
        "SOURCE_URL": quote(page, safe=""),
        "DOCUMENT_REFERRER": quote("https://blog.example/", safe=""),
        "CLIENT_ID(ringpool)": "amp-hZ3_aBcD-0123456789",
    }
    url = unescape(source).replace("https://numbers.example", "")
    for name, value in values.items():
        assert name in url
        url = url.replace(name, value)
    cache = "https://www-shop-example.cdn.ampproject.org"
    response = numbers.client.get(
        f"{url}&__amp_source_origin={quote('https://www.shop.example')}",
        headers={"origin": cache, "user-agent": IPHONE},
    )
    assert response.headers["access-control-allow-origin"] in ("*", cache)
    answer = response.json()
    (entry,) = answer["swaps"]
    assert numbers.holder("amp") == entry["number"]
    (template,) = re.findall(r"<template[^>]*>(.*?)</template>", example, re.DOTALL)
    link = '<a href="tel:{}">{}</a>'
    assert rendered(template, answer) == link.format(entry["number"], national(entry["number"]))
    assert rendered(template, {"swaps": []}) == link.format(TARGET, PRINTED)


def filled(text: str, entry: dict[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda value: entry[value[1]], text)


def rendered(template: str, answer: dict[str, list[dict[str, str]]]) -> str:
    """The sections and values that the example has of mustache."""

    def section(found: re.Match[str]) -> str:
        inverted, name, inner = found.groups()
        entries = answer[name]
        if inverted == "^":
            return "" if entries else inner
        return "".join(filled(inner, entry) for entry in entries)

    pattern = r"{{([#^])(\w+)}}(.*?){{/\2}}"
    return re.sub(pattern, section, template, flags=re.DOTALL).strip()


def test_mail(numbers: Numbers) -> None:
    """A campaign's number stands in its mail; without the service, the printed one."""

    def ask(url: str) -> str:
        done = subprocess.run(
            [sys.executable, SERVERS / "mail.py"],
            env={**os.environ, "RINGPOOL_URL": url, "RINGPOOL_KEY": KEY},
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    text = ask(numbers.url)
    number = numbers.holder("mail")
    assert f"Call us: {national(number)} (tel:{number})\n" in text
    assert f"Call us: {PRINTED} (tel:{TARGET})\n" in ask(f"http://127.0.0.1:{free_port()}")


def test_the_page_lists_every_example() -> None:
    """Its links lead to all the files of the folder."""
    page = (DOCS / "servers.md").read_text()
    linked = set(re.findall(r"\]\(servers/([^)]+)\)", page))
    assert linked == {path.name for path in SERVERS.iterdir()}
