"""A store that isn't what its URL says: one line that names the setting, and exit status 1."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ringpool.cli.conftest import Run
from tests.ringpool.config.test_config_file import COMPLETE
from tests.servers import stores
from tests.servers.cluster import Cluster
from tests.servers.service import RINGPOOL, environment


@pytest.fixture(scope="module")
def guarded() -> Iterator[stores.Server]:
    """A server that wants a password."""
    with stores.valkey(requirepass="the-right-one") as server:
        yield server


@pytest.fixture(scope="module")
def watcher() -> Iterator[stores.Server]:
    """A Sentinel that watches nobody."""
    with stores.sentinel_server({}) as server:
        yield server


CASES = [
    ("redis://127.0.0.1:{valkey}/99", "no database of that number"),
    ("redis+sentinel://127.0.0.1:{valkey}/numbers", "is no Sentinel"),
    ("redis+cluster://127.0.0.1:{valkey}", "is no cluster"),
    ("redis://:a-SECRET@127.0.0.1:{valkey}", "the store none"),
    ("redis://127.0.0.1:{guarded}", "wants a password"),
    ("redis://:a-SECRET@127.0.0.1:{guarded}", "refuses the user name or password"),
    ("redis+cluster://:a-SECRET@127.0.0.1:{guarded}", "refuses the user name or password"),
    ("redis://127.0.0.1:{watcher}", "is a Sentinel"),
    ("redis+sentinel://127.0.0.1:{watcher}/numbers", "no Sentinel knows"),
    ("redis://127.0.0.1:{cluster}/3", "database of that number"),
]


@pytest.mark.parametrize(("url", "named"), CASES)
def test_a_wrong_store_is_one_line(
    run: Run,
    emptied_server: stores.Server,
    guarded: stores.Server,
    watcher: stores.Server,
    cluster_server: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    named: str,
) -> None:
    """No traceback, and no password."""
    servers = {"valkey": emptied_server, "guarded": guarded, "watcher": watcher}
    ports = {name: server.port for name, server in servers.items()}
    ports["cluster"] = cluster_server.primaries[0].port
    monkeypatch.setenv("RINGPOOL_REDIS_URL", url.format(**ports))
    for result in (run("apply", "-", stdin=COMPLETE), run("doctor")):
        assert result.exit_code == 1
        [line] = [line for line in result.output.splitlines() if "RINGPOOL_REDIS_URL" in line]
        assert named in line
        assert "SECRET" not in result.output
    assert run("doctor").stderr == ""


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"RINGPOOL_REDIS_URL": "{url}/99"}, "RINGPOOL_REDIS_URL: the store has no database"),
        ({"RINGPOOL_WAIT_AOF": "yes"}, "RINGPOOL_WAIT_AOF: the store's append-only file is off"),
    ],
)
def test_the_service_does_not_start_on_one(
    emptied_server: stores.Server, tmp_path: Path, more: dict[str, str], named: str
) -> None:
    """The same line, before anything listens. What may come later is warned of."""
    url = emptied_server.url
    settings = {"RINGPOOL_REDIS_URL": url, "RINGPOOL_WAIT_REPLICAS": "1", "RINGPOOL_WAIT_AOV": "1"}
    settings |= {name: value.format(url=url) for name, value in more.items()}
    ended = subprocess.run(
        [RINGPOOL, "serve", "--port", "0"],
        env={**environment(), **settings},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    warning, error = ended.stderr.splitlines()
    assert warning.startswith("Warning: RINGPOOL_WAIT_AOV: ")
    assert error.startswith(f"Error: {named}")


def test_what_replicas_cannot_hold_is_said(
    run: Run, emptied_server: stores.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too few for a number fail; a number too small, ``all`` without Sentinel get a warning."""

    def doubts(wanted: str) -> list[str]:
        monkeypatch.setenv("RINGPOOL_WAIT_REPLICAS", wanted)
        lines = run("doctor").stdout.splitlines()
        return [line[:4].strip() for line in lines if "  RINGPOOL_WAIT_REPLICAS: " in line]

    assert [doubts(wanted) for wanted in ("0", "1", "all")] == [[], ["fail"], []]
    with stores.replica_of(emptied_server):
        assert [doubts(wanted) for wanted in ("0", "1", "2", "all", "all-1")] == [
            ["warn"],
            [],
            ["fail"],
            ["warn"],
            ["warn"],
        ]


def test_a_misspelt_setting_is_warned_of(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command says so on stderr, with the name that is nearest; doctor finds it."""
    monkeypatch.setenv("RINGPOOL_REDIS_TIMEOUT", "100")
    monkeypatch.setenv("RINGPOOL_SERVICE_HOST", "10.0.0.1")  # a Kubernetes service's
    monkeypatch.setenv("RINGPOOL_PORT_80_TCP_ADDR", "10.0.0.1")
    result = run("pool", "list", "--json")
    assert (result.exit_code, result.stdout) == (0, "[]\n")
    meant = "RINGPOOL_REDIS_TIMEOUT: there is no such setting; RINGPOOL_REDIS_TIMEOUT_MS is one"
    assert result.stderr == f"Warning: {meant}\n"
    assert f"warn  settings: {meant}" in run("doctor").stdout
