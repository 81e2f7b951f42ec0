"""The example of docs/operators.md that tells where visitors are, run by a real nginx."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.api.conftest import ADMIN
from tests.docs.test_servers import DOCS, nginx
from tests.servers.process import free_port, until
from tests.servers.service import serving

NUMBERS = ["+12126660101", "+12136660101", "+18886660101"]
HEADERS = {
    "RINGPOOL_TRUSTED_PROXIES": "127.0.0.1",
    "RINGPOOL_COUNTRY_HEADER": "X-Visitor-Country",
    "RINGPOOL_AREA_HEADER": "X-Visitor-Area",
}


def test_where_visitors_are(tmp_path: Path) -> None:
    """A visitor's number is of the area of his network, whatever he says himself."""
    settings = {"RINGPOOL_DATA_DIR": str(tmp_path / "data"), "RINGPOOL_ADMIN_TOKEN": ADMIN}
    (tmp_path / "data").mkdir()
    port = free_port()
    text = (DOCS / "operators" / "nginx-areas.conf").read_text()
    for name, value in HEADERS.items():
        assert f"{name}={value}" in text
    inside = text[text.index("http {") + len("http {") : text.rindex("}")]
    inside = inside.replace("listen 127.0.0.1:8080;", f"listen 127.0.0.1:{port};")
    with (
        serving(tmp_path / "data", settings=settings | HEADERS) as service,
        httpx.Client(base_url=service.url, timeout=60) as client,
    ):
        auth = {"authorization": f"Bearer {ADMIN}"}
        pool = {
            "account": "a",
            "parameters": ["website"],
            "numbers": NUMBERS,
            "allow_overflow": False,
            "swap_targets": ["+18005550100"],
            "match": "area",
        }
        for path, body in (("accounts/a", {}), ("pools/p", pool)):
            made = client.put(f"/admin/v1/{path}", json=body, headers=auth)
            assert made.status_code == 201, made.text
        inside = inside.replace("http://127.0.0.1:8000", service.url)

        def number(**headers: str) -> str:
            query = {"account": "a", "url": "https://shop.example/?website=w"}
            url = f"http://127.0.0.1:{port}/v1/swap"
            answer = httpx.get(url, params=query, headers=headers, timeout=60).json()
            return str(answer["swaps"][0]["number"])

        def started() -> bool:
            try:
                return httpx.get(f"http://127.0.0.1:{port}/livez", timeout=60).status_code == 200
            except httpx.TransportError:
                return False

        with nginx(tmp_path, inside):
            until(started)
            assert number() == NUMBERS[0]  # 127.0.0.0/8 is New York in the example
            assert number(**{"x-visitor-area": "213", "x-visitor-country": "US"}) == NUMBERS[0]
        elsewhere = inside.replace('127.0.0.0/8     "212', '127.0.0.0/8     "312')
        assert elsewhere != inside
        with nginx(tmp_path, elsewhere):
            until(started)
            assert number() == NUMBERS[2]
