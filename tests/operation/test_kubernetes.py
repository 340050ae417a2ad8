"""The Kubernetes example: the same roles, settings and locks as compose.yaml. No cluster is needed."""

import os
import re
import subprocess
from typing import Any

import pytest
import yaml

from tests.operation.test_containers import COMPOSE, GUIDE, ROOT, start

MADE: list[dict[str, Any]] = yaml.safe_load((ROOT / "docker" / "kubernetes.yaml").read_text(encoding="utf-8"))["items"]
PODS = {one["metadata"]["name"]: one["spec"]["template"] for one in MADE if one["kind"] in ("Deployment", "Job")}
SETTINGS: dict[str, str] = next(one["data"] for one in MADE if one["kind"] == "ConfigMap")


def container(name: str) -> dict[str, Any]:
    (found,) = PODS[name]["spec"]["containers"]
    return found


@pytest.fixture
def secret(tmp_path) -> dict[str, str]:
    """Run the guide's own lines, with a kubectl that only writes down what it was asked for."""
    lines = re.search(r"^kubectl create secret .*?[^\\]\n", GUIDE, re.DOTALL | re.MULTILINE)
    assert lines
    kubectl = tmp_path / "kubectl"
    kubectl.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    kubectl.chmod(0o700)
    done = subprocess.run(
        ["sh", "-c", lines[0]], env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    words = done.stdout.splitlines()
    assert words[:4] == ["create", "secret", "generic", "winnow"]
    return dict(word.removeprefix("--from-literal=").split("=", 1) for word in words[4:])


def test_what_the_guide_writes_down_is_all_that_production_asks_for(secret, tmp_path):
    given = {**SETTINGS, **secret, "PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = start(given)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(secret["FIELD_KEYS"])


def test_it_gives_what_compose_gives_and_keeps_secrets_apart(secret):
    assert set(SETTINGS) | set(secret) == set(COMPOSE["services"]["web"]["environment"])
    assert not set(SETTINGS) & set(secret)
    assert not [name for name in SETTINGS if re.search("KEY|SECRET|PASSWORD|TOKEN|_URL$", name) and name not in PUBLIC]


PUBLIC = {"STORAGE_URL", "BASE_URL"}


def test_its_roles_are_those_of_compose():
    roles = {container(name)["args"][0] for name in PODS}
    ours = {one["command"][0] for one in COMPOSE["services"].values() if one.get("image") == "winnow:latest"
            and "command" in one}  # fmt: skip
    assert roles == ours == {"web", "worker", "beat", "migrate"}


def test_each_queue_has_a_worker_that_listens_to_it():
    lists = [one["value"] for name in PODS for one in container(name).get("env", ()) if one["name"] == "QUEUES"]
    usual = re.search(r"QUEUES:-([\w,]+)", (ROOT / "docker" / "role").read_text(encoding="utf-8"))
    assert usual
    assert sorted(",".join(lists).split(",")) == sorted(usual[1].split(","))


@pytest.mark.parametrize("name", PODS)
def test_each_pod_is_locked_down_and_stops_in_time(name):
    pod, ours = PODS[name]["spec"], container(name)
    assert pod["terminationGracePeriodSeconds"] == 40
    assert (pod["securityContext"]["runAsNonRoot"], pod["automountServiceAccountToken"]) == (True, False)
    assert ours["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    writable = {mount["mountPath"] for mount in ours["volumeMounts"]}
    assert writable == {one.split(":")[0] for one in COMPOSE["services"]["web"]["tmpfs"]}
    assert {mount["name"] for mount in ours["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert "memory" in ours["resources"]["limits"]


def test_visitors_reach_only_pods_that_say_they_are_ready():
    web, labels = container("winnow-web"), PODS["winnow-web"]["metadata"]["labels"]
    service = next(one["spec"] for one in MADE if one["kind"] == "Service")
    assert service["selector"] == labels
    assert service["ports"][0]["targetPort"] == web["ports"][0]["containerPort"] == 8000
    for probe in ("startupProbe", "readinessProbe"):
        assert web[probe]["exec"]["command"][1:] == COMPOSE["services"]["web"]["healthcheck"]["test"][2:]
    (rule,) = next(one["spec"]["rules"] for one in MADE if one["kind"] == "Ingress")
    assert rule["host"] == SETTINGS["ALLOWED_HOSTS"] == SETTINGS["BASE_URL"].removeprefix("https://")


def test_one_clock_is_enough():
    (beat,) = [one for one in MADE if one["metadata"]["name"] == "winnow-beat"]
    assert beat["spec"]["replicas"] == 1
