"""What run monitoring is told of a run by `MonitoredRunLauncher`; test_kills.py has the code server that is back."""

import json
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from batch_assets.automation.run_launcher import MonitoredRunLauncher
from batch_assets.cli.dagster_process import free_port


@pytest.fixture
def launcher() -> Iterator[MonitoredRunLauncher]:
    """A launcher of an instance without runs."""
    with dg.DagsterInstance.ephemeral() as instance:
        launcher = MonitoredRunLauncher()
        launcher.register_instance(instance)
        yield launcher


def started_run(launcher: MonitoredRunLauncher, tags: dict[str, str]) -> dg.DagsterRun:
    """A run that counts as started."""

    @dg.job
    def nothing() -> None:
        """Have no steps."""

    return launcher._instance.create_run_for_job(nothing, tags=tags, status=dg.DagsterRunStatus.STARTED)


def test_dagster_asks_it() -> None:
    """Run monitoring passes over launchers that cannot tell, such as the default one."""
    assert MonitoredRunLauncher().supports_check_run_worker_health


def test_a_code_server_that_does_not_answer_says_nothing_of_its_runs(launcher: MonitoredRunLauncher) -> None:
    """It may be busy, so a run is not given up for that."""
    nobody = {"host": "127.0.0.1", "port": free_port()}
    told = launcher.check_run_worker_health(started_run(launcher, {GRPC_INFO_TAG: json.dumps(nobody)}))
    assert (told.status, told.transient) == (WorkerStatus.RUNNING, True)


def test_a_run_that_no_code_server_was_given_is_left_to_its_timeout(launcher: MonitoredRunLauncher) -> None:
    """There is nobody to ask."""
    assert launcher.check_run_worker_health(started_run(launcher, {})).status is WorkerStatus.RUNNING
