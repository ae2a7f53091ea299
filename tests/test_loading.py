"""How Dagster's own commands load the project: one location, whichever way it is named."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml  # type: ignore[import-untyped]  # ships no types

from tests.world import ASSETS

ROOT = Path(__file__).parents[1]
LOCATION = "batch_assets"
SETTINGS = {
    "BATCH_ASSETS_SOURCE_BUCKET": "my-pictures",
    "BATCH_ASSETS_FIRST_PARTITION": "2026/01/01",
    "BATCH_ASSETS_ACCOUNT_ID": "123456789012",
    "BATCH_ASSETS_ROLE_ARN": "arn:aws:iam::123456789012:role/batch-assets-bedrock",
    "BATCH_ASSETS_VECTOR_BUCKET": "my-picture-vectors",
}
WRONG = {
    "BATCH_ASSETS_PREFIX_TEMPLATE": "photos/%Q",
    "BATCH_ASSETS_DIMENSION": "7",
    "BATCH_ASSETS_REGION": "eu-nowhere-1",
    "BATCH_ASSETS_ACCOUNT_ID": "12",
}


@dataclass(frozen=True)
class Project:
    """The repository's top as a user has it, with a Dagster home of its own."""

    home: Path

    def run(self, program: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BATCH_ASSETS_", "AWS_"))}
        binaries = Path(sys.executable).parent
        activated = {"VIRTUAL_ENV": str(binaries.parent), "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}
        return subprocess.run(
            [binaries / program, *arguments],
            cwd=ROOT,
            env={**kept, **activated, **SETTINGS, **settings, "DAGSTER_HOME": str(self.home), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project that nobody has loaded yet."""
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    return Project(tmp_path)


def test_every_way_gives_the_location_one_name() -> None:
    """Sensors and schedules keep their state by it, so `dg dev`, `dagster dev` and the demo must agree."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text(encoding="utf-8"))
    module: Any = {"python_module": {"module_name": "batch_assets.definitions", "location_name": LOCATION}}
    assert pyproject["tool"]["dg"]["project"] == {"root_module": "batch_assets", "code_location_name": LOCATION}
    assert "dagster" not in pyproject["tool"]
    assert workspace == {"load_from": [module]}


@pytest.mark.slow
def test_dg_checks_the_definitions(project: Project) -> None:
    """`dg check defs` is content, and warns of nothing."""
    ended = project.run("dg", "check", "defs")
    assert ended.returncode == 0, ended.stderr
    assert "All definitions loaded successfully." in ended.stdout
    assert "Warning" not in ended.stderr


@pytest.mark.slow
def test_dg_lists_the_whole_graph(project: Project) -> None:
    """Six assets in one group, four jobs, two schedules, two sensors, and checks for what can go wrong."""
    ended = project.run("dg", "list", "defs", "--json")
    assert ended.returncode == 0, ended.stderr
    listed = json.loads(ended.stdout)
    assert {asset["asset_key"]: asset["group_name"] for asset in listed["assets"]} == dict.fromkeys(
        ASSETS, "image_embeddings"
    )
    assert all(asset["description"] and asset["owners"] and asset["kinds"] for asset in listed["assets"])
    assert {job["name"] for job in listed["jobs"]} == {
        "plan_and_submit",
        "load",
        "reconcile_index",
        "clean_up_results",
    }
    assert {schedule["name"] for schedule in listed["schedules"]} == {
        "plan_newest_partitions",
        "clean_up_results_daily",
    }
    assert {sensor["name"] for sensor in listed["sensors"]} == {
        "alerts_sensor",
        "completion_sensor",
        "submission_sensor",
    }
    assert len(listed["asset_checks"]) >= 7


@pytest.mark.slow
def test_dagster_validates_the_workspace(project: Project) -> None:
    """The classic command, with the workspace file."""
    ended = project.run("dagster", "definitions", "validate", "-w", "workspace.yaml")
    assert ended.returncode == 0, ended.stderr
    assert f"Validation successful for code location {LOCATION}." in ended.stdout + ended.stderr


@pytest.mark.slow
def test_both_sensors_run_from_the_start(project: Project) -> None:
    """Nobody has to switch them on; the schedule waits for a person, because its jobs cost money."""
    sensors = project.run("dagster", "sensor", "list", "-w", "workspace.yaml").stdout
    assert "Sensor: completion_sensor [RUNNING]" in sensors
    assert "Sensor: submission_sensor [RUNNING]" in sensors
    schedules = project.run("dagster", "schedule", "list", "-w", "workspace.yaml").stdout
    assert "Schedule: plan_newest_partitions [STOPPED]" in schedules


@pytest.mark.slow
def test_wrong_settings_are_all_told_when_it_loads(project: Project) -> None:
    """In one message, each with its variable, its value and what is allowed."""
    ended = project.run("dg", "check", "defs", **WRONG)
    said = ended.stdout + ended.stderr
    assert ended.returncode != 0
    assert f"Validation failed for code location {LOCATION}" in said
    assert said.count("these settings are wrong (environment or .env)") == 1
    for name, value in WRONG.items():
        assert f"{name}={value!r}: " in said
    assert "must be one of 256, 384, 1024, 3072" in said


@pytest.mark.slow
def test_the_instance_is_as_configured(project: Project) -> None:
    """`dagster.yaml` is taken whole: no telemetry, a run queue with one run a partition, retries, pools."""
    ended = project.run("dagster", "instance", "info")
    assert ended.returncode == 0, ended.stderr
    configured = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    told = yaml.safe_load(ended.stdout.partition("-----------------------\n")[2].partition("\nStorage schema")[0])
    # Dagster makes the queue only for its daemon, and tells nothing of it here.
    queue = configured.pop("run_coordinator")
    assert {name: told[name] for name in configured} == configured
    with dg.DagsterInstance.from_config(str(project.home)) as instance:
        found: Any = instance.run_coordinator
        assert type(found).__name__ == queue["class"]
        assert found.inst_data.config_dict == queue["config"]
    assert configured["telemetry"] == configured["nux"] == {"enabled": False}


def test_the_demos_instance_differs_only_in_haste() -> None:
    """What a user learns from it holds for the project's own instance."""
    demo = ROOT / "batch_assets" / "cli" / "instance.yaml"
    hasty = yaml.safe_load(demo.read_text(encoding="utf-8"))
    configured = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    assert hasty["concurrency"]["pools"] == configured["concurrency"]["pools"]
    same = "tag_concurrency_limits"
    assert hasty["concurrency"]["runs"][same] == configured["concurrency"]["runs"][same]
    for name in ("telemetry", "nux", "run_retries"):
        assert hasty[name] == configured[name]
