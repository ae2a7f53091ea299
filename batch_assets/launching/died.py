"""Reports a run whose process died: `python -m batch_assets.launching.died <arguments of the run> <exit code>`."""

import sys

import dagster as dg
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import deserialize_value


def report(execute_run_args: str, exit_code: int) -> None:
    """Mark the run as failed unless it has ended by itself; Dagster's run retries then start it again."""
    args = deserialize_value(execute_run_args, ExecuteRunArgs)
    if args.instance_ref is None:
        raise ValueError("the run's arguments name no instance")
    with dg.DagsterInstance.from_ref(args.instance_ref) as instance:
        run = instance.get_run_by_id(args.run_id)
        if run is not None and not run.is_finished:
            how = f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
            instance.report_engine_event(f"The process of the run ended unexpectedly with {how}.", run)
            instance.report_run_failed(run)


if __name__ == "__main__":
    report(sys.argv[1], int(sys.argv[2]))
