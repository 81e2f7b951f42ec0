"""The Grafana dashboard: each of its queries is run by a Prometheus that scrapes a real service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.monitoring.rules import MONITORING, write_rules
from tests.servers.process import free_port, running, until
from tests.servers.programs import program
from tests.servers.service import serving

CONFIGURATION = """
accounts: [{id: acme, origins: []}]
pools:
  - id: ads
    account: acme
    key: pool-key-0123456789abcdef
    parameters: [website]
    min_duration: 1s
    numbers: ["+18885550157", "+18885550158"]
    stock: spare
    max_size: 3
    overflow_number: "+18005550197"
    swap_targets: ["+18005550100"]
    landing_url: https://www.acme.example/
stocks: [{id: spare, account: acme, numbers: ["+18885550159", "+18885550160"]}]
"""
TOKEN = "metrics-token-0123456789"


def queries() -> list[str]:
    """Every panel's, with what Grafana would put in place of its variables."""
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text("utf-8"))
    (pools,) = [v for v in dashboard["templating"]["list"] if v["type"] == "query"]
    assert pools["query"]["query"] == "label_values(ringpool_pool_size, pool)"
    return [
        target["expr"].replace("$__rate_interval", "1m").replace("$pool", ".*")
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    ]


def test_every_query_of_the_dashboard_has_a_result(tmp_path: Path) -> None:
    """Visits between two scrapes, and then no query is wrong or empty."""
    prometheus = program("prometheus")
    settings = {
        "RINGPOOL_ADMIN_TOKEN": "admin-token-0123456789",
        "RINGPOOL_METRICS_TOKEN": TOKEN,
    }
    with (
        serving(tmp_path, settings=settings) as service,
        httpx.Client(base_url=service.url, timeout=30) as client,
    ):
        set_up(client)
        port = free_port()
        log = tmp_path / "prometheus.log"
        with running(
            [
                prometheus,
                f"--config.file={configured(tmp_path, service.url)}",
                f"--storage.tsdb.path={tmp_path / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
            ],
            log,
        ):
            ask = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)

            def value(query: str) -> list[Any]:
                reply = ask.get("/api/v1/query", params={"query": query})
                found: dict[str, Any] = reply.json()
                assert found["status"] == "success", (query, found)
                result: list[Any] = found["data"]["result"]
                return result

            def scraped(times: int) -> bool:
                found = value("count_over_time(ringpool_store_up[5m])")
                return bool(found) and int(found[0]["value"][1]) >= times

            with ask:
                until(lambda: _tried(lambda: scraped(1)))
                visit(client)
                seen = int(value("count_over_time(ringpool_store_up[5m])")[0]["value"][1])
                until(lambda: scraped(seen + 7))  # each text is shown for a second
                until(lambda: value("pool:ringpool_overflow:ratio15m"))
                empty = [query for query in queries() if not value(query)]
                assert not empty


def _tried(do: Any) -> bool:
    try:
        return bool(do())
    except (httpx.TransportError, ValueError):  # it doesn't listen, or isn't ready yet
        return False


def set_up(client: httpx.Client) -> None:
    """Make the account, its stock and its pool."""
    document = yaml.safe_load(CONFIGURATION)
    for kind in ("accounts", "stocks", "pools"):
        for entity in document[kind]:
            name = entity.pop("id")
            made = client.put(
                f"/admin/v1/{kind}/{name}",
                json=entity,
                headers={"authorization": "Bearer admin-token-0123456789"},
            )
            assert made.status_code == 201, made.text


def visit(client: httpx.Client) -> None:
    """A page's load and swaps, a link, the number API; some that get no number."""
    client.get("/dni.js", params={"account": "acme"})
    for place in range(6):
        page = f"https://www.acme.example/?website=w{place}"
        swap = client.get("/v1/swap", params={"account": "acme", "url": page})
        assert swap.status_code == 200, swap.text
    client.get("/t/ads?website=link")
    path = "/api/v1/ring_pools/ads/allocate_number.json"
    client.get(path, params={"ring_pool_key": "pool-key-0123456789abcdef", "website": "w1"})


def configured(folder: Path, url: str) -> Path:
    """Prometheus' configuration: the service, once a second, and the rules."""
    path = folder / "prometheus.yaml"
    document = {
        "global": {"scrape_interval": "500ms", "evaluation_interval": "500ms"},
        "rule_files": [str(write_rules(folder))],
        "scrape_configs": [
            {
                "job_name": "ringpool",
                "authorization": {"credentials": TOKEN},
                "static_configs": [{"targets": [url.removeprefix("http://")]}],
            }
        ],
    }
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path
