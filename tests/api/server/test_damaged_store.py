"""A service whose embedded store lost something: it says so, and can be repaired."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.api.conftest import ADMIN
from tests.api.server.test_full_disk import refused
from tests.api.server.test_serving import ask, make_pool
from tests.api.service import PATIENCE_SECONDS, service
from tests.servers.service import RINGPOOL


def ringpool(folder: Path, *arguments: str) -> tuple[int, list[str]]:
    """Run a command on the data directory; returns its exit status and what it printed."""
    done = subprocess.run(
        [RINGPOOL, *arguments],
        env={**os.environ, "RINGPOOL_DATA_DIR": str(folder), "RINGPOOL_ADMIN_TOKEN": ADMIN},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    return done.returncode, done.stdout.strip().splitlines()


def test_a_repaired_store_gives_no_number_that_it_may_have_promised(tmp_path: Path) -> None:
    """Its end is lost: the service doesn't start, and the line that it prints says how it does.
    Then tuples that are still known keep their numbers, and no other gets one until all that may
    have been promised is over."""
    with service(tmp_path) as running:
        make_pool(running.client)
        held = ask(running.client, "a")["number"]
        (path,) = (tmp_path / "appendonlydir").glob("*.incr.aof")
        known = path.stat().st_size
        lost = ask(running.client, "b")["number"]
        assert running.stop() == 0
        assert lost != held
    os.truncate(path, known)
    status, (line,) = ringpool(tmp_path, "serve", "--port", "0")
    assert status == 1
    assert "has lost its last " in line
    assert "ringpool check --repair-aof" in line
    assert ringpool(tmp_path, "check")[0] == 1
    status, lines = ringpool(tmp_path, "check", "--repair-aof")
    assert status == 0
    assert "warn  commands: appendonly.aof.1.incr.aof has lost its last " in lines[0]
    assert lines[1].startswith("warn  pool acme-pool: gives nothing new until 20")
    status, (line, audited) = ringpool(tmp_path, "check")
    assert status == 0
    assert line.startswith("ok    appendonly.aof.1.incr.aof: ")
    assert audited == "ok    pools: 1 agree with themselves and the rest"
    with service(tmp_path) as running:
        assert ask(running.client, "a")["number"] == held
        assert refused(running.client, "b")
        assert refused(running.client, "c")
        _, lines = ringpool(tmp_path, "doctor")
        assert any("pools that rest" in line and "acme-pool until" in line for line in lines)
        status, (line, audited) = ringpool(tmp_path, "check")  # beside a service too
        assert (status, line) == (0, "ok    files: not looked at: a service works on them")
        assert audited.startswith("ok    pools: 1 agree")
        assert ringpool(tmp_path, "check", "--repair-aof")[0] == 2
