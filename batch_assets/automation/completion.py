"""The completion sensor: loads a partition when its batch job has ended, and reports how the jobs get on.

In each look it compares, by identity, the job of a partition with the job that its table holds, and the table's
version with the indexed one. It asks Bedrock for all jobs at once, and singly only for the few that are not listed.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from batch_assets.assets.services import BedrockResource
from batch_assets.automation import event_log
from batch_assets.automation.event_log import Event
from batch_assets.automation.jobs import LOAD
from batch_assets.automation.launches import Purpose, Wait, next_run
from batch_assets.automation.tick import (
    MAX_CANDIDATES,
    MAX_EVENTS,
    MAX_RUN_REQUESTS,
    Cursor,
    Deadline,
    newer,
    swept,
)
from batch_assets.bedrock.jobs import BatchJob, get_job, list_jobs
from batch_assets.bedrock.ledger import LOADED_AT_ONCE, WITH_JOB
from batch_assets.errors import JobError
from batch_assets.settings import Settings

NAME = "completion_sensor"
_MAX_GETS = 20
_PROGRESS_STEP = 10
_PROGRESS_SECONDS = 600
_CLOCK_SKEW = timedelta(minutes=10)


def build(settings: Settings) -> dg.SensorDefinition:
    """The sensor for one deployment's settings; on by default."""

    @dg.sensor(
        name=NAME,
        job_name=LOAD,
        minimum_interval_seconds=settings.sensor_interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Materialises embedding_table, rejected_images and vector_index of a partition when its batch job "
        "has ended, and reports each change of a job's state on batch_job.",
    )
    def completion_sensor(context: dg.SensorEvaluationContext, bedrock: BedrockResource) -> dg.SensorResult:
        look = Look(settings, context.instance, bedrock.control(), Cursor.parse(context.cursor))
        return look.result()

    return completion_sensor


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
    live: Counter[str] = field(default_factory=Counter)

    def result(self) -> dg.SensorResult:
        """Run requests for what is due, observations for what has changed, and what is waited for."""
        newest = {
            asset: event_log.newest_ids(self.instance, asset)
            for asset in ("batch_job", "embedding_table", "vector_index")
        }
        candidates, offset = self._candidates(newest)
        jobs, due = self._compare(
            {
                asset: event_log.events(self.instance, asset, event_log.pick(ids, candidates))
                for asset, ids in newest.items()
            }
        )
        statuses = self._statuses(jobs)
        due |= {partition: str(jobs[partition].metadata["token"]) for partition, job in statuses.items() if job.ended}
        self.live.update(job.status for job in statuses.values() if not job.ended)
        requests = list(self._requests(due))
        return dg.SensorResult(
            run_requests=requests,
            asset_events=list(self._observations(jobs, statuses)),
            skip_reason=None if requests else self._reason(),
            cursor=str(Cursor(offset=offset)),
        )

    def _candidates(self, newest: Mapping[str, Mapping[str, int]]) -> tuple[list[str], int]:
        """Partitions whose newest events are out of order, and a slice of all others."""
        jobs, tables, indexes = newest.values()
        sweep, offset = swept(sorted(jobs), self.cursor.offset)
        return sorted(newer(jobs, tables) | newer(tables, indexes) | set(sweep))[:MAX_CANDIDATES], offset

    def _compare(self, newest: Mapping[str, Mapping[str, Event]]) -> tuple[dict[str, Event], dict[str, str]]:
        """Jobs that are not loaded yet, and the identity of what can be loaded at once."""
        waiting: dict[str, Event] = {}
        due: dict[str, str] = {}
        for partition, job in newest["batch_job"].items():
            table = newest["embedding_table"].get(partition)
            token, state = str(job.metadata["token"]), job.metadata["state"]
            if table is None or table.metadata.get("loaded_job") != token:
                if state in WITH_JOB:
                    waiting[partition] = job
                elif state in LOADED_AT_ONCE:
                    due[partition] = token
                else:
                    self.live[str(state)] += 1
            elif table.metadata["table_version"] != _indexed(newest["vector_index"].get(partition)):
                due[partition] = f"index {table.metadata['table_version']}"
        return waiting, due

    def _statuses(self, jobs: Mapping[str, Event]) -> dict[str, BatchJob]:
        """The service's view of the jobs: one listing, then a few single questions."""
        by_arn = {str(event.metadata["job_arn"]): partition for partition, event in jobs.items()}
        found: dict[str, BatchJob] = {}
        if not jobs:
            return found
        earliest = min(float(event.metadata["submitted_at"]) for event in jobs.values())
        after = datetime.fromtimestamp(earliest, UTC) - _CLOCK_SKEW
        for job in list_jobs(self.bedrock, submitTimeAfter=after):
            if job.arn in by_arn:
                found[by_arn[job.arn]] = job
            if len(found) == len(by_arn) or self.deadline.passed:
                break
        for arn, partition in [(arn, name) for arn, name in by_arn.items() if name not in found][:_MAX_GETS]:
            if self.deadline.passed:
                break
            try:
                found[partition] = get_job(self.bedrock, arn)
            except JobError as error:
                self.waits.append(f"{partition}: {error}")
        return found

    def _requests(self, due: Mapping[str, str]) -> Iterator[dg.RunRequest]:
        busy = event_log.busy_partitions(self.instance)
        launched = 0
        for partition, identity in sorted(due.items()):
            if launched == MAX_RUN_REQUESTS or self.deadline.passed:
                self.waits.append(f"{len(due)} partitions can be loaded, {launched} are started in this look")
                return
            if partition in busy:
                self.waits.append(f"{partition}: a run is under way")
                continue
            run = next_run(
                self.instance,
                Purpose(LOAD, partition, identity),
                now=self.now,
                max_attempts=self.settings.max_load_attempts,
            )
            if isinstance(run, Wait):
                self.waits.append(run.reason)
            else:
                launched += 1
                yield run

    def _observations(
        self, jobs: Mapping[str, Event], statuses: Mapping[str, BatchJob]
    ) -> Iterator[dg.AssetObservation]:
        """What has changed since the last observation that is in the event log."""
        kind = dg.DagsterEventType.ASSET_OBSERVATION
        ids = event_log.pick(event_log.newest_ids(self.instance, "batch_job", kind), statuses) if statuses else {}
        reported = event_log.observations(self.instance, "batch_job", ids)
        changed = [
            (partition, job)
            for partition, job in sorted(statuses.items())
            if worth_reporting(job, reported.get(partition), now=self.now)
        ]
        for partition, job in changed[:MAX_EVENTS]:
            yield _observation(partition, job, records=int(jobs[partition].metadata["records"]))

    def _reason(self) -> str:
        states = ", ".join(f"{number} {status}" for status, number in sorted(self.live.items()))
        parts = [f"waiting for batch jobs: {states}" if states else "no batch job is in flight", *self.waits[:5]]
        if len(self.waits) > len(parts):
            parts.append(f"and {len(self.waits) - 5} more")
        return "; ".join(parts)


def worth_reporting(job: BatchJob, last: Event | None, *, now: float) -> bool:
    """A new job or status always; progress when it grew by 10 % and the last report is 10 minutes old."""
    if last is None or last.metadata.get("job_arn") != job.arn or last.metadata.get("status") != job.status:
        return True
    grown = progress_percent(job) - float(last.metadata.get("progress_percent", 0))
    return grown >= _PROGRESS_STEP and now - last.timestamp >= _PROGRESS_SECONDS


def progress_percent(job: BatchJob) -> float:
    """Processed share of a job's records; 0 until the service counts."""
    return round(100 * job.processed_records / job.total_records, 1) if job.total_records else 0.0


def _observation(partition: str, job: BatchJob, *, records: int) -> dg.AssetObservation:
    return dg.AssetObservation(
        asset_key="batch_job",
        partition=partition,
        description=f"{job.status}{': ' + job.message if job.message else ''}",
        metadata={
            "status": job.status,
            "job_arn": job.arn,
            "job_name": job.name,
            "message": job.message,
            "records": records,
            "processed": job.processed_records,
            "succeeded": job.success_records,
            "errors": job.error_records,
            "progress_percent": progress_percent(job),
        },
    )


def _indexed(index: Event | None) -> str | None:
    return str(index.metadata["indexed_version"]) if index else None
