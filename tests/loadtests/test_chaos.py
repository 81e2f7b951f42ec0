"""The chaos run: what its ledger tells, and one round of real processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loadtests.chaos import report
from loadtests.chaos.clock import SteppedClock
from loadtests.chaos.faults import all_faults
from loadtests.chaos.ledger import Ledger, Promise
from loadtests.chaos.network import network
from loadtests.chaos.proxy import Proxy
from loadtests.chaos.rounds import Result
from tests.servers.process import NotInstalled, Place, until
from tests.servers.stores import valkey

A, B = "+12010000001", "+12010000002"


@pytest.mark.parametrize(
    ("promises", "lost", "doubled"),
    [
        ([Promise(A, "one", 0, 100), Promise(A, "one", 0, 100)], 0, 0),  # told again
        ([Promise(A, "one", 0, 100), Promise(A, "two", 100, 200)], 0, 0),  # recycled in time
        ([Promise(A, "one", 0, 100), Promise(A, "two", 99, 199)], 0, 1),
        ([Promise(A, "one", 0, 100), Promise(B, "one", 99, 199)], 1, 0),
        ([Promise(A, "one", 0, 100), Promise(B, "one", 100, 200)], 0, 0),
        # Two others come into one promise, of which the second is all over before the first ends.
        (
            [Promise(A, "one", 0, 100), Promise(A, "two", 10, 20), Promise(A, "one", 30, 130)],
            0,
            1,
        ),
    ],
)
def test_a_broken_promise_is_found(promises: list[Promise], lost: int, doubled: int) -> None:
    """Whatever order the answers came in."""
    for order in (promises, promises[::-1]):
        ledger = Ledger()
        for promise in order:
            ledger.note("new", promise)
        assert (len(ledger.lost()), len(ledger.doubled())) == (lost, doubled)


def test_a_promise_that_is_over_early_by_the_askers_clock_is_broken() -> None:
    """Though by the store's clock, which was stepped, it had ended; and once, not twice."""
    ledger = Ledger()
    ledger.note("new", Promise(A, "one", 0, 100), Promise(A, "one", 7_001, 7_099))
    ledger.note("recycled", Promise(A, "two", 5_000, 5_100), Promise(A, "two", 7_050, 7_149))
    assert (len(ledger.lost()), len(ledger.doubled())) == (0, 1)
    ledger.note("new", Promise(B, "one", 50, 150), Promise(B, "one", 7_051, 7_150))
    assert (len(ledger.lost()), len(ledger.doubled())) == (1, 1)


def test_a_page_keeps_the_rows_of_faults_that_were_not_run(tmp_path: Path) -> None:
    """Rows are in the order of the faults, in whatever pieces they were written."""
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- chaos: begin -->\nnothing yet\n<!-- chaos: end -->\nafter\n")
    first, second, third = list(all_faults())[:3]
    report.write(page, [(second, Result(rounds=20, answers=1234))])
    report.write(page, [(third, "no root"), (first, Result(rounds=7))])
    report.write(page, [(second, "no root"), (third, Result(rounds=8))])
    lines = page.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    rows = [line.split(" | ") for line in lines if line.startswith("| ")][2:]
    assert [(row[0].removeprefix("| "), row[3]) for row in rows] == [
        (first.name, "7"),
        (second.name, "20"),
        (third.name, "8"),
    ]
    assert {len(row) for row in rows} == {len(report.cells(first, "no root"))}


@contextmanager
def _or_skipped(*, in_ci: bool) -> Iterator[None]:
    """Skip a test that can't run here; ``in_ci``: there too, where it would fail."""
    try:
        yield
    except NotInstalled as missing:
        if os.environ.get("CI") and not in_ci:
            raise
        pytest.skip(str(missing))


def test_packets_between_machines_are_dropped_until_it_heals() -> None:
    """Both ways, without a reset, and on a connection that goes on afterwards."""
    with _or_skipped(in_ci=True), network() as machines:
        one, other, third = (machines.machine() for _ in range(3))
        with valkey(place=one, protected_mode="no") as store:

            def asks(place: Place) -> subprocess.Popen[bytes]:
                return subprocess.Popen(
                    [
                        *place.command,
                        sys.executable,
                        "-c",
                        _ASK,
                        store.place.address,
                        str(store.port),
                    ],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )

            with asks(other) as asker, asks(third) as bystander:
                assert _answer(asker) == b"+PONG\r\n"
                assert _answer(bystander) == b"+PONG\r\n"
                machines.cut([one], [other])
                assert _answer(bystander) == b"+PONG\r\n"
                assert _answer(asker) == b"silence\n"
                machines.heal()
                until(lambda: _answer(asker) == b"+PONG\r\n")


_ASK = """
import socket, sys
server = socket.create_connection(sys.argv[1:])
server.settimeout(0.3)
for _ in sys.stdin:
    try:
        server.sendall(b"PING\\r\\n")
        print(server.recv(100).decode().strip("\\n"), flush=True)
    except TimeoutError:
        print("silence", flush=True)
"""


def _answer(asker: subprocess.Popen[bytes]) -> bytes:
    assert asker.stdin is not None
    assert asker.stdout is not None
    asker.stdin.write(b"\n")
    asker.stdin.flush()
    return asker.stdout.readline()


def test_a_clock_steps_under_a_running_store(tmp_path: Path) -> None:
    """Ahead, back, and to what it should be."""
    with _or_skipped(in_ci=False):
        clock = SteppedClock(tmp_path)
    with valkey(place=clock.place) as store:
        for seconds in (0, 3600, -10, 0):
            clock.step_to(seconds)
            ahead = store.command("TIME")[0] - time.time()
            assert abs(ahead - seconds) < 2, seconds


@pytest.mark.parametrize("how", [Proxy.reset, Proxy.cut_replies, Proxy.half_close])
def test_a_bad_network_ends_connections(how: Callable[[Proxy], None]) -> None:
    """Those that are open, each in its own way; the next one is whole."""
    with valkey() as store, Proxy(store.port).running() as proxy:
        address = ("127.0.0.1", proxy.port)
        with socket.create_connection(address, timeout=30) as client:
            assert _ping(client) == b"+PONG\r\n"
            how(proxy)
            got = b""
            try:
                while piece := _ping(client):
                    got += piece
            except ConnectionError:
                got += b"reset"
            assert got.removesuffix(b"reset") in (b"", b"+PO")
            assert got.endswith(b"reset") == (how is not Proxy.half_close)
        with socket.create_connection(address, timeout=30) as client:
            assert _ping(client) == b"+PONG\r\n"


def _ping(client: socket.socket) -> bytes:
    client.sendall(b"PING\r\n")
    return client.recv(100)


def test_a_round_of_real_processes_keeps_every_promise() -> None:
    """The shortest fault, by the command that runs them all."""
    command = [
        sys.executable,
        "-m",
        "loadtests.chaos",
        "--rounds",
        "1",
        "--only",
        "^store killed · e",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| store killed | embedded | - | 1 |" in done.stdout
