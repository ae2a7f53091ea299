"""Dagster's default run launcher, which also tells run monitoring when a run's process is gone.

A run lives in a process of its own under the code server. When a container ends, all its processes end with it, and
nobody is left to report the run: by default it counts as started for ever, and holds its partition and its place in
the queue. Named in `dagster.yaml`, where `run_monitoring` asks it about each started run; `run_retries` then starts
the run again.
"""

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value


class MonitoredRunLauncher(DefaultRunLauncher):
    """Launches runs under the code server, and asks it whether they are still there."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the code server that was given the run still has its process.

        A code server that does not answer is asked again at the next look: it may only be busy, and if it is gone, its
        successor says that it has no such run.
        """
        client = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]  # Dagster's own
        if client is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "the run has ended, or was never launched")
        try:
            answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id))
        except DagsterUserCodeUnreachableError:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "the code server does not answer", transient=True)
        if deserialize_value(answer, CanCancelExecutionResult).can_cancel:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "the code server has no process of this run")
