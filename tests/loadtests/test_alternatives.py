"""What Ringpool is measured against gives numbers, too."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from loadtests.tools import pools, requests
from tests.servers import stores


def test_one_script_call_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same script, called without anything around it."""
    alternatives = pytest.importorskip("loadtests.tools.alternatives", reason="needs asyncpg")
    with stores.valkey() as store:
        monkeypatch.setenv("ALTERNATIVE_URL", store.url)
        pools.configure(store.url, [pools.pool("held", 212, 1)])
        tuple_ = {"website": "a", "location": "b", "path": "c"}
        with TestClient(alternatives.on_evalsha) as client:
            for state in ("new", "held"):
                answer = client.get(
                    "/api/v1/ring_pools/held/allocate_number.json",
                    params={"ring_pool_key": requests.KEY, **tuple_},
                )
                assert answer.status_code == 200, answer.text
                assert f'"{state}"' in answer.text
                assert "+12120000000" in answer.text
