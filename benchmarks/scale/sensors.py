"""How long a look of each sensor takes, and what it asks for, with thousands of partitions in the event log.

100 jobs are in flight, 500 partitions are queued, 25 can be loaded at once; the rest is history. Bedrock answers after
100 ms.
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile
from typing import Any

import dagster as dg
from sqlalchemy import event
from sqlalchemy.engine import Engine

from batch_assets.automation.job_names import LOAD, PLAN_AND_SUBMIT
from batch_assets.automation.launches import PURPOSE_TAG, Purpose
from batch_assets.cli.local_world import BUCKET
from benchmarks.scale.history import Past, write
from benchmarks.scale.sandbox_world import SandboxWorld, sandbox_world

IN_FLIGHT, QUEUED, DUE = 100, 500, 25
FEWEST = 1_000
"""Partitions; less leaves no history."""

SENSORS = ("completion_sensor", "submission_sensor", "alerts_sensor")
_BEDROCK_SECONDS = 0.1
_LONGER_THAN_A_JOB_SECONDS = 25 * 3600
_LOOKS = 15
_QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}
DAGSTER_YAML = Path(__file__).parents[2] / "dagster.yaml"


def measure(partitions: int) -> dict[str, Any]:
    """By situation and sensor: the first look of a new process, and the median of the looks that follow."""
    with tempfile.TemporaryDirectory() as home, sandbox_world(partitions, with_pictures=1, speed=0) as world:
        copyfile(DAGSTER_YAML, Path(home) / "dagster.yaml")
        with dg.DagsterInstance.from_config(home) as instance:
            events = fill(instance, world)
            world.tell("faults", {"service": "bedrock", "latency_seconds": _BEDROCK_SECONDS})
            queued = world.partitions[DUE : DUE + QUEUED]
            situations = {"the quota is full": _looks(instance, world, live_jobs=IN_FLIGHT)}
            situations["25 more jobs are allowed"] = _looks(instance, world, live_jobs=IN_FLIGHT + 25)
            _try_in_vain(instance, queued)
            situations["and each queued one was just tried in vain"] = _looks(instance, world, live_jobs=IN_FLIGHT + 25)
            _begin_runs(instance, world.partitions[DUE + QUEUED :][:QUEUED])
            situations["and 500 other runs wait in the queue"] = _looks(instance, world, live_jobs=IN_FLIGHT + 25)
        return {"partitions": partitions, "events": events, "situations": situations}


def fill(instance: dg.DagsterInstance, world: SandboxWorld) -> int:
    """The oldest partitions can be loaded or are queued, the newest are in flight, those between are done."""
    keys = list(world.partitions)
    past = _real_past(instance, world, keys[-1])
    jobs = dict(zip(keys[-1 - IN_FLIGHT : -1], _submit(world, IN_FLIGHT), strict=True))
    return (
        write(instance, past.loadable(keys[:DUE]))
        + write(instance, past.queued(keys[DUE : DUE + QUEUED]))
        + write(instance, past.loaded(keys[DUE + QUEUED : -1 - IN_FLIGHT]))
        + write(instance, past.in_flight(jobs))
    )


def _real_past(instance: dg.DagsterInstance, world: SandboxWorld, key: str) -> Past:
    from batch_assets.definitions import defs

    for job in (PLAN_AND_SUBMIT, LOAD):
        defs.resolve_job_def(job).execute_in_process(partition_key=key, instance=instance, run_config=_QUIET)
        world.tell("clock", {"advance_seconds": _LONGER_THAN_A_JOB_SECONDS})
        world.wait_for_jobs()
    return Past.of(instance, key)


def _submit(world: SandboxWorld, number: int) -> Iterator[str]:
    """ARNs of new batch jobs; the clock stands still, so that nobody reads their input."""
    clients = world.clients()
    for at in range(number):
        folder = f"standing/{at}/"
        clients.s3.put_object(Bucket=BUCKET, Key=f"{folder}input.jsonl", Body=b"{}\n" * 100)
        yield clients.bedrock.create_model_invocation_job(
            jobName=f"standing-{at}",
            roleArn=clients.settings.role_arn,
            modelId=clients.settings.model_id,
            inputDataConfig={"s3InputDataConfig": {"s3Uri": f"s3://{BUCKET}/{folder}", "s3InputFormat": "JSONL"}},
            outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/output/"}},
        )["jobArn"]


def _try_in_vain(instance: dg.DagsterInstance, partitions: Sequence[str]) -> None:
    for partition in partitions:
        purpose = Purpose(PLAN_AND_SUBMIT, partition, f"queued {partition}")
        _add_run(instance, partition, dg.DagsterRunStatus.SUCCESS, {PURPOSE_TAG: purpose.tag})


def _begin_runs(instance: dg.DagsterInstance, partitions: Sequence[str]) -> None:
    for partition in partitions:
        _add_run(instance, partition, dg.DagsterRunStatus.NOT_STARTED, {})


def _add_run(
    instance: dg.DagsterInstance, partition: str, status: dg.DagsterRunStatus, tags: Mapping[str, str]
) -> None:
    run: Any = dg.DagsterRun(job_name=PLAN_AND_SUBMIT, status=status, tags={"dagster/partition": partition, **tags})
    instance.add_run(run)


def _looks(instance: dg.DagsterInstance, world: SandboxWorld, *, live_jobs: int) -> dict[str, Any]:
    from batch_assets.definitions import build_definitions

    os.environ["BATCH_ASSETS_MAX_LIVE_JOBS"] = str(live_jobs)
    definitions = build_definitions(world.clients().settings)
    repository = definitions.get_repository_def()
    found = {}
    for sensor in SENSORS:
        looks = [_look(instance, world, definitions, repository.get_sensor_def(sensor)) for _ in range(_LOOKS)]
        later = looks[1:]
        found[sensor] = {
            "first": looks[0],
            "later": {name: round(statistics.median(look[name] for look in later), 3) for name in _FIGURES},
            "runs_requested": looks[-1]["runs_requested"],
            "reason": looks[-1]["reason"],
        }
    return found


_FIGURES = ("seconds", "cpu_seconds", "queries", "service_calls")


def _look(
    instance: dg.DagsterInstance, world: SandboxWorld, definitions: dg.Definitions, sensor: Any
) -> dict[str, Any]:
    """One evaluation as the code server makes it; what it observes is stored, as the daemon does, but not timed."""
    world.forget_calls()
    with (
        _counted_queries() as queries,
        dg.build_sensor_context(
            instance=instance,
            repository_def=definitions.get_repository_def(),
            resources=definitions.resources,
        ) as context,
    ):
        begun, cpu = time.perf_counter(), time.process_time()
        result = sensor(context)
        seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu
        number = len(queries)
    calls = world.calls()
    for observed in result.asset_events:
        instance.report_runless_asset_event(observed)
    skip = result.skip_reason
    return {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu_seconds, 3),
        "queries": number,
        "service_calls": calls,
        "runs_requested": len(result.run_requests or []),
        "reason": (skip.skip_message if isinstance(skip, dg.SkipReason) else skip) or "",
    }


@contextmanager
def _counted_queries() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("PRAGMA"):
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


if __name__ == "__main__":
    import sys

    print(json.dumps(measure(int(sys.argv[1])), indent=1))
