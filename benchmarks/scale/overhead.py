"""What Dagster's machinery adds to a partition of 100 pictures: from the request to the index, and where time goes."""

import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from batch_assets.automation.job_names import LOAD, PLAN_AND_SUBMIT
from benchmarks.scale.running_dagster import RunningDagster, running_dagster, wait_until
from benchmarks.scale.sandbox_world import PICTURES, sandbox_world

_SPEED = 1800.0
"""A batch job takes a second."""

_PATIENCE_SECONDS = 180


def measure(partitions: int) -> dict[str, Any]:
    """Median seconds of each part of the way, one partition after the other."""
    with sandbox_world(partitions, with_pictures=partitions, speed=_SPEED) as world, running_dagster(world) as running:
        ways = [_way(running, partition) for partition in world.partitions]
    return {
        "partitions": partitions,
        "pictures_a_partition": PICTURES,
        "median_seconds": {part: round(statistics.median(way[part] for way in ways), 2) for part in ways[0]},
        "longest_seconds": round(max(way["request to indexed"] for way in ways), 2),
    }


def _way(running: RunningDagster, partition: str) -> dict[str, float]:
    requested = time.time()
    running.dagster.launch(PLAN_AND_SUBMIT, partition)
    wait_until(lambda: partition in running.indexed() and _is_over(running, partition), seconds=_PATIENCE_SECONDS)
    plan, load = (_run(running.instance, job, partition) for job in (PLAN_AND_SUBMIT, LOAD))
    (_, plan_ended), (load_asked, load_ended) = _ends(running.instance, plan), _ends(running.instance, load)
    return {
        "request to indexed": load_ended - requested,
        "request to queued": _ends(running.instance, plan)[0] - requested,
        **dict(_parts(running.instance, "plan_and_submit", plan)),
        "job, and the sensor's look": load_asked - plan_ended,
        **dict(_parts(running.instance, "load", load)),
    }


def _is_over(running: RunningDagster, partition: str) -> bool:
    unfinished = dg.RunsFilter(
        tags={"dagster/partition": partition},
        statuses=[dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED],
    )
    return not running.instance.get_runs(unfinished)


def _run(instance: dg.DagsterInstance, job: str, partition: str) -> str:
    """The id of the one successful run of a job for a partition."""
    wanted = dg.RunsFilter(job_name=job, tags={"dagster/partition": partition}, statuses=[dg.DagsterRunStatus.SUCCESS])
    (run,) = instance.get_runs(wanted)
    return run.run_id


def _ends(instance: dg.DagsterInstance, run_id: str) -> tuple[float, float]:
    """When a run was put into the queue, and when it was over."""
    stats: Any = instance.get_run_stats(run_id)
    return stats.enqueued_time, stats.end_time


def _parts(instance: dg.DagsterInstance, name: str, run_id: str) -> Iterator[tuple[str, float]]:
    stats: Any = instance.get_run_stats(run_id)
    steps: Sequence[Any] = instance.get_run_step_stats(run_id)
    yield f"{name}: in the queue", stats.launch_time - stats.enqueued_time
    yield f"{name}: start of its process", stats.start_time - stats.launch_time
    in_steps = 0.0
    for step in sorted(steps, key=lambda step: step.start_time):
        yield f"{name}: step {step.step_key}", step.end_time - step.start_time
        in_steps += step.end_time - step.start_time
    yield f"{name}: around its steps", stats.end_time - stats.start_time - in_steps
