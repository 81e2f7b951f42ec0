"""`ringpool check-page` as its users type it: a real service, a real browser, the suite's pages."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ringpool.cli.check_page import check_page_command
from ringpool.page_check.tree import DEEPEST
from snippet import bundle
from tests.servers.process import free_port
from tests.servers.service import RINGPOOL, Service, environment, serving
from tests.snippet.conformance import browser as browsers
from tests.snippet.conformance import service as site

PAGES = Path(__file__).parents[2] / "snippet" / "pages"
TAG = '<script async src="{url}/dni.js?account={account}"></script>'
CONFIGURATION = """
accounts:
  - {{id: open, name: Any page}}
  - {{id: closed, name: Other pages, origins: ["https://www.shop.example"]}}
  - {{id: ours, name: These pages, origins: ["{origin}"]}}
  - {{id: real, name: The suite's landing pages}}
  - {{id: idle, name: No targets}}
pools:
  - {{id: main, account: open, parameters: [website], allow_overflow: false,
     numbers: ["+18885550101"], swap_targets: ["+18005550100", "+442079460100"]}}
  - {{id: dentist, account: real, parameters: [website], allow_overflow: false,
     numbers: ["+18885550104"], swap_targets: ["+442071838750"]}}
  - {{id: hotel, account: real, parameters: [website], allow_overflow: false,
     numbers: ["+18885550105"], swap_targets: ["+4930123456"]}}
  - {{id: plumber, account: real, parameters: [website], allow_overflow: false,
     numbers: ["+18885550106"], swap_targets: ["+18005550100"]}}
  - {{id: people, account: ours, type: visitor, allow_overflow: false,
     numbers: ["+18885550102"], swap_targets: ["+18005550100"]}}
  - {{id: shut, account: closed, parameters: [website], allow_overflow: false,
     numbers: ["+18885550103"], swap_targets: ["+18005550100"]}}
"""

BROWSER = os.environ.get("RINGPOOL_CHROMIUM") or shutil.which("chromium")
LOOKS = (("--no-browser",), *([("--browser", BROWSER)] if BROWSER else []))

pytestmark = pytest.mark.timeout(300)  # it starts a browser for every look

Check = Callable[..., Any]


@pytest.fixture(scope="module")
def web() -> Iterator[site.Service]:
    """A web server for pages, on an origin of its own."""
    with site.Service().running() as web:
        yield web
    assert web.faults == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the service has its data."""
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def service(folder: Path, web: site.Service) -> Iterator[Service]:
    """A running service, with accounts that pages from anywhere, here or elsewhere may ask."""
    with serving(folder) as running:
        subprocess.run(
            [RINGPOOL, "apply", "-"],
            cwd=folder,
            env=environment(),
            input=CONFIGURATION.format(origin=web.at("127.0.0.1")),
            text=True,
            check=True,
            capture_output=True,
        )
        yield running


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line in a folder without a store, with no setting."""
    folder = tmp_path_factory.mktemp("nowhere")

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        if "--no-browser" in words:  # in this process: faster
            told = CliRunner().invoke(check_page_command, list(map(str, words)))
            return subprocess.CompletedProcess(words, told.exit_code, told.stdout, told.stderr)
        words = (RINGPOOL, "check-page", *words)
        return subprocess.run(
            list(map(str, words)), cwd=folder, env=environment(), text=True, capture_output=True
        )

    return run


@pytest.fixture
def in_browser(run: Check, web: site.Service) -> Check:
    """Check a page of the web server in the browser: its exit status, and its report."""
    if BROWSER is None:
        browsers.missing("Chromium isn't installed (Debian's chromium, or RINGPOOL_CHROMIUM)")
    return checked(run, web, "--browser", BROWSER)


@pytest.fixture
def in_html(run: Check, web: site.Service) -> Check:
    """The same by the HTML alone."""
    return checked(run, web, "--no-browser")


def checked(run: Check, web: site.Service, *options: object) -> Check:
    """Serve a page and check it, with those options."""

    def check(html: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        web.pages["/page"] = site.Page(html.encode(), headers=headers or {})
        result = run(web.at("127.0.0.1", "/page"), "--json", *options)
        assert result.stderr == ""
        return result.returncode, json.loads(result.stdout)

    return check


def tag(service: Service, account: str = "open", attributes: str = "") -> str:
    """The account's tag."""
    written = TAG.format(url=service.url, account=account)
    return written.replace("<script", f"<script {attributes}") if attributes else written


def page(head: str, body: str = "<p>Call 800-555-0100</p>") -> str:
    """A page with that in its head and body."""
    return f"<!doctype html><html><head><title>Shop</title>{head}</head><body>{body}</body></html>"


def level(report: Any, subject: str) -> str:
    """The worst that is said of a subject; "" when nothing is."""
    levels = [f["level"] for f in report["findings"] if f["subject"] == subject]
    return next((worst for worst in ("fail", "warn", "ok") if worst in levels), "")


def message(report: Any, subject: str) -> str:
    """All that is said of a subject."""
    return "\n".join(f["message"] for f in report["findings"] if f["subject"] == subject)


def test_a_page_in_the_browser(service: Service, in_browser: Check) -> None:
    """What the script swaps is counted, wherever it stands; what stays has its reason."""
    body = """
      <p>Call 800-<b>555</b>-0100 or <a href="tel:+18005550100">(800) 555-0100</a></p>
      <p data-rp-noswap>Fax 800-555-0100</p><p>SKU8005550100</p>
      <div id=late></div><x-card></x-card>
      <iframe srcdoc="<p>Frame: 800-555-0100</p>"></iframe>
      <p>Also 888-869-5345</p>DEEP
      <script>
        setTimeout(() => late.textContent = "Late: 800-555-0100", 300);
        document.querySelector("x-card").attachShadow({mode: "open"}).innerHTML = "800-555-0100";
        document.currentScript.remove();
      </script>"""
    deep = "<div>" * 2 * DEEPEST + "Deep: 800-555-0100" + "</div>" * 2 * DEEPEST
    status, report = in_browser(page(tag(service), body.replace("DEEP", deep)))
    (main, british) = report["targets"]
    assert (main["found"], main["swapped"]) == (9, 7)
    assert [place["reason"]["kind"] for place in main["refused"]] == ["owner", "other"]
    assert british["found"] == 0
    assert report["looked_with"].startswith("Chromium")
    assert report["version"] == bundle.VERSION
    assert "+18888695345" in message(report, "other numbers")
    assert level(report, "origin") == "ok"
    assert status == 0, report["findings"]


def test_a_page_by_its_html(service: Service, in_html: Check) -> None:
    """The same of what stands in the HTML; what a script would write isn't seen."""
    status, report = in_html(
        page(tag(service), "<p>800-555-0100</p><p data-rp-noswap>800-555-0100")
    )
    assert (report["targets"][0]["found"], report["targets"][0]["swapped"]) == (2, 1)
    assert report["looked_with"] == "HTML alone"
    assert status == 0


@pytest.mark.parametrize("name", ["dentist", "hotel"])
def test_both_see_the_same_on_real_pages(
    name: str, service: Service, in_browser: Check, in_html: Check
) -> None:
    """On the suite's landing pages the HTML alone tells of each number what the browser does."""
    html = (PAGES / f"{name}.html").read_text("utf-8")
    html = re.sub("<head[^>]*>", lambda head: head[0] + tag(service, "real"), html, count=1)
    by_browser, by_html = in_browser(html)[1], in_html(html)[1]
    assert sum(target["swapped"] for target in by_html["targets"]) > 2
    assert told(by_browser) == told(by_html)


def told(report: Any) -> list[object]:
    """What a report says of each target, but for the elements around it: browsers add some."""
    return [
        (t["number"], t["found"], t["swapped"], [(r["text"], r["reason"]) for r in t["refused"]])
        for t in report["targets"]
    ]


def test_a_page_without_a_tag(in_html: Check) -> None:
    """It is a problem, said in one line."""
    status, report = in_html(page(""))
    assert (status, level(report, "tag")) == (1, "fail")


def test_a_tag_from_a_tag_manager(service: Service, in_browser: Check) -> None:
    """A tag that a script adds is seen in the browser, also when it is taken away again."""
    add = """<script>var tag = document.createElement("script"); tag.src = "%s";
      tag.onload = () => tag.remove(); document.head.appendChild(tag)</script>"""
    status, report = in_browser(page(add % f"{service.url}/dni.js?account=open"))
    assert (status, report["targets"][0]["swapped"]) == (0, 1), report["findings"]


def test_an_unknown_account(service: Service, in_html: Check) -> None:
    """The service's own words are passed on."""
    status, report = in_html(page(tag(service, "nobody")))
    assert (status, level(report, "account")) == (1, "fail")
    assert "nobody" in message(report, "account")


def test_an_account_without_targets(service: Service, in_html: Check) -> None:
    """There is nothing to swap on any of its pages."""
    status, report = in_html(page(tag(service, "idle")))
    assert (status, level(report, "targets")) == (1, "fail")
    assert "swap_targets" in message(report, "targets")


def test_a_page_without_any_target(service: Service, in_html: Check) -> None:
    """Its own number is named, so that a typing error shows."""
    status, report = in_html(page(tag(service), "<p>Call 800-555-0101"))
    assert (status, level(report, "targets")) == (1, "fail")
    assert level(report, "other numbers") == "warn"
    assert "+18005550101" in message(report, "other numbers")


def test_origins(service: Service, web: site.Service, in_html: Check, run: Check) -> None:
    """A page on another origin than the account's is told which; one on its own is fine."""
    status, report = in_html(page(tag(service, "closed")))
    assert (status, level(report, "origin")) == (1, "fail")
    assert web.at("127.0.0.1") in message(report, "origin")
    status, report = in_html(page(tag(service, "ours")))
    assert (status, level(report, "origin")) == (0, "ok")


def test_consent(service: Service, in_html: Check, in_browser: Check) -> None:
    """Which pools wait for it, by the tag's attribute or by Google Consent Mode."""
    report = in_html(page(tag(service, "ours", "data-consent=required")))[1]
    assert "people" in message(report, "consent")
    denied = "<script>dataLayer = [['consent', 'default', {ad_storage: 'denied'}]]</script>"
    report = in_browser(page(denied + tag(service, "ours")))[1]
    assert "ad_storage" in message(report, "consent")


def test_a_policy_that_keeps_the_script_out(service: Service, in_browser: Check) -> None:
    """The policy is named, and the script doesn't start: nothing is said to be swapped."""
    policy = {"content-security-policy": "script-src 'self'"}
    status, report = in_browser(page(tag(service)), policy)
    assert (status, level(report, "policy"), level(report, "script")) == (1, "fail", "fail")
    assert report["targets"][0]["swapped"] == 0


def test_a_policy_that_lets_it_in(service: Service, in_browser: Check) -> None:
    """With the page's nonce and connect-src all is well, and the check itself isn't stopped."""
    policy = {"content-security-policy": f"script-src 'nonce-x'; connect-src {service.url}"}
    status, report = in_browser(page(tag(service, attributes="nonce=x")), policy)
    assert (status, level(report, "policy")) == (0, "ok"), report["findings"]
    assert report["targets"][0]["swapped"] == 1


def test_a_pinned_tag(service: Service, folder: Path, in_html: Check, in_browser: Check) -> None:
    """The printed one is fine; an old version, other settings and a wrong hash are problems."""
    pinned = subprocess.run(
        [RINGPOOL, "snippet", "open", "--pinned"],
        cwd=folder,
        env={**environment(), "RINGPOOL_PUBLIC_URL": service.url},
        text=True,
        check=True,
        capture_output=True,
    ).stdout
    status, report = in_browser(page(pinned))
    assert (status, level(report, "version"), level(report, "settings")) == (0, "ok", "")
    assert (report["pinned"], report["targets"][0]["swapped"]) == (bundle.VERSION, 1)

    status, report = in_browser(page(pinned.replace(bundle.VERSION, "0123456789ab")))
    assert (status, level(report, "version"), level(report, "script")) == (1, "fail", "fail")
    assert bundle.VERSION in message(report, "version")

    status, report = in_html(page(pinned.replace("+442079460100", "+442079460199")))
    assert (status, level(report, "settings")) == (1, "fail")

    status, report = in_html(page(pinned.replace("sha384-", "sha384-x")))
    assert (status, level(report, "version")) == (1, "fail")


def test_the_service_is_away(in_html: Check) -> None:
    """A tag that loads from nowhere is a problem of the page."""
    away = Service(f"http://127.0.0.1:{free_port()}", (), None)  # type: ignore[arg-type]
    status, report = in_html(page(tag(away)))
    assert (status, level(report, "service")) == (1, "fail")


def test_pages_that_cannot_be_looked_at(run: Check, web: site.Service, tmp_path: Path) -> None:
    """No such page, file or host, something else than HTML, a wrong option: status 2, one line."""
    web.pages["/picture"] = site.Page(b"GIF89a", "image/gif")
    nowhere = f"http://127.0.0.1:{free_port()}/"
    for address in (web.at("127.0.0.1", "/missing"), web.at("127.0.0.1", "/picture"), nowhere):
        result = run(address, "--no-browser")
        assert (result.returncode, result.stdout) == (2, ""), address
        assert re.fullmatch("Error: .+\n", result.stderr)
    for options in LOOKS:
        result = run(web.at("127.0.0.1", "/missing"), *options)
        assert result.returncode == 2
        assert re.fullmatch("Error: .+ answers 404\n", result.stderr)
    assert run(tmp_path / "missing.html").returncode == 2
    assert run("page.html", "--at", "www.shop.example").returncode == 2


def test_a_file(service: Service, run: Check, tmp_path: Path, web: site.Service) -> None:
    """A file is looked at as the page that it will be; without an address no origin is asked."""
    file = tmp_path / "page.html"
    file.write_text(page(tag(service, "ours")))
    lines = run(file, "--no-browser").stdout
    assert "ok    origin: not checked" in lines
    for options in LOOKS:
        result = run(file, "--at", web.at("127.0.0.1", "/new"), "--json", *options)
        report = json.loads(result.stdout)
        assert (result.returncode, level(report, "origin")) == (0, "ok"), report["findings"]
        assert report["page"] == web.at("127.0.0.1", "/new")
    assert run(file, "--at", "https://elsewhere.example/", "--no-browser").returncode == 1


def test_without_a_browser_the_html_is_read(service: Service, run: Check, tmp_path: Path) -> None:
    """A browser that doesn't start is a warning that says why; the check goes on."""
    file = tmp_path / "page.html"
    file.write_text(page(tag(service)))
    result = run(file, "--browser", tmp_path / "no-browser")
    assert result.returncode == 0
    assert re.search(r"^warn  browser: .*no-browser", result.stdout, re.MULTILINE)
    assert "once on the page, 1 would be swapped" in result.stdout
