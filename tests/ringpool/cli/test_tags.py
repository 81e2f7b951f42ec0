"""Whether the tag and the link that are printed lead to the service, which runs beside them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from ringpool.demo.entities import ACCOUNT, PLACEMENTS
from tests.servers.process import free_port
from tests.servers.service import RINGPOOL, Service, environment, serving


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Service]:
    """A service with the demo's data, on a port that no setting names."""
    with serving(folder, "--demo", last_line="Number API") as started:
        yield started


def run(
    folder: Path, *words: str, settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [RINGPOOL, *words],
        cwd=folder,
        env={**environment(), **(settings or {})},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done


COMMANDS = [("snippet", ACCOUNT), ("snippet", ACCOUNT, "--pinned"), ("link", PLACEMENTS)]


@pytest.mark.parametrize("words", COMMANDS)
def test_the_address_is_where_the_service_listens(
    service: Service, folder: Path, words: tuple[str, ...]
) -> None:
    """On whichever port it was started: known without a setting, and nothing to warn of."""
    done = run(folder, *words)
    assert f"{service.url}/" in done.stdout
    assert done.stderr == ""
    assert "warning" not in json.loads(run(folder, *words, "--json").stdout)


@pytest.mark.parametrize("words", COMMANDS)
def test_a_public_url_that_leads_nowhere_is_told(
    service: Service, folder: Path, words: tuple[str, ...]
) -> None:
    """The address is printed as it is set; stderr says that nobody answers there."""
    elsewhere = f"http://127.0.0.1:{free_port()}"
    settings = {"RINGPOOL_PUBLIC_URL": elsewhere}
    done = run(folder, *words, settings=settings)
    assert f"{elsewhere}/" in done.stdout
    assert done.stderr.startswith(f"warning: {elsewhere}/")
    assert "can't be reached" in done.stderr
    assert f"RINGPOOL_PUBLIC_URL ({elsewhere})" in done.stderr
    shown = json.loads(run(folder, *words, "--json", settings=settings).stdout)
    assert f"warning: {shown['warning']}\n" == done.stderr


def test_a_public_url_of_something_else_is_told(service: Service, folder: Path) -> None:
    """A web server that isn't Ringpool answers 200 for anything."""

    class Other(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        settings = {"RINGPOOL_PUBLIC_URL": f"http://127.0.0.1:{other.server_port}"}
        assert (
            "is answered by something else" in run(folder, *COMMANDS[0], settings=settings).stderr
        )
        other.shutdown()


def test_a_service_that_does_not_know_the_account_is_told(
    service: Service, folder: Path, tmp_path: Path
) -> None:
    """The tag of one installation with the address of another."""
    file = tmp_path / "ringpool.yaml"
    file.write_text("accounts: [{id: another}]")
    run(tmp_path, "apply", str(file))
    settings = {"RINGPOOL_PUBLIC_URL": service.url}
    done = run(tmp_path, "snippet", "another", settings=settings)
    assert "is answered by a service that doesn't know it (UnknownAccount)" in done.stderr


def test_checking_takes_nothing(service: Service, folder: Path) -> None:
    """The link is asked for with HEAD."""
    before = json.loads(run(folder, "pool", "status", PLACEMENTS, "--json").stdout)
    run(folder, "link", PLACEMENTS)
    after = json.loads(run(folder, "pool", "status", PLACEMENTS, "--json").stdout)
    assert (before["held"], before["new_total"]) == (after["held"], after["new_total"])
