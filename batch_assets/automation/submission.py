"""The submission sensor: drains what is queued as quota and lanes allow, and plans again what is not complete."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from batch_assets.assets.services import BedrockResource
from batch_assets.automation import event_log
from batch_assets.automation.event_log import Event
from batch_assets.automation.jobs import PLAN_AND_SUBMIT
from batch_assets.automation.launches import Purpose, Wait, next_run
from batch_assets.automation.tick import (
    MAX_CANDIDATES,
    MAX_RUN_REQUESTS,
    Cursor,
    Deadline,
    newer,
    swept,
)
from batch_assets.bedrock.jobs import live_jobs
from batch_assets.bedrock.ledger import QUEUED, WITH_JOB
from batch_assets.settings import Settings

NAME = "submission_sensor"
_HELD_STATUSES = frozenset({"Stopped", "Failed"})


def build(settings: Settings) -> dg.SensorDefinition:
    """The sensor for one deployment's settings; on by default."""

    @dg.sensor(
        name=NAME,
        job_name=PLAN_AND_SUBMIT,
        minimum_interval_seconds=settings.sensor_interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Submits queued partitions when the account's quota of live jobs and their lanes are free, and "
        "plans a loaded partition again while pictures are missing.",
    )
    def submission_sensor(context: dg.SensorEvaluationContext, bedrock: BedrockResource) -> dg.SensorResult:
        look = Look(settings, context.instance, bedrock.control(), Cursor.parse(context.cursor))
        return look.result()

    return submission_sensor


@dataclass
class Look:
    """One evaluation of the sensor."""

    settings: Settings
    instance: dg.DagsterInstance
    bedrock: Any
    cursor: Cursor
    deadline: Deadline = field(default_factory=Deadline)
    now: float = field(default_factory=time.time)
    waits: list[str] = field(default_factory=list)

    def result(self) -> dg.SensorResult:
        """Run requests for what can be submitted now, and what the rest waits for."""
        job_ids = event_log.newest_ids(self.instance, "batch_job")
        table_ids = event_log.newest_ids(self.instance, "embedding_table")
        sweep, offset = swept(sorted(job_ids), self.cursor.offset)
        fresh = {partition for partition, storage_id in table_ids.items() if storage_id > self.cursor.storage_id}
        candidates = sorted(newer(job_ids, table_ids) | fresh | set(sweep))[:MAX_CANDIDATES]
        jobs = event_log.events(self.instance, "batch_job", event_log.pick(job_ids, candidates))
        tables = event_log.events(self.instance, "embedding_table", event_log.pick(table_ids, candidates))
        wanted = {
            partition: event.storage_id
            for partition, event in (
                *((name, job) for name, job in jobs.items() if job.metadata["state"] == QUEUED),
                *((name, table) for name, table in tables.items() if _incomplete(jobs.get(name), table)),
            )
        }
        requests = list(self._requests(wanted, _held_lanes(self.settings, jobs, tables)))
        unfinished = {table_ids[name] for name in wanted if name in table_ids} if len(requests) < len(wanted) else set()
        seen = min(unfinished, default=max(table_ids.values(), default=0) + 1) - 1
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else self._reason(wanted),
            cursor=str(Cursor(seen, offset)),
        )

    def _requests(self, wanted: Mapping[str, int], held_lanes: Counter[str]) -> Iterator[dg.RunRequest]:
        if not wanted:
            return
        busy = event_log.busy_partitions(self.instance)
        room = (
            self.settings.max_live_jobs
            - len(live_jobs(self.bedrock, self.settings.space.model))
            - len(busy & set(wanted))
        )
        if room <= 0:
            self.waits.append(f"the account's {self.settings.max_live_jobs} live batch jobs are in use")
        room = min(room, MAX_RUN_REQUESTS)
        for partition, storage_id in sorted(wanted.items()):
            if room <= 0 or self.deadline.passed:
                return
            lane = self.settings.template.lane(partition)
            if partition in busy:
                self.waits.append(f"{partition}: a run is under way")
            elif held_lanes[lane]:
                self.waits.append(f"{partition}: the folder {lane or '(bucket)'} carries another job")
            else:
                run = next_run(
                    self.instance,
                    Purpose(PLAN_AND_SUBMIT, partition, str(storage_id)),
                    now=self.now,
                    max_attempts=self.settings.max_load_attempts,
                )
                if isinstance(run, Wait):
                    self.waits.append(run.reason)
                    continue
                held_lanes[lane] += 1
                room -= 1
                yield run

    def _reason(self, wanted: Mapping[str, int]) -> str:
        if not wanted:
            return "no partition is queued or incomplete"
        return f"{len(wanted)} partitions are to be submitted; " + "; ".join(self.waits[:5])


def _incomplete(job: Event | None, table: Event) -> bool:
    """Whether a loaded job left pictures that may be sent again without a person's word."""
    return (
        job is not None
        and job.metadata["state"] in WITH_JOB
        and job.metadata["token"] == table.metadata.get("loaded_job")
        and int(table.metadata["remaining"]) > 0
        and table.metadata.get("job_status") not in _HELD_STATUSES
    )


def _held_lanes(settings: Settings, jobs: Mapping[str, Event], tables: Mapping[str, Event]) -> Counter[str]:
    """Lanes with a job that is not loaded yet."""
    lanes: Counter[str] = Counter()
    for partition, job in jobs.items():
        loaded = tables[partition].metadata.get("loaded_job") if partition in tables else None
        if job.metadata["state"] in WITH_JOB and job.metadata["token"] != loaded:
            lanes[settings.template.lane(partition)] += 1
    return lanes
