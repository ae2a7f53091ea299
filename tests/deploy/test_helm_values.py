"""`deploy/values.yaml`: what Dagster makes of it. The chart itself is not here."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # ships no types
from dagster._config import process_config
from dagster._core.instance.config import dagster_instance_config
from dagster_k8s import K8sRunLauncher
from dagster_k8s.job import UserDefinedDagsterK8sConfig

from tests.deploy.composition import DEPLOY

VALUES = yaml.safe_load((DEPLOY / "values.yaml").read_text(encoding="utf-8"))
INSTANCE = VALUES["additionalInstanceConfig"]
COMPOSE_INSTANCE = yaml.safe_load((DEPLOY / "dagster.yaml").read_text(encoding="utf-8"))
# Where the chart would write the same key of dagster.yaml itself (templates/configmap-instance.yaml).
SWITCHES = {
    "run_coordinator": VALUES["dagsterDaemon"]["runCoordinator"]["enabled"],
    "run_monitoring": VALUES["dagsterDaemon"]["runMonitoring"]["enabled"],
    "run_retries": VALUES["dagsterDaemon"]["runRetries"]["enabled"],
    "sensors": VALUES["dagsterDaemon"]["sensors"]["useThreads"],
    "retention": VALUES["retention"]["enabled"],
    "concurrency": VALUES.get("concurrency", {"enabled": False})["enabled"],
}

# Top-level keys of the chart, from the model of its schema: helm/dagster/schema/schema/charts/dagster/values.py.
CHART = {
    *("dagsterWebserver", "dagster-user-deployments", "postgresql", "generatePostgresqlPasswordSecret"),
    *("generateCeleryConfigSecret", "rabbitmq", "redis", "flower", "ingress", "imagePullSecrets", "computeLogManager"),
    *("scheduler", "runLauncher", "pythonLogs", "dagsterDaemon", "busybox", "migrate", "telemetry", "serviceAccount"),
    *("global", "retention", "additionalInstanceConfig"),
}


def test_the_chart_has_every_key() -> None:
    """Helm passes over one that it does not know, so a misspelt key would change nothing."""
    assert set(VALUES) <= CHART


def snake_case(name: str) -> str:
    """A key of the chart as `dagster.yaml` has it."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda letter: f"_{letter[1].lower()}", name)


def test_the_instance_loads(tmp_path: Path) -> None:
    """Dagster accepts every key, and no limit contradicts another."""
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(INSTANCE), encoding="utf-8")
    loaded, _ = dagster_instance_config(str(tmp_path))
    assert loaded["run_monitoring"]["enabled"]


@pytest.mark.parametrize("key", SWITCHES)
def test_no_key_is_written_twice(key: str) -> None:
    """What is under additionalInstanceConfig is switched off elsewhere."""
    assert key in INSTANCE
    assert not SWITCHES[key]


def test_it_promises_what_is_tested_with_compose() -> None:
    """Queue, retries, pools and sensors are those of the instance whose services are killed in a test."""
    shared = ("run_retries", "run_coordinator", "sensors", "retention", "nux")
    assert {key: INSTANCE[key] for key in shared} == {key: COMPOSE_INSTANCE[key] for key in shared}
    runs, compose_runs = INSTANCE["concurrency"]["runs"], COMPOSE_INSTANCE["concurrency"]["runs"]
    assert runs["tag_concurrency_limits"] == compose_runs["tag_concurrency_limits"]
    assert INSTANCE["concurrency"]["pools"] == COMPOSE_INSTANCE["concurrency"]["pools"]
    monitoring = ("enabled", "free_slots_after_run_end_seconds")
    assert all(INSTANCE["run_monitoring"][key] == COMPOSE_INSTANCE["run_monitoring"][key] for key in monitoring)


def test_the_run_launcher_takes_its_config() -> None:
    """Key by key, by the launcher's own schema and Kubernetes' models of a job and a pod."""
    given = VALUES["runLauncher"]["config"]["k8sRunLauncher"]
    config: dict[str, Any] = {snake_case(key): value for key, value in given.items()}
    config["run_k8s_config"] = {snake_case(key): value for key, value in config["run_k8s_config"].items()}
    required = {"service_account_name": "runs", "instance_config_map": "instance"}  # the chart adds them
    launcher: Any = K8sRunLauncher
    checked = process_config(launcher.config_type(), {**config, **required})
    assert checked.success, checked.errors
    given_to_kubernetes: Any = UserDefinedDagsterK8sConfig
    made = given_to_kubernetes.from_dict(config["run_k8s_config"])
    assert made.job_spec_config == {"ttl_seconds_after_finished": 86400}


def test_one_image_and_one_driver() -> None:
    """The same for web server, daemon, code server and so runs; the driver's name as in compose."""
    (deployment,) = VALUES["dagster-user-deployments"]["deployments"]
    assert VALUES["dagsterWebserver"]["image"] == VALUES["dagsterDaemon"]["image"] == deployment["image"]
    assert VALUES["postgresql"]["postgresqlScheme"] == COMPOSE_INSTANCE["storage"]["postgres"]["postgres_db"]["scheme"]


def test_the_home_is_a_folder_that_the_user_of_the_image_owns() -> None:
    """The chart's own would be made by root."""
    home = VALUES["global"]["dagsterHome"]
    image = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert f"DAGSTER_HOME={home} " in image
    assert re.search(rf"chown dagster:dagster .*{home}\b", image)


def test_the_code_server_loads_the_same_module_as_in_compose() -> None:
    """With the same arguments; the chart adds host and port."""
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    (deployment,) = VALUES["dagster-user-deployments"]["deployments"]
    arguments = deployment["dagsterApiGrpcArgs"]
    assert " ".join(arguments) in " ".join(services["code-server"]["command"])
