"""deploy/helm/syncline: Helm's own library lints and renders it, Kubernetes' schemas accept all of it, and it says what
operators rely on. No cluster is asked."""

import copy
import itertools
import shutil
import tomllib

import pytest
import yaml
from helm_python import Chart
from helm_python.chart import lint
from helm_python.errors import HelmRenderError, HelmValuesError

from tree import BINARY, CHART, DEPLOY, beside_python, run

NEEDED = {
    "image": {"repository": "images.example.com/syncline"},
    "publicUrl": "https://sync.example.com",
    "secrets": {"name": "syncline", "keyRing": "syncline-key-ring"},
    "providers": {"zoho_crm": {"clientId": "1000.EXAMPLE", "api_base": "https://www.zohoapis.eu"}},
}
EVERYTHING = {
    "image": {"tag": "9.9.9", "pullSecrets": ["puller"]},
    "settings": {"SYNCLINE__WORKER__BATCH": "500"},
    "gateway": {"autoscaling": {"enabled": True}},
    "worker": {"autoscaling": {"enabled": True, "metric": {"labels": {"priority": "scheduled"}}}},
    "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "tls", "annotations": {"a": "b"}},
    "networkPolicy": {"from": [{"podSelector": {}}], "metricsFrom": [{"namespaceSelector": {}}],
                      "dataTo": [{"ipBlock": {"cidr": "10.1.0.0/16"}}]},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "serviceAccount": {"annotations": {"a": "b"}},
    "service": {"annotations": {"a": "b"}},
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
}
KEDA = {"worker": {"autoscaling": {"enabled": True, "by": "keda"}}}
BARE = {"networkPolicy": {"enabled": False}, "podDisruptionBudget": {"enabled": False}}
CASES = {"needed": {}, "everything": EVERYTHING, "keda": KEDA, "bare": BARE}
# Kinds that Kubernetes does not know by itself, and who does.
FOREIGN = {"ServiceMonitor", "ScaledObject", "TriggerAuthentication"}


def merged(base, over):
    out = copy.deepcopy(base)
    for key, value in over.items():
        out[key] = merged(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out


def render(values, chart=CHART):
    with Chart.load(chart) as loaded:
        files = loaded.render(values=values, name="demo", namespace="sync")
    documents = itertools.chain.from_iterable(
        yaml.safe_load_all(text) for path, text in files.items() if not path.endswith("NOTES.txt"))
    return [document for document in documents if document]


@pytest.fixture(scope="module")
def rendered():
    return {name: render(merged(NEEDED, over)) for name, over in CASES.items()}


def validate(documents, tmp_path):
    file = tmp_path / "all.yaml"
    file.write_text(yaml.safe_dump_all(documents))
    return run(beside_python("kubernetes-validate"), "--strict", "--no-warn", file)


def of_kind(documents, kind):
    return [document for document in documents if document["kind"] == kind]


def pods(documents):
    return {one["metadata"]["name"]: one["spec"]["template"]["spec"]
            for one in of_kind(documents, "Deployment") + of_kind(documents, "Job")}


@pytest.mark.parametrize("case", CASES)
def test_lint(case):
    report = lint(CHART, values=merged(NEEDED, CASES[case]), strict=True, kube_version="v1.31.0")
    assert not report["errors"] and [one for one in report["messages"] if one["severity"] > 1] == []


@pytest.mark.parametrize("case", CASES)
def test_kubernetes_accepts_all_of_it(case, rendered, tmp_path):
    documents = [one for one in rendered[case] if one["kind"] not in FOREIGN]
    status, said = validate(documents, tmp_path)
    assert status == 0, said
    assert said.count(" passed for resource ") == len(documents), said


@pytest.mark.parametrize("spoil, word", [
    (lambda one: one["spec"].update(replicsa=3), "replicsa"),
    (lambda one: one["spec"].update(replicas="three"), "three"),
])
def test_kubernetes_would_refuse(spoil, word, rendered, tmp_path):
    documents = copy.deepcopy(rendered["needed"])
    spoil(of_kind(documents, "Deployment")[0])
    status, said = validate(documents, tmp_path)
    assert status != 0 and word in said, said


def test_lint_would_complain(tmp_path):
    chart = tmp_path / "syncline"
    shutil.copytree(CHART, chart)
    (chart / "templates" / "config.yaml").write_text("a: {{ .Values.nothing.below }}\n")
    report = lint(chart, values=NEEDED, strict=True)
    assert [one for one in report["messages"] if one["severity"] > 1]


@pytest.mark.parametrize("path", [("image", "repository"), ("publicUrl",), ("secrets", "name"), ("secrets", "keyRing")])
def test_what_must_be_said_and_is_not_stops_it(path):
    values = copy.deepcopy(NEEDED)
    inner = values
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    with pytest.raises((HelmRenderError, HelmValuesError), match=path[-1]):
        render(values)


@pytest.mark.parametrize("wrong", [
    {"worker": {"replica": 4}}, {"worker": {"slots": 0}}, {"publicUrl": "sync.example.com"},
    {"settings": {"WORKER_BATCH": "5"}}, {"worker": {"autoscaling": {"by": "magic"}}}, {"secret": {}},
])
def test_values_that_mean_nothing_are_refused(wrong):
    with pytest.raises(HelmValuesError):
        render(merged(NEEDED, wrong))


def test_pods_are_safe(rendered):
    for case, documents in rendered.items():
        found = pods(documents)
        assert len(found) == 4, case
        for name, pod in found.items():
            assert pod["automountServiceAccountToken"] is False, name
            assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] >= 10000, name
            assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
            for container in pod["containers"] + pod["initContainers"]:
                security = container["securityContext"]
                assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"], name
                assert security["capabilities"] == {"drop": ["ALL"]}, name
                assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
                assert "memory" in container["resources"]["limits"], name
                assert not container["image"].endswith(":latest"), name
                for variable in container.get("env", []):
                    assert "valueFrom" not in variable, f"{name}: secrets are files"


def test_roles_are_probed(rendered):
    for name, pod in pods(rendered["needed"]).items():
        container = pod["containers"][0]
        assert container["args"][0] == name.rpartition("-")[2]
        if name.endswith("-migrate"):
            continue
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        # Longer than worker.grace, so that a slice comes to its end.
        assert pod["terminationGracePeriodSeconds"] > 30


def test_no_secret_is_made_by_the_chart(rendered):
    for documents in rendered.values():
        assert not of_kind(documents, "Secret")


def test_migrations_come_first(rendered):
    hooks = [one for one in rendered["needed"] if "helm.sh/hook" in one["metadata"].get("annotations", {})]
    assert {one["kind"] for one in hooks} == {"Job", "ConfigMap", "ServiceAccount"}
    job = of_kind(hooks, "Job")[0]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    # At the first install nothing of the chart exists but other hooks.
    pod = job["spec"]["template"]["spec"]
    names = {one["metadata"]["name"] for one in hooks}
    assert pod["serviceAccountName"] in names
    assert {volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume} <= names


def test_workers_scale_by_waiting_jobs(rendered):
    external = of_kind(rendered["everything"], "HorizontalPodAutoscaler")[1]["spec"]
    assert external["scaleTargetRef"]["name"] == "demo-syncline-worker"
    assert external["metrics"][0]["external"]["metric"]["name"] == "syncline_queue_jobs"
    scaled = of_kind(rendered["keda"], "ScaledObject")[0]["spec"]
    assert [trigger["metadata"]["queueName"] for trigger in scaled["triggers"]] == [
        "syncline.jobs.interactive", "syncline.jobs.scheduled", "syncline.jobs.first-sync"]
    authentication = of_kind(rendered["keda"], "TriggerAuthentication")[0]
    assert scaled["triggers"][0]["authenticationRef"]["name"] == authentication["metadata"]["name"]
    assert not of_kind(rendered["keda"], "HorizontalPodAutoscaler")
    # What scales sets the number of replicas, and nothing else does.
    for case, fixed in (("needed", True), ("keda", False), ("everything", False)):
        worker = [one for one in of_kind(rendered[case], "Deployment") if one["metadata"]["name"].endswith("-worker")][0]
        assert ("replicas" in worker["spec"]) is fixed, case


def test_budgets_and_policies_select_what_exists(rendered):
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in of_kind(rendered["needed"], "Deployment")]
    selectors = [one["spec"]["selector"]["matchLabels"] for one in of_kind(rendered["needed"], "PodDisruptionBudget")]
    selectors += [one["spec"]["podSelector"]["matchLabels"] for one in of_kind(rendered["needed"], "NetworkPolicy")]
    selectors += [one["spec"]["selector"] for one in of_kind(rendered["everything"], "Service")]
    assert len(selectors) == 8
    for selector in selectors:
        assert any(selector.items() <= one.items() for one in labels), selector


def test_the_program_understands_its_configuration(rendered, tmp_path):
    secrets = tmp_path / "secrets"
    assert run(DEPLOY / "compose" / "secrets", secrets)[0] == 0
    (secrets / "zoho_crm-client-secret").write_text("x\n")
    text = of_kind(rendered["everything"], "ConfigMap")[0]["data"]["syncline.toml"]
    file = tmp_path / "syncline.toml"
    file.write_text(text.replace("/run/secrets/syncline/", f"{secrets}/"))
    status, said = run(BINARY, "config", "--config", file, env={"SYNCLINE__WORKER__BATCH": "500"})
    assert status == 0, said
    config = tomllib.loads(said)
    assert config["server"]["public_url"] == "https://sync.example.com"
    assert config["worker"]["batch"] == 500
    # 6 gateways, 12 workers and 2 schedulers at most.
    assert config["coordination"]["fallback_percent"] == 5
