"""Runs as forks: launched, interrupted, reported when they die, and never with code that was reloaded since."""

import pytest

from batch_assets.launching.run_launcher import SOCKET_TAG
from tests.conftest import wait_for
from tests.launching.conftest import Instance

pytestmark = pytest.mark.slow


def test_a_run_is_a_fork_and_the_next_one_of_the_same_process(instance: Instance) -> None:
    """Both name the socket of the process that has everything imported."""
    runs = [instance.wait_for_status(instance.launch("speaking"), "SUCCESS") for _ in range(2)]
    sockets = {run["tags"][SOCKET_TAG] for run in runs}
    assert len(sockets) == 1


def test_a_run_is_cancelled_from_the_web_ui(instance: Instance) -> None:
    """The web server interrupts a process that the daemon has started."""
    run_id = instance.launch("waiting")
    waiting = instance.dagster.home / "waiting"
    wait_for(waiting.exists, what="the run to wait")
    answer = instance.dagster.query(_TERMINATE, id=run_id)["terminateRun"]
    assert answer["__typename"] == "TerminateRunSuccess"
    instance.wait_for_status(run_id, "CANCELED")


def test_a_run_whose_process_was_killed_fails_and_is_started_again(instance: Instance) -> None:
    """Dagster's run retries do that, once they are told."""
    run_id = instance.launch("dying")
    instance.wait_for_status(run_id, "FAILURE")
    assert "The process of the run ended unexpectedly with signal 9." in instance.messages(run_id)
    wait_for(lambda: instance.runs_of("dying") == ["SUCCESS", "FAILURE"], what="the run to be started again")


def test_reloaded_code_is_what_runs(instance: Instance) -> None:
    """A reload in the web UI is a new process to fork from."""
    spoken = instance.dagster.home / "spoken"
    before = instance.wait_for_status(instance.launch("speaking"), "SUCCESS")
    assert spoken.read_text() == "first"
    instance.definitions.write_text(instance.definitions.read_text().replace('"first"', '"second"'))
    instance.dagster.query(_RELOAD)
    after = instance.wait_for_status(instance.launch("speaking"), "SUCCESS")
    assert spoken.read_text() == "second"
    assert before["tags"][SOCKET_TAG] != after["tags"][SOCKET_TAG]


_TERMINATE = "mutation Terminate($id: String!) { terminateRun(runId: $id) { __typename } }"
_RELOAD = 'mutation { reloadRepositoryLocation(repositoryLocationName: "batch_assets") { __typename } }'
