"""``ringpool doctor`` on stores and services that are set up weakly, one weakness each, and on one
that isn't."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ringpool.cli import main, service_setup
from tests.conftest import PATIENT_MS
from tests.docs.test_servers import DOCS
from tests.servers import stores
from tests.servers.certificates import certificate
from tests.servers.cluster import cluster3
from tests.servers.process import until

PASSWORD = "made-for-this-test"
STRONG = {
    "RINGPOOL_PUBLIC_URL": "https://numbers.example",
    "RINGPOOL_METRICS_TOKEN": "metrics-token-0123456789",
    "RINGPOOL_TRUSTED_PROXIES": "10.42.7.0/28, 2a04:4e40::/32, 104.16.0.0/13",
    "RINGPOOL_REDIS_TIMEOUT_MS": str(PATIENT_MS),
}


class Doctor:
    """Asks the doctor. ``settings``: those of the service that it looks at."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.settings = STRONG | {"RINGPOOL_DATA_DIR": str(self.data)}

    def run(self, *options: str, **more: str) -> Result:
        settings = self.settings | more
        with pytest.MonkeyPatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            return CliRunner().invoke(main, ["doctor", *options], catch_exceptions=False)

    def warnings(self, **more: str) -> dict[str, str]:
        """What it warns of, by subject; it doesn't fail for these."""
        result = self.run("--json", **more)
        assert result.exit_code == 0, result.stdout
        findings = json.loads(result.stdout)
        return {each["subject"]: each["message"] for each in findings if each["level"] == "warn"}


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    return Doctor(tmp_path)


def keep_a_file(server: stores.Server) -> None:
    """Turn the append-only file on. While the first is written the server can't be stopped."""
    server.command("CONFIG", "SET", "appendonly", "yes")

    def written() -> bool:
        info = server.command("INFO", "persistence")
        return not (info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"])

    until(written)


@contextmanager
def hardened() -> Iterator[stores.Server]:
    """A store with the hardening guide's users, the append-only file and TLS."""
    users = (DOCS / "security" / "store.acl").read_text("utf-8")
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
    lines = users.replace("SHA256-OF-THE-PASSWORD", digest).splitlines()
    with certificate() as files, stores.redis7_tls(files) as server:
        keep_a_file(server)
        server.command("ACL", "SETUSER", *lines[1].split()[1:])
        server.command("ACL", "SETUSER", *lines[0].split()[1:])
        yield server


def test_a_strong_setup_has_no_warning(doctor: Doctor) -> None:
    """As the hardening guide has it; what the store's user may not ask isn't held against it."""
    with hardened() as server:
        url = server.url.replace("://", f"://ringpool:{PASSWORD}@")
        assert doctor.warnings(RINGPOOL_REDIS_URL=url) == {}
        told = doctor.run(RINGPOOL_REDIS_URL=url).stdout
        assert "ok    append-only file: on; appendfsync couldn't be asked" in told
        assert "ok    store user: may not change how the store is set up" in told
        assert doctor.run("--strict", RINGPOOL_REDIS_URL=url).exit_code == 0


def test_each_weakness_of_a_store(doctor: Doctor) -> None:
    """One server, changed from one to the next. 0.0.0.0 reaches this machine, which isn't known."""
    with stores.valkey(appendonly="yes") as server:
        near = {"RINGPOOL_REDIS_URL": server.url}

        def told(name: str, **changed: str) -> str:
            for option, value in changed.items():
                server.command("CONFIG", "SET", option.replace("_", "-"), value)
            return doctor.warnings(**near)[name]

        assert doctor.warnings(**near).keys() == {"store user"}
        assert "appendfsync no" in told("append-only file", appendfsync="no")
        assert "loses everything" in told("append-only file", appendonly="no")
        assert "snapshots alone (save 3600 1)" in told("append-only file", save="3600 1")
        keep_a_file(server)
        server.command("CONFIG", "SET", "appendfsync", "always")
        would = told("maxmemory-policy", **{"maxmemory_policy": "allkeys-lru"})
        assert "would delete assignments" in would
        server.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
        used = server.command("INFO", "memory")["used_memory"]
        server.command("CONFIG", "SET", "maxmemory", used + used // 10)
        assert "(maxmemory) are used" in doctor.warnings(**near)["memory"]
        server.command("CONFIG", "SET", "maxmemory", 0)
        assert doctor.warnings(**near).keys() == {"store user"}

        far = {"RINGPOOL_REDIS_URL": server.url.replace("127.0.0.1", "0.0.0.0")}
        assert doctor.warnings(**far).keys() == {"store user", "store TLS", "store password"}
        server.command("CONFIG", "SET", "requirepass", PASSWORD)
        far = {"RINGPOOL_REDIS_URL": far["RINGPOOL_REDIS_URL"].replace("//", f"//:{PASSWORD}@")}
        assert doctor.warnings(**far).keys() == {"store user", "store TLS"}


def test_fewer_confirmations_than_replicas(doctor: Doctor) -> None:
    """As without the setting, where there is a replica."""
    with stores.valkey(appendonly="yes") as server, stores.replica_of(server):
        told = doctor.warnings(RINGPOOL_REDIS_URL=server.url)
        assert "0 of 1 replicas confirm" in told["RINGPOOL_WAIT_REPLICAS"]
        told = doctor.warnings(RINGPOOL_REDIS_URL=server.url, RINGPOOL_WAIT_REPLICAS="1")
        assert "RINGPOOL_WAIT_REPLICAS" not in told


def test_a_primary_of_a_cluster_that_is_weaker_is_named(doctor: Doctor) -> None:
    """What all have is said once."""
    with cluster3() as nodes:
        for node in nodes.primaries[1:]:
            keep_a_file(node)
        told = doctor.warnings(RINGPOOL_REDIS_URL=nodes.url)
        assert told["append-only file"].endswith(f" (127.0.0.1:{nodes.primaries[0].port})")
        assert told["store user"].startswith("may run CONFIG")


def test_each_weakness_of_a_service(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings, and files that others may read. The embedded store has no weakness."""
    assert doctor.warnings() == {}
    assert doctor.run("--strict").exit_code == 0
    assert doctor.run("--strict", RINGPOOL_PUBLIC_URL="").exit_code == 1
    environment = doctor.data / "environment"
    monkeypatch.setattr(service_setup, "ENVIRONMENT_FILE", environment)
    with stores.valkey() as server:
        doctor.settings["RINGPOOL_REDIS_URL"] = server.url
        for name, value, words in (
            ("RINGPOOL_PUBLIC_URL", "", "begin with http://127.0.0.1:8000"),
            ("RINGPOOL_PUBLIC_URL", "http://numbers.example", "isn't https"),
            ("RINGPOOL_METRICS_TOKEN", "", "the administrator's token"),
            ("RINGPOOL_TRUSTED_PROXIES", "*", "any address say whose"),
            ("RINGPOOL_TRUSTED_PROXIES", "0.0.0.0/0", "any of 4,294,967,296 addresses say"),
            ("RINGPOOL_TRUSTED_PROXIES", "127.0.0.1,10.0.0.0/8", "10.0.0.0/8 lets any of"),
        ):
            assert words in doctor.warnings(**{name: value})[name]
        port = {"RINGPOOL_METRICS_PORT": "9464", "RINGPOOL_METRICS_TOKEN": ""}
        assert "RINGPOOL_METRICS_TOKEN" not in doctor.warnings(**port)
        told = doctor.warnings(**port, RINGPOOL_METRICS_HOST="0.0.0.0")
        assert "whoever reaches port 9464" in told["RINGPOOL_METRICS_TOKEN"]
        environment.write_text("")
        for path, mode, right in (
            (doctor.data / "signing-key.pem", 0o640, 0o600),
            (environment, 0o604, 0o600),
            (doctor.data, 0o750, 0o700),
        ):
            path.touch()
            path.chmod(right)
            assert str(path) not in doctor.warnings()
            path.chmod(mode)
            assert "other users can" in doctor.warnings()[str(path)]
