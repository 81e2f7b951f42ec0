"""The manifests agree with each other and with the code."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from api.app import routes
from api.metrics import Metrics
from ringpool.settings import Settings, documented

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "k8s"


BASE = FOLDER / "base"
INSIDE, OUTSIDE = FOLDER / "overlays" / "store-inside", FOLDER / "overlays" / "store-outside"
NOT_APPLIED = {"kustomization.yaml", "prometheus-adapter.yaml"}
"""Files for other programs than `kubectl apply`."""

KUBERNETES = "1.34"


@cache
def documents(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Every object of every file, the kustomizations apart."""
    return [
        document
        for path in sorted(folder.rglob("*.yaml"))
        if path.name not in NOT_APPLIED
        for document in yaml.safe_load_all(path.read_text())
    ]


def one(kind: str, name: str = "ringpool") -> dict[str, Any]:
    """The only object of this kind and name."""
    (found,) = [
        document
        for document in documents()
        if document["kind"] == kind and document["metadata"]["name"] == name
    ]
    return found


@cache
def kustomized(folder: Path) -> list[dict[str, Any]]:
    """The objects that `kubectl apply -k` sends."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl isn't installed: what kustomize makes of the files isn't seen")
    command = ["kubectl", "kustomize", folder]
    built = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=100).stdout
    return list(yaml.safe_load_all(built))


def built(overlay: Path, kind: str, name: str = "ringpool") -> dict[str, Any]:
    """An object as an overlay sends it."""
    (found,) = [
        document
        for document in kustomized(overlay)
        if document["kind"] == kind and document["metadata"]["name"] == name
    ]
    return found


def containers(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The containers of all pods that the objects make."""
    specs = [thing.get("spec", {}) for thing in objects]
    pods = [spec["template"]["spec"] for spec in specs if "template" in spec]
    kinds = ("containers", "initContainers")
    return [each for pod in pods for kind in kinds for each in pod.get(kind, ())]


POD = one("Deployment")["spec"]["template"]
CONTAINER = POD["spec"]["containers"][0]


def test_every_file_is_listed() -> None:
    """A manifest that no kustomization names would silently not be applied."""
    for listing in FOLDER.rglob("kustomization.yaml"):
        resources = yaml.safe_load(listing.read_text())["resources"]
        named = {name for name in resources if name.endswith(".yaml")}
        assert named == {path.name for path in listing.parent.glob("*.yaml")} - NOT_APPLIED


def valid(thing: dict[str, Any]) -> None:
    """Check one object by the schema of its kind; raises ValidationError. No network."""
    if thing["apiVersion"].startswith("monitoring.coreos.com/"):
        return  # the operator's own kinds: no schema of Kubernetes has them
    kubernetes_validate.validate(thing, KUBERNETES, strict=True)


def test_every_file_is_what_kubernetes_takes() -> None:
    """Each object has the fields of its kind, of the right types, and no others."""
    assert len({document["kind"] for document in documents()}) >= 12
    for document in documents():
        valid(document)
    with pytest.raises(kubernetes_validate.ValidationError):
        valid({**one("Service"), "spec": {"selectors": {}}})


@pytest.mark.parametrize("overlay", [FOLDER, INSIDE, OUTSIDE], ids=["k8s", "inside", "outside"])
def test_what_kustomize_makes_is_what_kubernetes_takes(overlay: Path) -> None:
    """With patches too, in the namespace, and each image by a digest that is nobody's."""
    for thing in kustomized(overlay):
        valid(thing)
        assert thing["kind"] == "Namespace" or thing["metadata"]["namespace"] == "ringpool"
    images = {each["image"] for each in containers(kustomized(overlay))}
    assert all(re.fullmatch(r"registry\.example/\w+@sha256:0{64}", image) for image in images)


def test_the_folder_itself_is_the_store_outside() -> None:
    """`kubectl apply -k k8s` has a meaning, the one it had."""
    assert kustomized(FOLDER) == kustomized(OUTSIDE)


def test_no_image_goes_by_a_tag() -> None:
    """The kustomizations name each by a digest, which is nobody's until the operator names his."""
    listings = (BASE, INSIDE)
    images = [
        image
        for folder in listings
        for image in yaml.safe_load((folder / "kustomization.yaml").read_text())["images"]
    ]
    assert all("newTag" not in image for image in images)
    assert {image["digest"] for image in images} == {f"sha256:{0:064}"}
    assert {each["image"] for each in containers(documents())} == {each["name"] for each in images}


@pytest.mark.parametrize("overlay", [INSIDE, OUTSIDE], ids=["inside", "outside"])
def test_the_service_is_told_its_store(overlay: Path) -> None:
    """By a URL whose secrets are in a Secret, and waits for every replica that the store has."""
    (container,) = built(overlay, "Deployment")["spec"]["template"]["spec"]["containers"]
    names = [entry["name"] for entry in container["env"]]
    assert len(names) == len(set(names))
    entry = container["env"][names.index("RINGPOOL_REDIS_URL")]
    if overlay == OUTSIDE:
        assert entry["valueFrom"]["secretKeyRef"] == {"name": "ringpool-store", "key": "url"}
        assert "rediss://" in (OUTSIDE / "kustomization.yaml").read_text()
    else:
        # Kubernetes fills in what stands before it in the list.
        assert names.index("STORE_PASSWORD") < names.index("RINGPOOL_REDIS_URL")
        hosts = entry["value"].partition("$(STORE_PASSWORD)@")[2].split(",")
        assert hosts == [f"valkey-{position}.valkey" for position in range(6)]
    assert built(overlay, "ConfigMap")["data"]["RINGPOOL_WAIT_REPLICAS"] == "all"


def test_the_service_reaches_its_store_and_the_store_lets_it_in() -> None:
    """Inside, none but the service, the Job and the nodes reach it, and the bus the nodes alone."""
    to_store = built(INSIDE, "NetworkPolicy")["spec"]["egress"][-1]
    (peer,) = to_store["to"]
    pods = one("StatefulSet", "valkey")["spec"]["template"]
    assert peer["podSelector"]["matchLabels"] == pods["metadata"]["labels"]
    clients: dict[str, set[str]] = {}
    for rule in one("NetworkPolicy", "valkey")["spec"]["ingress"]:
        for each in rule["from"]:
            for port in rule["ports"]:
                clients.setdefault(port["port"], set()).add(
                    each["podSelector"]["matchLabels"]["app"]
                )
    assert clients == {
        "store": {"ringpool", "valkey", "valkey-form-cluster"},
        "bus": {"valkey"},
    }
    ports = {port["name"] for port in pods["spec"]["containers"][0]["ports"]}
    assert ports == clients.keys()
    job = one("Job", "form-cluster")["spec"]["template"]["metadata"]["labels"]["app"]
    assert job in clients["store"]


def test_the_store_inside_outlives_its_pods_and_machines() -> None:
    """Six on six machines, each with a disk of its own; one at a time may be taken away."""
    spec = one("StatefulSet", "valkey")["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert (spec["replicas"], spec["podManagementPolicy"]) == (6, "Parallel")
    assert [claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]] == ["data"]
    pod = spec["template"]["spec"]
    mounted = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    configuration = (INSIDE / "valkey.conf").read_text()
    said = dict(re.findall(r"^([a-z-]+) (.+)$", configuration, re.MULTILINE))
    assert said["dir"] == mounted["data"]
    assert (said["appendonly"], said["appendfsync"]) == ("yes", "always")
    assert int(said["min-replicas-to-write"]) == 1
    assert said["maxmemory-policy"] == "noeviction"
    (apart,) = pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert apart["topologyKey"] == "kubernetes.io/hostname"
    assert apart["labelSelector"]["matchLabels"] == labels
    budget = one("PodDisruptionBudget", "valkey")["spec"]
    assert (budget["maxUnavailable"], budget["selector"]["matchLabels"]) == (1, labels)
    assert pod["terminationGracePeriodSeconds"] > int(said["shutdown-timeout"]) + 20


def test_it_scales_on_requests_as_well_as_on_the_processor() -> None:
    """The rate is one that the adapter's rule makes of a metric that there is."""
    metrics = one("HorizontalPodAutoscaler")["spec"]["metrics"]
    assert {metric["type"] for metric in metrics} == {"Resource", "Pods"}
    (asked,) = [metric["pods"]["metric"]["name"] for metric in metrics if "pods" in metric]
    values = yaml.safe_load((FOLDER / "monitoring" / "prometheus-adapter.yaml").read_text())
    (rule,) = values["rules"]["custom"]
    assert rule["name"]["as"] == asked
    exposed = Metrics()
    exposed.observe("swap", 200, 0.001)
    counted = rule["seriesQuery"].partition("{")[0]
    assert f"\n{counted}{{" in exposed.exposition([], store_up=True).decode()


def test_the_ingress_has_tls_and_the_publics_paths_alone() -> None:
    """Every path that visitors, ad servers and calls need; no manager's, no metrics."""
    spec = one("Ingress")["spec"]
    (rule,) = spec["rules"]
    assert spec["tls"] == [{"hosts": [rule["host"]], "secretName": "ringpool-tls"}]
    assert one("ConfigMap")["data"]["RINGPOOL_PUBLIC_URL"] == f"https://{rule['host']}"
    inside = {"/livez", "/readyz", "/metrics"}
    for route in routes():
        let_in = any(
            route.path == path["path"]
            or (path["pathType"] == "Prefix" and route.path.startswith(path["path"] + "/"))
            for path in rule["http"]["paths"]
        )
        assert let_in == (route.path not in inside and not route.path.startswith("/admin/")), route


def test_nobody_is_trusted_until_named() -> None:
    """As it is shipped, no address may say who a visitor is."""
    assert one("ConfigMap")["data"]["RINGPOOL_TRUSTED_PROXIES"] == ""


def test_webhooks_lead_out_of_the_cluster() -> None:
    """Managers name them: what isn't the store or a name server is a public address."""
    named = [rule for rule in one("NetworkPolicy")["spec"]["egress"] if "to" in rule]
    anywhere = [rule for rule in one("NetworkPolicy")["spec"]["egress"] if "to" not in rule]
    assert {port["port"] for rule in anywhere for port in rule["ports"]} == {53}
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
    shutil.copytree(FOLDER, tmp_path / "k8s")
    (tmp_path / "overlay").mkdir()
    (tmp_path / "overlay" / "kustomization.yaml").write_text(overlay)
    made = kustomized(tmp_path / "overlay")
    of_kind = {each["kind"]: each for each in made}
    images = [each["image"] for each in containers(made)]
    assert images == [f"{image['newName']}@{image['digest']}"]
    assert of_kind["ConfigMap"]["data"]["RINGPOOL_TRUSTED_PROXIES"] == trusted
    web, metrics = (rule["from"] for rule in of_kind["NetworkPolicy"]["spec"]["ingress"])
    assert [str(peer["namespaceSelector"]["matchLabels"]) for peer in (*web, *metrics)] == [
        "{'kubernetes.io/metadata.name': 'ingress-controllers'}",
        "{'kubernetes.io/metadata.name': 'monitoring'}",
    ]


def test_settings_exist_and_are_accepted() -> None:
    """Each variable is a setting, with a value that the service starts with."""
    plain = one("ConfigMap")["data"]
    secret = {entry["name"]: entry["valueFrom"]["secretKeyRef"] for entry in CONTAINER["env"]}
    store = {"RINGPOOL_REDIS_URL"}  # of the overlays
    assert plain.keys() | secret.keys() | store == {name for name, _, _ in documented()}
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
    known |= {rule["record"] for rule in rules if "record" in rule}
    for rule in rules:
        assert set(re.findall(r"[a-z_:]*ringpool_[\w:]+", rule["expr"])) <= known, rule
        if "alert" in rule:
            assert rule["labels"]["severity"] in ("warning", "critical")
            assert rule["annotations"]["summary"]
