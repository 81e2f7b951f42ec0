"""The manifests agree with each other and with the code."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from api.app import routes
from api.metrics import Metrics
from ringpool.settings import Settings, documented

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "k8s"


@cache
def documents() -> list[dict[str, Any]]:
    """Every object of every file, the kustomizations apart."""
    return [
        document
        for path in sorted(FOLDER.rglob("*.yaml"))
        if path.name != "kustomization.yaml"
        for document in yaml.safe_load_all(path.read_text())
    ]


def one(kind: str) -> dict[str, Any]:
    """The only object of this kind."""
    (found,) = [document for document in documents() if document["kind"] == kind]
    return found


def kustomized(folder: Path) -> list[dict[str, Any]]:
    """The objects that `kubectl apply -k` sends."""
    command = ["kubectl", "kustomize", folder]
    built = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=100).stdout
    return list(yaml.safe_load_all(built))


POD = one("Deployment")["spec"]["template"]
CONTAINER = POD["spec"]["containers"][0]


def test_every_file_is_listed() -> None:
    """A manifest that no kustomization names would silently not be applied."""
    for listing in FOLDER.rglob("kustomization.yaml"):
        named = set(yaml.safe_load(listing.read_text())["resources"])
        assert named == {path.name for path in listing.parent.glob("*.yaml")} - {listing.name}


def test_kustomize_builds_them() -> None:
    """`kubectl apply -k k8s` gets every object, in the namespace, with a pinned image."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl isn't installed")
    objects = kustomized(FOLDER)
    assert len(objects) == len(documents())
    for thing in objects:
        assert thing["kind"] == "Namespace" or thing["metadata"]["namespace"] == "ringpool"
        if thing["kind"] == "Deployment":
            image = thing["spec"]["template"]["spec"]["containers"][0]["image"]
            assert re.fullmatch(r"registry.example/ringpool@sha256:0{64}", image)


def test_no_image_goes_by_a_tag() -> None:
    """The kustomization names each by a digest, which is nobody's until the operator names his."""
    images = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["images"]
    assert all("newTag" not in image for image in images)
    assert {image["digest"] for image in images} == {f"sha256:{0:064}"}
    specs = [document.get("spec", {}) for document in documents()]
    pods = [spec["template"]["spec"] for spec in specs if "template" in spec]
    kinds = ("containers", "initContainers")
    used = {each["image"] for pod in pods for kind in kinds for each in pod.get(kind, ())}
    assert used == {image["name"] for image in images}


def test_nobody_is_trusted_until_named() -> None:
    """As it is shipped, no address may say who a visitor is."""
    assert one("ConfigMap")["data"]["RINGPOOL_TRUSTED_PROXIES"] == ""


def test_webhooks_lead_out_of_the_cluster() -> None:
    """Managers name them: what isn't the store or a name server is a public address."""
    named = [rule for rule in one("NetworkPolicy")["spec"]["egress"] if "to" in rule]
    anywhere = [rule for rule in one("NetworkPolicy")["spec"]["egress"] if "to" not in rule]
    assert {port["port"] for rule in anywhere for port in rule["ports"]} == {53, 6379}
    blocks = [target["ipBlock"] for rule in named for target in rule["to"]]
    allowed = [ip_network(block["cidr"]) for block in blocks]
    kept = [ip_network(each) for block in blocks for each in block.get("except", ())]
    for text in ("10.1.2.3", "169.254.169.254", "192.168.0.1", "172.20.0.1", "fd00::1", "fe80::1"):
        address = ip_address(text)
        assert not any(address in network for network in allowed) or any(
            address in network for network in kept
        ), text


def test_the_guides_overlay_names_image_proxy_and_controller(tmp_path: Path) -> None:
    """What docs/security/hardening.md has an operator write, and what becomes of it."""
    guide = (ROOT / "docs" / "security" / "hardening.md").read_text("utf-8")
    (overlay,) = re.findall(r"```yaml\n(# overlay/kustomization.yaml\n.*?)```", guide, re.DOTALL)
    (image,) = yaml.safe_load(overlay)["images"]
    assert re.fullmatch("sha256:[0-9a-f]{64}", image["digest"])
    assert "newTag" not in image
    (trusted,) = re.findall(r"RINGPOOL_TRUSTED_PROXIES: (\S+)", overlay)
    assert ip_network(trusted).num_addresses <= 256
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl isn't installed")
    shutil.copytree(FOLDER, tmp_path / "k8s")
    (tmp_path / "overlay").mkdir()
    (tmp_path / "overlay" / "kustomization.yaml").write_text(overlay)
    built = {each["kind"]: each for each in kustomized(tmp_path / "overlay")}
    containers = built["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert [each["image"] for each in containers] == [f"{image['newName']}@{image['digest']}"]
    assert built["ConfigMap"]["data"]["RINGPOOL_TRUSTED_PROXIES"] == trusted
    web, metrics = (rule["from"] for rule in built["NetworkPolicy"]["spec"]["ingress"])
    assert [str(peer["namespaceSelector"]["matchLabels"]) for peer in (*web, *metrics)] == [
        "{'kubernetes.io/metadata.name': 'ingress-controllers'}",
        "{'kubernetes.io/metadata.name': 'monitoring'}",
    ]


def test_settings_exist_and_are_accepted() -> None:
    """Each variable is a setting, with a value that the service starts with."""
    plain = one("ConfigMap")["data"]
    secret = {entry["name"]: entry["valueFrom"]["secretKeyRef"] for entry in CONTAINER["env"]}
    assert plain.keys() | secret.keys() == {name for name, _, _ in documented()}
    assert not plain.keys() & secret.keys()
    assert Settings.from_environment(plain).workers > 1


def test_probes_ask_the_right_question() -> None:
    """Restarts follow /livez, traffic follows /readyz, and neither waits less than it may take."""
    paths = {route.path for route in routes()}
    for probe, path in {
        "startupProbe": "/livez",
        "livenessProbe": "/livez",
        "readinessProbe": "/readyz",
    }.items():
        assert CONTAINER[probe]["httpGet"] == {"path": path, "port": "http"}
        assert path in paths
    assert CONTAINER["readinessProbe"]["timeoutSeconds"] > 1


def test_stop_is_graceful() -> None:
    """The pod answers on while endpoints are told, and then has time for what is in flight."""
    pause = int(CONTAINER["lifecycle"]["preStop"]["exec"]["command"][1])
    assert POD["spec"]["terminationGracePeriodSeconds"] >= pause + 20
    assert one("Deployment")["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_container_can_do_nothing_it_needs_not() -> None:
    """No root, no capabilities, nothing to write but its own volumes, no token of the cluster."""
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["spec"]["securityContext"]["runAsNonRoot"] is True
    assert POD["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert POD["spec"]["automountServiceAccountToken"] is False
    user = POD["spec"]["securityContext"]["runAsUser"]
    assert f"USER {user}:{user}" in (ROOT / "Containerfile").read_text()
    mounted = {mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
    assert mounted == {one("ConfigMap")["data"]["RINGPOOL_DATA_DIR"], "/tmp"}


def test_selectors_find_the_pods() -> None:
    """Service, disruption budget, network policy and monitor select what the deployment makes."""
    labels = POD["metadata"]["labels"]
    assert one("Deployment")["spec"]["selector"]["matchLabels"] == labels
    assert one("Service")["spec"]["selector"] == labels
    assert one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    assert one("NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == labels
    assert one("PodMonitor")["spec"]["selector"]["matchLabels"] == labels
    assert one("Service")["metadata"]["labels"] == labels
    assert one("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"] == "ringpool"
    assert one("Service")["spec"]["ports"][0]["targetPort"] == CONTAINER["ports"][0]["name"]


def test_metrics_have_a_port_that_the_monitoring_reaches() -> None:
    """The service listens there for other hosts, the monitor asks there, no Service leads there."""
    plain = one("ConfigMap")["data"]
    ports = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
    (endpoint,) = one("PodMonitor")["spec"]["podMetricsEndpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("metrics", "/metrics")
    assert str(ports["metrics"]) == plain["RINGPOOL_METRICS_PORT"]
    assert plain["RINGPOOL_METRICS_HOST"] == "0.0.0.0"
    assert [port["targetPort"] for port in one("Service")["spec"]["ports"]] == ["http"]


def test_every_way_in_names_who_may_come() -> None:
    """A rule without `from`, or a peer that selects nothing in particular, would let anybody in."""
    named: dict[str, set[str]] = {}
    for rule in one("NetworkPolicy")["spec"]["ingress"]:
        for peer in rule["from"]:
            labels = peer["namespaceSelector"]["matchLabels"]
            for port in rule["ports"]:
                named.setdefault(port["port"], set()).add(labels["kubernetes.io/metadata.name"])
    assert named == {"http": {"ingress-nginx"}, "metrics": {"monitoring"}}


def test_alerts_use_metrics_that_exist() -> None:
    """An alert on a metric that nobody exposes would never fire."""
    exposed = Metrics()
    exposed.observe("swap", 200, 0.001)
    text = exposed.exposition([], store_up=True).decode()
    known = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    known |= {sample.name for f in text_string_to_metric_families(text) for sample in f.samples}
    rules = [rule for group in one("PrometheusRule")["spec"]["groups"] for rule in group["rules"]]
    for rule in rules:
        assert set(re.findall(r"ringpool_\w+", rule["expr"])) <= known, rule["alert"]
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
    assert {"RingPoolRunningOut", "RingPoolExhausted", "RingPoolOverflow"} <= {
        rule["alert"] for rule in rules
    }
