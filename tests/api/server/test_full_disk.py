"""A disk that fills under an embedded store: what was answered stays, and nothing dies."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import ADMIN, KEY
from tests.api.server.test_serving import AUTH, ask, make_pool, store_of
from tests.api.server.test_workers import workers
from tests.api.service import PATIENCE_SECONDS
from tests.servers.process import NotInstalled, until
from tests.servers.service import RINGPOOL, Service, serving
from tests.servers.small_disk import fill, small_disk

MEGABYTE = 1 << 20


def test_nothing_answered_is_lost_on_a_full_disk(tmp_path: Path) -> None:
    """Before the disk is full, new tuples are refused and the store writes no more; tuples keep
    their numbers, and still have them when all is killed on the full disk. No worker dies. It goes
    on by itself when there is space again."""
    try:
        with small_disk(tmp_path / "disk", 16 * MEGABYTE) as disk:
            _fill_and_kill(tmp_path, disk)
    except NotInstalled as missing:
        pytest.skip(str(missing))


def _fill_and_kill(folder: Path, disk: Path) -> None:
    settings = {
        "RINGPOOL_DATA_DIR": str(disk),
        "RINGPOOL_ADMIN_TOKEN": ADMIN,
        "RINGPOOL_MIN_FREE_MB": "4",
    }
    with (
        serving(folder, "--workers", "2", settings=settings) as running,
        httpx.Client(base_url=running.url, timeout=PATIENCE_SECONDS) as client,
    ):
        make_pool(client)
        held = {name: ask(client, name)["number"] for name in "abcdef"}
        both = workers(running)
        filler = fill(disk)
        while (more := asked(client, f"tuple-{len(held)}")).status_code == 200:
            if more.json()["state"] == "new":  # until it is refused: what it answers must stay
                held[f"tuple-{len(held)}"] = more.json()["number"]
        until(lambda: _is_limited(running))
        assert refused(client, "new")
        assert refused_change(client)
        doctor = subprocess.run(
            [RINGPOOL, "doctor"], env={**os.environ, **settings}, capture_output=True, text=True
        )
        assert doctor.returncode == 1
        assert "fail  disk: 0 MB free: less than 1.6 MB are free" in doctor.stdout
        assert {name: ask(client, name)["number"] for name in held} == held
        assert client.get("/v1/swap?account=acme&url=https://a.example/").status_code == 200
        free = client.get("/metrics", headers=AUTH).text.partition("\nringpool_disk_free_bytes ")[2]
        assert int(free.partition("\n")[0]) < 4 * MEGABYTE
        assert workers(running) == both
        running.process.send_signal(signal.SIGSTOP)  # it would start the store again
        os.kill(store_of(running), signal.SIGKILL)
        running.process.kill()
    filler.unlink()
    with (
        serving(folder, "--workers", "2", settings=settings) as running,
        httpx.Client(base_url=running.url, timeout=PATIENCE_SECONDS) as client,
    ):
        for name, number in held.items():
            answer = ask(client, name)
            assert (answer["number"], answer["state"]) == (number, "held")
        filler = fill(disk, MEGABYTE)
        until(lambda: _is_limited(running))
        filler.unlink()
        until(lambda: not _is_limited(running))
        until(lambda: not refused(client, "new"))
        assert ask(client, "new")["number"] not in held.values()


def _is_limited(running: Service) -> bool:
    """Whether both workers, asked over and over, say what doesn't go on."""
    answers = [httpx.get(f"{running.url}/readyz").json() for _ in range(8)]
    assert {answer["status"] for answer in answers} == {"ready"}
    return all("less than 1.6 MB are free" in answer.get("limited", "") for answer in answers)


def asked(client: httpx.Client, website: str) -> httpx.Response:
    """What the number API answers a tuple."""
    query = {"ring_pool_key": KEY, "website": website}
    return client.get("/api/v1/ring_pools/acme-pool/allocate_number.json", params=query)


def refused(client: httpx.Client, website: str) -> bool:
    """Whether a tuple is refused, as if the store were away."""
    answer = asked(client, website)
    assert answer.status_code in (200, 503)
    return answer.status_code == 503 and "retry-after" in answer.headers


def refused_change(client: httpx.Client) -> bool:
    """Whether a change of the configuration is refused in the same way."""
    headers = {"authorization": f"Bearer {ADMIN}"}
    answer = client.put("/admin/v1/accounts/other", json={}, headers=headers)
    return answer.status_code == 503 and "retry-after" in answer.headers
