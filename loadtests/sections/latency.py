"""How long answers take at 60 % of the peak rate, requests sent whether answers come or not.

wrk sends the next request when an answer has come, so a service that stalls is asked less and looks
fast. Here requests are sent by the clock on 32 keep-alive connections; one that waits for a free
connection is timed from when it was due. The bare endpoint shows what the machine and this client
add.
"""

from __future__ import annotations

import gc
import itertools
import re
import select
import socket
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from loadtests.figures import Figure, Target, of_rounds
from loadtests.section import Bench, Section
from loadtests.sections.http import measured_services
from loadtests.tools import requests, wrk

SHARE = 0.6
_GIVE_UP_SECONDS = 10.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


def constant_rate(url: str, paths: Iterator[str], rate: float, seconds: float) -> list[float]:
    """Send ``rate`` requests a second; seconds from due to answered, of each, in no order.

    Raises RuntimeError for an answer that isn't 200, or when answers stop coming.
    """
    parts = urlsplit(url)
    address = (str(parts.hostname), int(parts.port or 80))
    tail = f" HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: {wrk.USER_AGENT}\r\n\r\n"
    connections = [socket.create_connection(address) for _ in range(wrk.CONNECTIONS)]
    free = deque(connections)  # in turn, so that all are used
    by_descriptor = {connection.fileno(): connection for connection in connections}
    sent: dict[int, float] = {}
    due: deque[float] = deque()
    took: list[float] = []
    gc.disable()
    try:
        with select.epoll() as ready:
            for connection in connections:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                ready.register(connection, select.EPOLLIN)
            start = time.perf_counter()
            count, total = 0, int(rate * seconds)
            while len(took) < total:
                now = time.perf_counter()
                if now - start > seconds + _GIVE_UP_SECONDS:
                    raise RuntimeError(f"{url}: {total - len(took)} of {total} unanswered")
                while count < total and start + count / rate <= now:
                    due.append(start + count / rate)
                    count += 1
                while due and free:
                    connection = free.popleft()
                    connection.send(f"GET {next(paths)}{tail}".encode())
                    sent[connection.fileno()] = due.popleft()
                wait = start + count / rate - time.perf_counter() if count < total else 0.1
                for descriptor, _ in ready.poll(max(0.0, wait)):
                    connection = by_descriptor[descriptor]
                    if not _answer(connection).startswith(b"HTTP/1.1 200"):
                        raise RuntimeError(f"{url}: an answer other than 200")
                    took.append(time.perf_counter() - sent.pop(descriptor))
                    free.append(connection)
    finally:
        gc.enable()
        for connection in connections:
            connection.close()
    return took


def _answer(connection: socket.socket) -> bytes:
    """One answer, read to its content-length: the bare endpoint's comes in two pieces."""
    answer = connection.recv(65536)
    length = _LENGTH.search(answer)
    whole = answer.find(b"\r\n\r\n") + 4 + (int(length[1]) if length else 0)
    while len(answer) < whole and (more := connection.recv(65536)):
        answer += more
    return answer


def percentile(values: list[float], share: float) -> float:
    """The value that ``share`` (0 to 1) of the values don't exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _held() -> Iterator[str]:
    path = f"/api/v1/ring_pools/held/allocate_number.json?ring_pool_key={requests.KEY}"
    known = [path + "".join(f"&{k}={v}" for k, v in t.items()) for t in requests.tuples()]
    return itertools.cycle(known)


def _new() -> Iterator[str]:
    path = f"/api/v1/ring_pools/new/allocate_number.json?ring_pool_key={requests.KEY}"
    run = time.time_ns()
    return (f"{path}&website=l-{run}&location=loc-{i}&path=home" for i in itertools.count())


def _measure(bench: Bench) -> list[Figure]:
    figures = []
    with measured_services(bench) as (ours, plain):
        loads: dict[str, tuple[str, str, Callable[[], Iterator[str]]]] = {
            "held": (ours.url, requests.number_api("held"), _held),
            "new": (ours.url, requests.number_api_new("new"), _new),
            "bare": (plain.url, requests.bare(), lambda: itertools.repeat("/bare")),
        }
        for name, (url, script, paths) in loads.items():
            wrk.run(bench.folder, url, script, bench.seconds)
            peaks = [wrk.run(bench.folder, url, script, bench.seconds).rate for _ in range(3)]
            rate = SHARE * statistics.median(peaks)
            constant_rate(url, paths(), rate, 1)
            runs = [constant_rate(url, paths(), rate, bench.seconds) for _ in range(bench.rounds)]
            meaning = f"p99 next to p50 of {name} at {SHARE:.0%} of its peak rate"
            tails = [percentile(took, 0.99) / percentile(took, 0.5) for took in runs]
            target = Target(at_most=4) if url == ours.url else None
            figures.append(
                of_rounds(f"{name}_p99_to_p50", tails, meaning, target=target, less_is_better=True)
            )
            for share in (50, 99):
                values = [percentile(took, share / 100) * 1000 for took in runs]
                meaning = f"{share} % of answers come within, at {SHARE:.0%} of the peak rate"
                figures.append(of_rounds(f"{name}_p{share}", values, meaning, unit="ms"))
    return figures


SECTION = Section(
    "Latency at 60 % of the peak rate", ["held_p99_to_p50", "new_p99_to_p50"], _measure
)
