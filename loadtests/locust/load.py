"""``python -m loadtests.locust.load``: simulated users, headless, against a running service.

Prints locust's table and what the run is to show, and writes an HTML report with plots. Only a
service on this machine is loaded, unless ``--anywhere`` is given.
"""

from __future__ import annotations

# gevent has to come before everything that opens sockets.
from gevent import monkey

monkey.patch_all()

import ipaddress  # noqa: E402
import logging  # noqa: E402
import os  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402
from urllib.parse import urlsplit  # noqa: E402

import click  # noqa: E402
import gevent  # noqa: E402
import httpx  # noqa: E402
import msgspec  # noqa: E402
import psutil  # noqa: E402
from locust import stats  # noqa: E402
from locust.env import Environment  # noqa: E402
from locust.html import get_html_report  # noqa: E402

from loadtests.locust import scenario, verdicts  # noqa: E402
from loadtests.locust.failures import Failures  # noqa: E402
from loadtests.locust.verdicts import Plan, Second  # noqa: E402

_OUTCOMES = {True: "passed", False: "FAILED", None: "not judged"}
_TICK = 0.02
_DATA_DIR = Path(os.environ.get("RINGPOOL_DATA_DIR", ".ringpool"))


@click.command()
@click.argument("plan", type=click.Choice(["short", "knee", "soak", "spike"]), default="short")
@click.option("--url", default="http://127.0.0.1:8000", show_default=True)
@click.option("--users", default=60, show_default=True, help="Users to begin with.")
@click.option("--minutes", type=float, help="For short (default 0.5) and soak (default 30).")
@click.option("--report", default="load-report.html", type=click.Path(path_type=Path))
@click.option("--anywhere", is_flag=True, help="Load a service that isn't on this machine.")
@click.option("--prepare", is_flag=True, help="Only make the pools.")
def main(
    plan: str,
    url: str,
    users: int,
    minutes: float | None,
    report: Path,
    anywhere: bool,
    prepare: bool,
) -> None:
    """Load a running service with simulated users, and judge how it copes.

    \b
    short  constant load, half a minute: is anything answered with an error?
    knee   users rise in ten steps of ten seconds (--users, twice, … ten times as many): up to
           which step do more users get as many more answers?
    spike  twenty seconds of calm, ten with ten times the users, twenty of calm: are answers as
           quick as before within two seconds?
    soak   constant load, thirty minutes: is memory flat once everything there is was asked for?
           Judged from twenty minutes on.

    An error fails every plan. So does, with exit code 1, a "no" to its question.
    """
    if not anywhere:
        check_loopback(url)
    _make_pools(url)
    if prepare:
        return
    length = minutes or (30 if plan == "soak" else 0.5)
    found = run(verdicts.plan(plan, users=users, minutes=length), url, report)
    for verdict in found:
        click.echo(f"{_OUTCOMES[verdict.passed]}: {verdict.text}")
    click.echo(f"report: {report}")
    if any(verdict.passed is False for verdict in found):
        sys.exit(1)


def check_loopback(url: str) -> None:
    """Raise UsageError for a service that isn't on this machine's loopback."""
    host = urlsplit(url).hostname or ""
    try:
        addresses = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except OSError:
        addresses = {""}
    if not all(address and ipaddress.ip_address(address).is_loopback for address in addresses):
        raise click.UsageError(f"{host!r} is not this machine: --anywhere if you mean it")


def run(plan: Plan, url: str, report: Path) -> list[verdicts.Verdict]:
    """Run the plan, print the table, write the report; returns the verdicts."""
    os.environ["RINGPOOL_LOAD_PLAN"] = msgspec.json.encode(plan).decode()
    from loadtests.locust import locustfile  # reads the plan

    environment = Environment(
        user_classes=[
            locustfile.LandingPageVisitor,
            locustfile.LinkClicker,
            locustfile.AdServer,
            locustfile.CallCentre,
        ],
        shape_class=locustfile.Shape(),  # type: ignore[no-untyped-call]
        host=url,
    )
    seconds = [Second() for _ in range(int(plan.seconds) + 1)]
    memory: list[int] = []
    started = time.monotonic()
    failures = Failures(started)

    def record(response_time: float, exception: Exception | None, **_: Any) -> None:
        second = seconds[min(len(seconds) - 1, int(time.monotonic() - started))]
        second.answers += 1
        second.errors += exception is not None
        second.took_ms.append(response_time)

    environment.events.request.add_listener(record)
    environment.events.request.add_listener(failures.record)
    runner = environment.create_local_runner()
    stats.HISTORY_STATS_INTERVAL_SEC = max(1, int(plan.seconds) // 200)
    gevent.spawn(stats.stats_history, runner)  # what the report plots
    watches = [
        gevent.spawn(_watch_memory, _processes(url), memory),
        gevent.spawn(_watch_clock, started, seconds),
    ]
    runner.start_shape()
    limit = gevent.Timeout(plan.seconds + 60)
    limit.start()
    try:
        while runner.shape_greenlet is not None and not runner.shape_greenlet.ready():
            gevent.sleep(0.1)
    finally:
        limit.cancel()
        gevent.killall(watches)
        runner.quit()
    stats.console_logger.addHandler(logging.StreamHandler(sys.stdout))
    stats.console_logger.setLevel(logging.INFO)
    stats.print_stats(environment.stats, current=False)
    stats.print_percentile_stats(environment.stats)
    stats.print_error_report(environment.stats)
    for line in (*verdicts.table(plan, seconds), verdicts.curve(memory), *failures.report()):
        click.echo(line)
    report.write_text(get_html_report(environment), "utf-8")
    return verdicts.judge(plan, seconds[: int(plan.seconds)], memory)


def _make_pools(url: str) -> None:
    """The load test's account and pools, through the managers' API."""
    token_file = _DATA_DIR / "admin-token"
    token = os.environ.get("RINGPOOL_ADMIN_TOKEN")
    if not token and token_file.exists():
        token = os.environ["RINGPOOL_ADMIN_TOKEN"] = token_file.read_text().strip()
    if not token:
        raise click.UsageError("set RINGPOOL_ADMIN_TOKEN: the pools are made through the API")
    headers = {"Authorization": f"Bearer {token}"}
    documents = {f"accounts/{scenario.ACCOUNT}": {"name": "Load test"}} | {
        f"pools/{pool}": document for pool, document in scenario.pools().items()
    }
    with httpx.Client(base_url=f"{url}/admin/v1/", headers=headers, timeout=60) as client:
        for path, document in documents.items():
            try:
                response = client.put(path, json=document)
                if response.status_code == 428:  # of an earlier run, and another than this one's
                    response = client.put(path, json=document, headers={"If-Match": "*"})
            except httpx.TransportError as error:
                raise click.ClickException(f"{url}: {error} (is it running? make run)") from None
            if response.status_code >= 300:
                raise click.ClickException(f"{path}: {response.text}")


def _processes(url: str) -> Sequence[psutil.Process]:
    """The service's processes, when it runs on this machine and may be looked at."""
    port = urlsplit(url).port
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            listening = [c for c in process.net_connections() if c.status == psutil.CONN_LISTEN]
        except psutil.Error:
            continue
        if any(connection.laddr.port == port for connection in listening):
            found[process.pid] = process
    return list(found.values())


def _watch_memory(processes: Sequence[psutil.Process], memory: list[int]) -> None:
    while processes:
        try:
            memory.append(sum(process.memory_info().rss for process in processes))
        except psutil.Error:
            return
        gevent.sleep(1)


def _watch_clock(started: float, seconds: Sequence[Second]) -> None:
    """How long this program was kept from running: the service may have been as well."""
    while True:
        slept = time.monotonic()
        gevent.sleep(_TICK)
        now = time.monotonic()
        second = seconds[min(len(seconds) - 1, int(now - started))]
        second.held_up_ms = max(second.held_up_ms, (now - slept - _TICK) * 1000)


if __name__ == "__main__":
    main()
