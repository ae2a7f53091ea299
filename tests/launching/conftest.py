"""A Dagster instance with small jobs, whose runs are forked."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from batch_assets.cli.dagster_process import DagsterDev, free_port, prepare_home
from batch_assets.cli.local_world import clean_environment
from tests.conftest import wait_for

_DEFINITIONS = """
import os, signal, time
from pathlib import Path
import dagster as dg

VERSION = "first"
HOME = Path(os.environ["DAGSTER_HOME"])

@dg.op
def speak():
    (HOME / "spoken").write_text(VERSION)

@dg.op
def wait():
    (HOME / "waiting").touch()
    time.sleep(600)

@dg.op
def die(context):
    if (HOME / "dead").exists():
        return
    (HOME / "dead").touch()
    os.kill(os.getpid(), signal.SIGKILL)

@dg.job
def speaking(): speak()

@dg.job
def waiting(): wait()

@dg.job
def dying(): die()

defs = dg.Definitions(jobs=[speaking, waiting, dying], executor=dg.in_process_executor)
"""


@dataclass(frozen=True)
class Instance:
    """A running Dagster, and the file that its definitions stand in."""

    dagster: DagsterDev
    definitions: Path

    def launch(self, job: str) -> str:
        return self.dagster.launch(job, "any")

    def run(self, run_id: str) -> dict[str, Any]:
        """Status and tags."""
        found = self.dagster.query(_RUN, id=run_id)["runOrError"]
        return {"status": found["status"], "tags": {tag["key"]: tag["value"] for tag in found["tags"]}}

    def wait_for_status(self, run_id: str, status: str) -> dict[str, Any]:
        wait_for(lambda: self.run(run_id)["status"] == status, what=f"the run to be {status}")
        return self.run(run_id)

    def messages(self, run_id: str) -> str:
        """What the event log says of a run."""
        events = self.dagster.query(_MESSAGES, id=run_id)["logsForRun"]["events"]
        return "\n".join(str(event.get("message")) for event in events)

    def runs_of(self, job: str) -> list[str]:
        """Statuses of the runs of a job, the newest first."""
        found = self.dagster.query(_RUNS, job=job)["runsOrError"]["results"]
        return [run["status"] for run in found]


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """`dagster dev` with the instance settings of the demo, and another code location."""
    home = tmp_path_factory.mktemp("home")
    prepare_home(home)
    definitions = home / "small_definitions.py"
    definitions.write_text(_DEFINITIONS)
    (home / "workspace.yaml").write_text(
        "load_from:\n  - python_module:\n      module_name: small_definitions\n      location_name: batch_assets\n"
    )
    environment = clean_environment(os.environ, {"PYTHONPATH": os.pathsep.join([str(home), *sys.path])})
    with (home / "log").open("wb") as log, DagsterDev(home, environment, free_port(), log) as dagster:
        dagster.wait_until_ready()
        yield Instance(dagster, definitions)
    shutil.rmtree(home)


_RUN = "query Run($id: ID!) { runOrError(runId: $id) { ... on Run { status tags { key value } } } }"
_RUNS = """
query Runs($job: String!) { runsOrError(filter: { pipelineName: $job }) { ... on Runs { results { status } } } }
"""
_MESSAGES = """
query Messages($id: ID!) {
  logsForRun(runId: $id) { ... on EventConnection { events { ... on MessageEvent { message } } } } }
"""
