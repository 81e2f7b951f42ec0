"""Several workers on one port: connections are spread, and none waits for a dead worker."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from api.server import workers as workers_module
from api.server.workers import listen
from loadtests.tools import machine
from tests.api.server.test_serving import AUTH
from tests.api.service import PATIENCE_SECONDS, Service, service
from tests.servers.process import free_port, until


def answered_by(running: Service, connections: int = 40) -> set[str]:
    """Which workers answer on that many connections: each marks its request ids."""
    clients = [
        httpx.Client(base_url=running.url, timeout=PATIENCE_SECONDS) for _ in range(connections)
    ]
    try:
        answers = [client.get("/readyz") for client in clients]
    finally:
        for client in clients:
            client.close()
    assert {answer.status_code for answer in answers} == {200}
    return {answer.headers["x-request-id"].partition("-")[0] for answer in answers}


def workers(running: Service) -> list[int]:
    """The worker processes: children of the one that forks them."""
    return machine.workers(running.process.pid)


def test_connections_are_spread(tmp_path: Path) -> None:
    """Of forty connections both workers get some."""
    with service(tmp_path, "--workers", "2") as running:
        assert len(answered_by(running)) == 2


def test_a_killed_workers_connections_wait_for_its_successor(tmp_path: Path) -> None:
    """Every connection that is made after a worker's death is answered, by two workers again."""
    with service(tmp_path, "--workers", "2") as running:
        before = answered_by(running)
        victim, survivor = workers(running)
        os.kill(victim, signal.SIGKILL)
        after = answered_by(running)
        assert len(after) == 2
        assert len(after - before) == 1
        assert survivor in workers(running)


def test_a_dead_worker_is_replaced_at_once(tmp_path: Path) -> None:
    """Killed while it doesn't respond, again and again: each time another is there in a moment, and
    the log and a metric tell of it. Its counts go on where it ended."""
    with service(tmp_path, "--workers", "2") as running:
        answered_by(running, 8)
        before = answered_requests(running)
        for _ in range(3):
            victim, survivor = sorted(workers(running))
            os.kill(victim, signal.SIGSTOP)
            frozen = time.monotonic()
            until(lambda frozen=frozen: time.monotonic() > frozen + 1)  # it has been asked by now
            os.kill(victim, signal.SIGKILL)
            until(lambda victim=victim: len(set(workers(running)) - {victim}) == 2, seconds=5)
            assert survivor in workers(running)
        assert answered_by(running, 8)
        assert answered_requests(running) >= before
        died = 'ringpool_worker_deaths_total{cause="SIGKILL"} 3.0'
        until(lambda: died in running.client.get("/metrics", headers=AUTH).text)
        log = (tmp_path / "log").read_text()
        assert log.count("(SIGKILL): another takes its place") == 3


def test_one_that_dies_again_and_again_is_started_less_often() -> None:
    """The pause doubles up to five seconds; there is none after one that ran for a while."""
    place = workers_module._Place(0, [])
    dead: Any = SimpleNamespace(began=time.monotonic())
    assert [place.pause_after(dead) for _ in range(8)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5]
    dead.began -= 3
    assert place.pause_after(dead) == 0


def test_an_app_that_does_not_start_is_not_tried_again(tmp_path: Path) -> None:
    """The workers end as one, with the reason; there is no use in starting them again and again."""
    program = """
import uvicorn
from api.server.workers import Workers, WorkersFailed, listen
try:
    Workers(uvicorn.Config("nowhere:app"), listen("127.0.0.1", 0, 2, 16)).run()
except WorkersFailed as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    assert done.stdout == "the workers don't start: the log says why\n"
    assert "nowhere" in done.stderr


def answered_requests(running: Service) -> float:
    """How many requests for /readyz all workers together have answered."""
    text = running.client.get("/metrics", headers=AUTH).text
    name = 'ringpool_request_seconds_count{endpoint="readyz",status="200"} '
    return float(text.partition(name)[2].partition("\n")[0])


def test_metrics_outlive_a_worker(tmp_path: Path) -> None:
    """Every connection to their port is answered after a worker's death, with what it counted."""
    port = free_port()
    with service(tmp_path, "--workers", "2", metrics_port=port) as running:
        answered_by(running)
        victim = workers(running)[0]
        os.kill(victim, signal.SIGKILL)
        until(lambda: victim not in workers(running))
        for _ in range(10):
            text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_SECONDS).text
            counted = re.search(r'_count{endpoint="readyz",status="200"} (\d+)', text)
            assert counted
            assert int(counted[1]) >= 40
        assert running.client.get(f"http://127.0.0.1:{port}/readyz").status_code == 404
        assert running.client.get("/metrics").status_code == 401
        assert running.stop() == 0


def test_hangup_replaces_the_workers(tmp_path: Path) -> None:
    """SIGHUP ends one worker after the other; what comes meanwhile is answered."""
    with service(tmp_path, "--workers", "2") as running:
        before = answered_by(running)
        running.process.send_signal(signal.SIGHUP)
        seen = set(before)
        while len(seen) < 4:
            seen |= answered_by(running, 4)
        running.process.send_signal(signal.SIGTTOU)  # changes nothing
        running.process.send_signal(signal.SIGTTIN)
        assert len(answered_by(running) - before) == 2
        assert running.stop() == 0


@pytest.mark.parametrize("count", [1, 2])
def test_no_other_process_may_listen_there(count: int) -> None:
    """A port is refused when it has a listener, though both would share it."""
    listeners = listen("127.0.0.1", 0, 2, 16)
    port = listeners[0].getsockname()[1]
    assert [each.getsockname()[1] for each in listeners] == [port, port]
    with pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", port, count, 16)
    for each in listeners:
        each.close()
    for each in listen("::1" if socket.has_ipv6 else "127.0.0.1", 0, count, 16):
        each.close()
