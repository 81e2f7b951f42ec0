"""``ringpool serve``: processes, restarts, stops."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from allocator.embedded import EmbeddedServer
from tests.api.conftest import ADMIN, KEY
from tests.api.service import PATIENCE_SECONDS, Service, service
from tests.servers.process import until
from tests.servers.service import serving

AUTH = {"authorization": f"Bearer {ADMIN}"}


def make_pool(client: httpx.Client) -> None:
    """An account and a pool of 20 numbers."""
    account = client.put("/admin/v1/accounts/acme", json={}, headers=AUTH)
    assert account.status_code == 201, account.text
    body = {
        "account": "acme",
        "key": KEY,
        "parameters": ["website"],
        "overflow_number": "+12125550999",
        "numbers": [f"+1212555{index:04d}" for index in range(20)],
    }
    pool = client.put("/admin/v1/pools/acme-pool", json=body, headers=AUTH)
    assert pool.status_code == 201, pool.text


def ask(client: httpx.Client, website: str) -> dict[str, Any]:
    response = client.get(
        "/api/v1/ring_pools/acme-pool/allocate_number.json",
        params={"ring_pool_key": KEY, "website": website},
    )
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_two_hundred_new_tuples_at_once_and_twenty_numbers(tmp_path: Path) -> None:
    """Through two workers: 20 distinct holders, 180 overflow; one count, JSON lines."""
    with service(tmp_path, "--workers", "2") as running:
        make_pool(running.client)
        answers: list[dict[str, Any]] = []

        def some(first: int) -> None:
            answers.extend(ask(running.client, f"site-{index}") for index in range(first, 200, 10))

        threads = [threading.Thread(target=some, args=(first,)) for first in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        new = {answer["number"] for answer in answers if answer["state"] == "new"}
        assert len(new) == 20
        assert sum(answer["state"] == "overflow" for answer in answers) == 180
        metrics = running.client.get("/metrics", headers=AUTH).text
        assert metrics.count('ringpool_pool_size{pool="acme-pool"} 20.0') == 1
        assert running.client.get("/nowhere").status_code == 404
        log = tmp_path / "log"
        until(lambda: "/nowhere" in log.read_text())
        assert all(json.loads(line)["event"] for line in log.read_text().splitlines())
        count = 'ringpool_request_seconds_count{endpoint="allocate_number",status="200"} 200.0'
        assert count in metrics
        assert running.stop() == 0


def test_every_guarantee_survives_kill_9(tmp_path: Path) -> None:
    """Service and store killed, started again on the same port: the same tuples, their numbers."""
    with service(tmp_path, "--workers", "2") as running:
        make_pool(running.client)
        held = {name: ask(running.client, name)["number"] for name in "abcde"}
        os.kill(store_of(running), signal.SIGKILL)
        running.process.kill()
        running.process.wait()
        port = httpx.URL(running.url).port
    assert port is not None
    with service(tmp_path, "--workers", "2", port=port) as again:
        for name, number in held.items():
            answer = ask(again.client, name)
            assert (answer["state"], answer["number"]) == ("held", number)


def test_a_stop_lets_requests_end(tmp_path: Path) -> None:
    """Under load from keep-alive connections a stop resets none: every request is answered."""
    with service(tmp_path) as running:
        make_pool(running.client)
        stopping = threading.Event()
        broken: list[str] = []
        answered = [0]

        def visit() -> None:
            with httpx.Client(timeout=PATIENCE_SECONDS) as client:
                while True:
                    try:
                        response = client.get(f"{running.url}/readyz")
                    except httpx.ConnectError:
                        if not stopping.is_set():
                            broken.append("refused before the stop")
                        return
                    except httpx.HTTPError as error:
                        broken.append(repr(error))
                        return
                    answered[0] += 1
                    if response.status_code != 200:
                        broken.append(response.text)

        threads = [threading.Thread(target=visit) for _ in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: answered[0] > 50)
        stopping.set()
        assert running.stop() == 0
        for thread in threads:
            thread.join()
        assert broken == []


def test_a_head_without_end_is_cut_off(tmp_path: Path) -> None:
    """A request line that never ends is refused before it fills the memory."""
    with service(tmp_path) as running:
        url = httpx.URL(running.url)
        with socket.create_connection(
            (url.host, url.port or 80), timeout=PATIENCE_SECONDS
        ) as connection:
            answer = b""
            try:
                connection.sendall(b"GET /" + b"a" * 300_000)
                answer = connection.recv(100)
            except ConnectionError:
                pass
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
        assert running.client.get("/livez").status_code == 200


def test_a_service_that_cannot_start_prints_why_in_one_line(tmp_path: Path) -> None:
    """A wrong setting, a taken port, a data directory in use."""
    with service(tmp_path) as running:
        other = tmp_path / "other"
        other.mkdir()
        for data_dir, variables, message in (
            (tmp_path, {}, "RINGPOOL_DATA_DIR: "),
            (other, {"RINGPOOL_WORKERS": "many"}, "RINGPOOL_WORKERS: "),
            (other, {}, f":{httpx.URL(running.url).port}: "),
        ):
            done = refused(running, data_dir, variables)
            assert done.returncode == 1
            (line,) = done.stderr.strip().splitlines()
            assert message in line


def test_a_command_beside_it_does_not_keep_a_service_from_starting(tmp_path: Path) -> None:
    """A command without a service runs the store itself: a service that starts then waits."""
    command = EmbeddedServer(tmp_path)
    command.start()
    ending = threading.Timer(0.5, command.stop)
    ending.start()
    try:
        with service(tmp_path) as running:
            assert running.client.get("/readyz").status_code == 200
    finally:
        ending.join()


def store_of(running: Service) -> int:
    """The process id of the service's embedded store."""
    pid = running.process.pid
    children = Path(f"/proc/{pid}/task").glob("*/children")  # a thread of it may be the parent
    for child in (word for listed in children for word in listed.read_text().split()):
        if "valkey" in Path(f"/proc/{child}/comm").read_text():
            return int(child)
    raise LookupError("no store")


def refused(
    running: Service, data_dir: Path, variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Start a second service on the same port."""
    arguments = running.process.args
    assert isinstance(arguments, list)
    return subprocess.run(
        [str(arguments[0]), "serve", "--port", str(httpx.URL(running.url).port)],
        env={**os.environ, "RINGPOOL_DATA_DIR": str(data_dir), **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_store_may_die_while_the_service_runs(tmp_path: Path, workers: str) -> None:
    """The embedded store is started again, and no guarantee is lost."""
    with service(tmp_path, "--workers", workers) as running:
        make_pool(running.client)
        number = ask(running.client, "a")["number"]
        os.kill(store_of(running), signal.SIGKILL)
        until(lambda: running.client.get("/readyz").status_code == 200)
        assert ask(running.client, "a")["number"] == number


def test_a_worker_keeps_as_many_connections_as_the_setting_says(tmp_path: Path) -> None:
    """More than that come and are answered; those that sent nothing give way."""
    settings = {"RINGPOOL_DATA_DIR": str(tmp_path), "RINGPOOL_MAX_CONNECTIONS": "16"}
    with serving(tmp_path, settings=settings) as running:
        url = httpx.URL(running.url)
        assert httpx.get(f"{url}/livez").status_code == 200
        silent = [socket.create_connection((url.host, url.port)) for _ in range(50)]
        assert httpx.get(f"{url}/livez").status_code == 200
        closed = 0
        for connection in silent:
            connection.setblocking(False)
            with suppress(BlockingIOError):
                closed += connection.recv(1) == b""
            connection.close()
        assert closed >= 50 - 16
