"""The proxy and the unit of docs/security/hardening.md, run and checked as they are written."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from api.ad_servers.bulk import MAX_BODY_BYTES as BULK_BYTES
from api.managers.resources import MAX_BODY_BYTES as DOCUMENT_BYTES
from api.pages.page_operations import MAX_FORM_BYTES as FORM_BYTES
from ringpool.cli import main
from ringpool.security.keyring import ADMIN_TOKEN_FILE, SIGNING_KEY_FILE
from tests.api.conftest import ADMIN
from tests.docs.test_servers import DOCS, nginx
from tests.servers.certificates import certificate
from tests.servers.process import free_port, until
from tests.servers.service import RINGPOOL, serving

FOLDER = DOCS / "security"
VISITOR = {"x-forwarded-for": "198.51.100.7", "x-forwarded-proto": "http"}
"""What a visitor may claim."""


def test_nginx(tmp_path: Path) -> None:
    """It speaks TLS, says itself who asks, and keeps out what is too long, too much, not public."""
    port = free_port()
    text = (FOLDER / "nginx.conf").read_text()
    assert "RINGPOOL_TRUSTED_PROXIES=127.0.0.1 " in text
    inside = text[text.index("http {") + len("http {") : text.rindex("}")]
    data = tmp_path / "data"
    data.mkdir()
    settings = {"RINGPOOL_ADMIN_TOKEN": ADMIN, "RINGPOOL_TRUSTED_PROXIES": "127.0.0.1"}
    with serving(data, settings=settings) as service, certificate() as files:
        for written, here in {
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "server 127.0.0.1:8000": f"server {service.url.removeprefix('http://')}",
            "/etc/nginx/numbers.example.pem": str(files.certificate),
            "/etc/nginx/numbers.example.key": str(files.key),
            "rate=50r/s": "rate=1r/s",  # however slow the machine is
        }.items():
            assert inside.count(written) == 1
            inside = inside.replace(written, here)
        trusting = ssl.create_default_context(cafile=str(files.certificate))
        address = f"https://127.0.0.1:{port}"
        with (
            nginx(tmp_path, inside),
            httpx.Client(base_url=address, verify=trusting, timeout=60) as client,
        ):

            def started() -> bool:
                try:
                    return client.get("/livez").status_code == 200
                except httpx.TransportError:
                    return False

            until(started)
            assert client.get("/no-such-path", headers=VISITOR).status_code == 404
            (logged,) = [
                line
                for line in map(json.loads, (data / "log").read_text().splitlines())
                if line.get("path") == "/no-such-path"
            ]
            assert logged["client"] == "127.0.0.1"
            manager = {"authorization": f"Bearer {ADMIN}"}
            for path in ("/metrics", "/readyz"):
                assert client.get(path, headers=manager).status_code == 404
                direct = httpx.get(f"{service.url}{path}", headers=manager, timeout=60)
                assert direct.status_code == 200
            assert client.get("/admin/v1/accounts", headers=manager).status_code == 403
            form = {"content-type": "text/plain"}
            long = client.post("/v1/ping", content=b"a=" + b"x" * 20_000, headers=form)
            assert (long.status_code, "nginx" in long.text) == (413, True)
            within = 0
            while client.get("/livez").status_code == 200:
                within += 1
            assert within >= 190  # the burst, less what was asked for before
            assert client.get("/v1/verify").status_code == 429
            assert client.get("/api/v1/ring_pools/p/allocate_number.json").status_code == 404


def test_the_proxy_lets_through_what_the_service_takes() -> None:
    """Its limits on bodies are those of the service, so that nothing is refused that is meant."""
    text = (FOLDER / "nginx.conf").read_text()
    sizes = re.findall(r"client_max_body_size +(\d+)([km]);", text)
    factors = {"k": 1024, "m": 1024 * 1024}
    assert [int(size) * factors[unit] for size, unit in sizes] == [
        FORM_BYTES,
        BULK_BYTES,
        DOCUMENT_BYTES,
    ]


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """Every directive is one that systemd knows, and it finds the service little exposed."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze isn't installed")
    text = (FOLDER / "ringpool.service").read_text()
    assert text.count("/opt/ringpool/bin/ringpool") == 1
    unit = tmp_path / "ringpool.service"
    unit.write_text(text.replace("/opt/ringpool/bin/ringpool", str(RINGPOOL)))
    told = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (0, "")
    weighed = ["systemd-analyze", "security", "--offline=true", "--threshold=25", unit]
    subprocess.run(weighed, check=True, stdout=subprocess.DEVNULL)


def test_the_units_command_and_file_modes_are_those_of_the_service() -> None:
    """It takes the options that the unit gives it, and the guide names every file it keeps."""
    text = (FOLDER / "ringpool.service").read_text()
    (line,) = re.findall(r"^ExecStart=\S+ serve (.*)$", text, re.MULTILINE)
    main.commands["serve"].make_context("serve", line.split())
    assert "UMask=0077" in text
    guide = (FOLDER / "hardening.md").read_text("utf-8")
    for name in (ADMIN_TOKEN_FILE, SIGNING_KEY_FILE):
        assert f"`{name}`" in guide


def test_what_the_threat_model_names_is_there() -> None:
    """Every row says what shows it, or that nothing stops it; each file and test exists."""
    text = (FOLDER / "threat-model.md").read_text("utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")][1:]
    assert [row for row in rows if len(row) != 5] == []
    for _boundary, _threat, stops, shown, _remains in rows:
        file = ""
        for name in re.findall("`([^`]+)`", shown):
            path, _, test = name.partition("::")
            file = path or file
            source = (DOCS.parent / file).read_text("utf-8")
            assert not test or f"def {test}(" in source, name
        assert file or stops == "Nothing"
