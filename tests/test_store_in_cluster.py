"""The store of k8s/overlays/store-inside, as real processes on loopback: its own files run them.

A pod that comes back has another address; here, another port.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import yaml

from allocator.embedded import valkey_binary
from tests.servers.process import free_port, running, until
from tests.servers.programs import program
from tests.servers.service import RINGPOOL, environment, serving

FOLDER = Path(__file__).parent.parent / "k8s" / "overlays" / "store-inside"
SCRIPT = FOLDER / "cluster.sh"
POOLS = """
accounts:
  - id: acme
pools:
  - {id: ads, account: acme, key: the-key-of-ads-0123456789, parameters: [source],
     overflow_number: "+12126660199", numbers: ["+12126660101", "+12126660102"]}
"""


@dataclass
class Node:
    """One pod: ``folder`` outlives it, its address doesn't."""

    folder: Path
    password: str
    port: int = 0
    bus: int = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def command(self, *words: Any) -> Any:
        with redis.Redis(
            port=self.port, username="operator", password=self.password, protocol=2
        ) as client:
            return client.execute_command(*words)

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """The server with the configuration of the ConfigMap, on new ports."""
        self.port, self.bus = free_port(), free_port()
        text = (FOLDER / "valkey.conf").read_text()
        text = text.replace("/etc/valkey/", f"{self.folder.parent}/")
        text = text.replace("dir /data", f"dir {self.folder}").replace("port 6379", "")
        text += f"bind 127.0.0.1\nport {self.port}\ncluster-port {self.bus}\n"
        # A second, and no wait before a copy: the test would wait for it, nothing else.
        text = text.replace("cluster-node-timeout 5000", "cluster-node-timeout 1500")
        text += "repl-diskless-sync-delay 0\n"
        configuration = self.folder / "valkey.conf"
        configuration.write_text(text)
        command = [valkey_binary(), configuration, "--cluster-announce-ip", "127.0.0.1"]
        with running(command, self.folder / "log") as process:
            yield process

    def role(self) -> str:
        return str(self.command("INFO", "replication")["role"])


@pytest.fixture(scope="module")
def secret() -> dict[str, str]:
    """What `make-secret` prints."""
    printed = subprocess.run([FOLDER / "make-secret"], stdout=subprocess.PIPE, check=True).stdout
    made: dict[str, str] = yaml.safe_load(printed)["stringData"]
    return made


@pytest.fixture
def nodes(tmp_path: Path, secret: dict[str, str]) -> list[Node]:
    program("redis-cli")
    for name in ("users.acl", "replication.conf"):
        (tmp_path / name).write_text(secret[name])
    folders = [tmp_path / f"valkey-{position}" for position in range(6)]
    for folder in folders:
        folder.mkdir()
    return [Node(folder, secret["operator-password"]) for folder in folders]


def started(stack: ExitStack, nodes: list[Node]) -> list[subprocess.Popen[bytes]]:
    """All nodes, each with what its second container runs."""
    processes = [stack.enter_context(node.running()) for node in nodes]
    for node in nodes:
        until(lambda node=node: node.command("PING"))
        stack.enter_context(
            running(
                ["sh", SCRIPT, "join", node.address],
                node.folder / "join.log",
                environment=settings(nodes),
            )
        )
    return processes


def settings(nodes: list[Node]) -> dict[str, str]:
    return {
        **environment(),
        "CLI": "redis-cli",
        "REDISCLI_AUTH": nodes[0].password,
        "NODES": " ".join(node.address for node in nodes),
    }


def script(nodes: list[Node], *words: str) -> int:
    """Run the script as a container does; its status."""
    command = ["sh", SCRIPT, *words]
    return subprocess.run(command, env=settings(nodes), timeout=100, check=False).returncode


def roles(nodes: list[Node]) -> list[str]:
    return [node.role() for node in nodes]


def layout(node: Node) -> set[tuple[str, ...]]:
    """Each node's id, whether it is a primary, whose replica, and its slots: no addresses."""
    listed = node.command("CLUSTER NODES")
    return {
        (facts["node_id"], facts["master_id"], str(facts["slots"])) for facts in listed.values()
    }


@pytest.mark.timeout(200)
def test_six_become_a_cluster_and_stay_one(nodes: list[Node], secret: dict[str, str]) -> None:
    """Formed once, formed again without a change, all killed and back with other addresses."""
    with ExitStack() as stack:
        processes = started(stack, nodes)
        assert script(nodes, "ready", nodes[0].address) != 0
        assert script(nodes, "form") == 0
        assert roles(nodes) == ["master"] * 3 + ["slave"] * 3
        until(lambda: all(script(nodes, "ready", node.address) == 0 for node in nodes))
        formed = layout(nodes[0])
        assert len({primary for _, primary, _ in formed}) == 4  # three primaries, and none
        assert script(nodes, "form") == 0
        assert layout(nodes[0]) == formed
        number = told(nodes, secret)
        for process in processes:
            process.kill()
    with ExitStack() as stack:
        started(stack, nodes)
        until(lambda: all(script(nodes, "ready", node.address) == 0 for node in nodes))
        assert layout(nodes[0]) == formed
        assert told(nodes, secret) == number


@pytest.mark.timeout(200)
def test_a_half_formed_cluster_is_completed_and_a_stop_hands_over(nodes: list[Node]) -> None:
    """The Job may be killed after any step; a primary that is asked to stop is replaced at once."""
    with ExitStack() as stack:
        processes = started(stack, nodes)
        nodes[0].command("CLUSTER ADDSLOTSRANGE", 0, 5460)
        assert script(nodes, "form") == 0
        assert roles(nodes) == ["master"] * 3 + ["slave"] * 3
        until(lambda: all(script(nodes, "ready", node.address) == 0 for node in nodes))
        processes[0].terminate()
        processes[0].wait(30)
        until(lambda: roles(nodes[1:]).count("master") == 3)
        logs = [(node.folder / "log").read_text() for node in nodes[3:]]
        assert any("Forced failover primary request accepted" in log for log in logs)


def told(nodes: list[Node], secret: dict[str, str]) -> str:
    """The number that a service in this cluster gives a tuple, confirmed as the overlay says."""
    hosts = ",".join(node.address for node in nodes)
    options = {
        "RINGPOOL_REDIS_URL": f"redis+cluster://ringpool:{secret['password']}@{hosts}",
        "RINGPOOL_WAIT_REPLICAS": "all",
    }
    folder = nodes[0].folder.parent / "service"
    folder.mkdir(exist_ok=True)
    (folder / "pools.yaml").write_text(POOLS)
    subprocess.run(
        [RINGPOOL, "apply", "pools.yaml"], cwd=folder, env={**environment(), **options}, check=True
    )
    with serving(folder, settings=options) as service:
        answer = httpx.get(
            f"{service.url}/api/v1/ring_pools/ads/allocate_number.json",
            params={"ring_pool_key": "the-key-of-ads-0123456789", "source": "a"},
            timeout=20,
        )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["number"])
