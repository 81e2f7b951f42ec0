"""How long from the command to the first number, the embedded store included."""

from __future__ import annotations

import contextlib
import subprocess
import time
from pathlib import Path

from loadtests.figures import Figure, Target, of_rounds
from loadtests.section import Bench, Section
from loadtests.tools import pools, requests, services
from ringpool.config import config_file
from ringpool.model import Account, Configuration
from tests.servers.process import READY_SECONDS, free_port, running
from tests.servers.service import RINGPOOL, environment


def _measure(bench: Bench) -> list[Figure]:
    data = bench.folder / "data"
    account = Account(id=requests.ACCOUNT)
    wanted = Configuration(accounts=(account,), pools=(pools.pool("held", 212, 100),))
    file = bench.folder / "pools.yaml"
    file.write_text(config_file.write(wanted))
    subprocess.run(
        [RINGPOOL, "apply", file],
        env={**environment(), "RINGPOOL_DATA_DIR": str(data)},
        check=True,
        capture_output=True,
        timeout=60,
    )
    times = [_seconds_to_first_answer(bench, data) for _ in range(bench.rounds + 1)][1:]
    meaning = "`ringpool serve` with its embedded store, from the command to the first number"
    return [of_rounds("start", times, meaning, unit="s", target=Target(at_most=1.5))]


def _seconds_to_first_answer(bench: Bench, data: Path) -> float:
    port = free_port()
    url = (
        f"http://127.0.0.1:{port}/api/v1/ring_pools/held/allocate_number.json"
        f"?ring_pool_key={requests.KEY}&website=one"
    )
    variables = {**environment(), "RINGPOOL_DATA_DIR": str(data)}
    command = (RINGPOOL, "serve", "--port", str(port))
    started = time.perf_counter()
    with running(command, bench.folder / "log", environment=variables, cores=bench.core):
        while time.perf_counter() - started < READY_SECONDS:
            with contextlib.suppress(OSError):
                status, _ = services.get(url)
                if status == 200:
                    return time.perf_counter() - started
            time.sleep(0.002)
    raise RuntimeError("no answer after a start")


SECTION = Section("Start to first answer", ["start"], _measure)
