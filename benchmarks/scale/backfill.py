"""A backfill of many small partitions, from the click in the web UI until all of them are in the index."""

import time
from collections.abc import Sequence
from typing import Any

from batch_assets.automation.job_names import PLAN_AND_SUBMIT
from benchmarks.scale.process_cpu import difference
from benchmarks.scale.running_dagster import RunningDagster, running_dagster, wait_until
from benchmarks.scale.sandbox_world import PICTURES, sandbox_world

_SPEED = 1800.0
"""A batch job takes a second."""

_SECONDS_A_PARTITION = 30


def measure(partitions: int, *, max_concurrent_runs: int = 4) -> dict[str, Any]:
    """Partitions a minute, and the CPU seconds of each part."""
    changes: dict[str, Any] = {"concurrency": {"runs": {"max_concurrent_runs": max_concurrent_runs}}}
    with (
        sandbox_world(partitions, with_pictures=partitions, speed=_SPEED) as world,
        running_dagster(world, changes=changes) as running,
    ):
        return {
            "partitions": partitions,
            "pictures_a_partition": PICTURES,
            "max_concurrent_runs": max_concurrent_runs,
            **_measured(running, world.partitions),
        }


def _measured(running: RunningDagster, partitions: Sequence[str]) -> dict[str, Any]:
    cpu, disk, begun = running.cpu(), running.bytes_on_disk(), time.time()
    _click(running, partitions)
    done = set(partitions)
    wait_until(lambda: running.indexed() >= done, seconds=_SECONDS_A_PARTITION * len(partitions) + 120)
    seconds, spent = time.time() - begun, difference(running.cpu(), cpu)
    runs = running.instance.get_run_records()
    first_run = min(record.start_time or 0.0 for record in runs)
    lengths = sorted((record.end_time or 0.0) - (record.start_time or 0.0) for record in runs)
    grown = {kind: size - disk[kind] for kind, size in running.bytes_on_disk().items()}
    return {
        "seconds": round(seconds, 1),
        "seconds_until_the_first_run": round(first_run - begun, 1),
        "partitions_a_minute": round(60 * len(partitions) / seconds, 1),
        "partitions_a_minute_from_the_first_run": round(60 * len(partitions) / (begun + seconds - first_run), 1),
        "runs": len(runs),
        "runs_that_failed": sum(record.dagster_run.status.value == "FAILURE" for record in runs),
        "median_seconds_in_a_run": round(lengths[len(lengths) // 2], 2),
        "cpu_seconds_a_partition": {part: round(value / len(partitions), 3) for part, value in spent.items()},
        "bytes_a_partition": {kind: size // len(partitions) for kind, size in grown.items()},
    }


def _click(running: RunningDagster, partitions: Sequence[str]) -> None:
    parameters = {
        "selector": {
            "partitionSetName": f"{PLAN_AND_SUBMIT}_partition_set",
            "repositorySelector": {
                "repositoryLocationName": "batch_assets",
                "repositoryName": "__repository__",
            },
        },
        "partitionNames": list(partitions),
        "fromFailure": False,
    }
    answer = running.dagster.query(_BACKFILL, parameters=parameters)["launchPartitionBackfill"]
    if answer["__typename"] != "LaunchBackfillSuccess":
        raise RuntimeError(f"the backfill was not launched: {answer}")


_BACKFILL = """
mutation Backfill($parameters: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $parameters) {
    __typename ... on PythonError { message } ... on PartitionSetNotFoundError { message }
  }
}
"""
