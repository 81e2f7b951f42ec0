"""What Ringpool is measured against gives numbers, too."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlencode

import pytest

from loadtests.tools import pools, requests, services
from tests.servers import stores


def test_one_script_call_a_request(tmp_path: Path) -> None:
    """The same script, called without anything around it."""
    pytest.importorskip("asyncpg", reason="make bench installs it")
    query = {"ring_pool_key": requests.KEY, "website": "a", "location": "b", "path": "c"}
    cores = frozenset(os.sched_getaffinity(0))
    with stores.valkey() as store:
        pools.configure(store.url, [pools.pool("held", 212, 1)])
        app, variables = "loadtests.tools.alternatives:on_evalsha", {"ALTERNATIVE_URL": store.url}
        with services.asgi(app, tmp_path, cores, variables) as service:
            for state in (b'"new"', b'"held"'):
                status, body = services.get(
                    f"{service.url}/api/v1/ring_pools/held/allocate_number.json?{urlencode(query)}"
                )
                assert status == 200, body
                assert state in body
                assert b"+12120000000" in body
