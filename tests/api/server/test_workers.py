"""Several workers on one port: connections are spread, and none waits for a dead worker."""

from __future__ import annotations

import os
import re
import signal
import socket
from pathlib import Path

import httpx
import pytest

from api.server.workers import listen
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
    """The worker processes."""
    lists = Path(f"/proc/{running.process.pid}/task").glob("*/children")
    children = [int(word) for children in lists for word in children.read_text().split()]
    return [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


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
