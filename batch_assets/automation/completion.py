"""The completion sensor: loads a partition when its batch job has ended, and reports how the jobs get on.

In each look it compares, by identity, the job of a partition with the job that its table holds, and the table's
version with the indexed one. A job whose end is in the event log is not asked for again.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from batch_assets.assets import history
from batch_assets.assets.services import BedrockResource, SqsResource
from batch_assets.assets.target import Target
from batch_assets.automation.event_log import Event, PartitionEvents, Verdicts, busy_partitions, observations
from batch_assets.automation.inquiry import Inquiry, LastList
from batch_assets.automation.job_names import LOAD
from batch_assets.automation.launches import Purpose, Wait, earlier_runs, next_run
from batch_assets.automation.tick import MAX_EVENTS, MAX_RUN_REQUESTS, Deadline
from batch_assets.bedrock.job_events import EventQueue
from batch_assets.bedrock.jobs import ENDED_STATUSES, BatchJob
from batch_assets.bedrock.ledger import LOADED_AT_ONCE, QUEUED, WITH_JOB
from batch_assets.settings import Settings

NAME = "completion_sensor"
ASSETS = ("batch_job", "embedding_table", "vector_index")
_SHOWN = 5
_PROGRESS_STEP = 10
_PROGRESS_SECONDS = 600
_EVENTS_INTERVAL_SECONDS = 5


def build(settings: Settings) -> dg.SensorDefinition:
    """The sensor for one deployment's settings; on by default."""
    verdicts = Verdicts(ASSETS, verdict)

    @dg.sensor(
        name=NAME,
        job_name=LOAD,
        minimum_interval_seconds=_interval_seconds(settings),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Materialises embedding_table, rejected_images and vector_index of a partition when its batch job "
        "has ended, and reports each change of a job's state on batch_job.",
    )
    def completion_sensor(
        context: dg.SensorEvaluationContext, bedrock: BedrockResource, sqs: SqsResource
    ) -> dg.SensorResult:
        queue = EventQueue(sqs.client(), settings.events_queue_url) if settings.events_queue_url else None
        current = verdicts.current(context.instance)
        return Look(settings, context.instance, bedrock.control(), current, queue, context.cursor).result()

    return completion_sensor


def _interval_seconds(settings: Settings) -> int:
    """With a queue a look costs one call of SQS, and comes as often as the daemon goes round."""
    interval = settings.sensor_interval_seconds
    return min(interval, _EVENTS_INTERVAL_SECONDS) if settings.events_queue_url else interval


@dataclass(frozen=True)
class InFlight:
    """A job whose results are not in the table yet; `event_id` is the storage id of the event that tells of it."""

    job_arn: str
    submitted_at: float
    records: int
    target: str | None
    event_id: int


@dataclass(frozen=True)
class Due:
    """Something that can be loaded at once, by its identity, into its target."""

    identity: str
    target: str | None


@dataclass(frozen=True)
class AtRest:
    """Nothing to load; `queued` if the partition waits for its turn."""

    queued: bool = False


Verdict = InFlight | Due | AtRest


def verdict(events: PartitionEvents) -> Verdict:
    """What a partition's newest events ask for."""
    job, table, index = (events.get(asset) for asset in ASSETS)
    if job is None:
        return AtRest()
    state, token = str(job.metadata["state"]), str(job.metadata["token"])
    loaded = table.metadata.get("loaded_job") if table else None
    # Under other settings than those of its job a partition waits for that job first.
    waits_for: Mapping[str, Any] | None = job.metadata.get("waits_for")
    if waits_for and loaded != waits_for["token"]:
        return _in_flight(waits_for, job.storage_id)
    if loaded != token and state in WITH_JOB:
        return _in_flight(job.metadata, job.storage_id)
    if loaded != token and state in LOADED_AT_ONCE:
        return Due(token, job.metadata.get("target"))
    version = str(table.metadata["table_version"]) if table else None
    if table and (index is None or index.metadata["indexed_version"] != version):
        return Due(f"index {version}", table.metadata.get("target"))
    return AtRest(queued=state == QUEUED)


def _in_flight(told: Mapping[str, Any], event_id: int) -> InFlight:
    submitted_at, records = float(told["submitted_at"]), int(told["records"])
    return InFlight(str(told["job_arn"]), submitted_at, records, told.get("target"), event_id)


@dataclass
class Look:
    """One evaluation of the sensor."""

    settings: Settings
    instance: dg.DagsterInstance
    bedrock: Any
    verdicts: Mapping[str, Verdict]
    queue: EventQueue | None = None
    cursor: str | None = None
    deadline: Deadline = field(default_factory=Deadline)
    now: float = field(default_factory=time.time)
    waits: list[str] = field(default_factory=list)

    def result(self) -> dg.SensorResult:
        """Run requests for what is due, observations for what has changed, and what is waited for."""
        flying = {name: found for name, found in self.verdicts.items() if isinstance(found, InFlight)}
        due = {name: found for name, found in self.verdicts.items() if isinstance(found, Due)}
        reported = observations(self.instance, "batch_job", flying)
        ended = {name: job for name, job in flying.items() if end_is_reported(job, reported.get(name))}
        inquiry = self._inquiry({name: job for name, job in flying.items() if name not in ended})
        statuses = inquiry.statuses()
        ended |= {name: flying[name] for name, job in statuses.items() if job.ended}
        due |= {name: Due(job.job_arn, job.target) for name, job in ended.items()}
        requests = list(self._requests(due)) if due else []
        changed = self._changed(statuses, reported)
        return dg.SensorResult(
            run_requests=requests,
            asset_events=[
                _observation(name, job, reported.get(name), records=flying[name].records)
                for name, job in changed[:MAX_EVENTS]
            ],
            skip_reason=None if requests else self._reason(_shown(flying, statuses, reported)),
            # What does not fit into one look has to be found again.
            cursor=inquiry.last_list.as_cursor() if self.queue and len(changed) <= MAX_EVENTS else self.cursor,
        )

    def _inquiry(self, waiting: Mapping[str, InFlight]) -> Inquiry:
        return Inquiry(
            self.settings,
            self.bedrock,
            self.queue,
            waiting,
            LastList.from_cursor(self.cursor),
            deadline=self.deadline,
            now=self.now,
            waits=self.waits,
        )

    def _requests(self, due: Mapping[str, Due]) -> Iterator[dg.RunRequest]:
        busy = busy_partitions(self.instance, due)
        purposes = {partition: Purpose(LOAD, partition, found.identity) for partition, found in due.items()}
        tries = earlier_runs(self.instance, purposes.values())
        launched = 0
        for partition, found in sorted(due.items()):
            if launched == MAX_RUN_REQUESTS or self.deadline.passed:
                self.waits.append(f"{len(due)} partitions can be loaded, {launched} are started in this look")
                return
            if partition in busy:
                self.waits.append(f"{partition}: a run is under way")
                continue
            purpose = purposes[partition]
            run = next_run(
                purpose,
                tries.get(purpose.tag, ()),
                now=self.now,
                max_attempts=self.settings.max_load_attempts,
                tags=Target.from_json(found.target).tags() if found.target else {},
            )
            if isinstance(run, Wait):
                self.waits.append(run.reason)
            else:
                launched += 1
                yield run

    def _changed(
        self, statuses: Mapping[str, BatchJob], reported: Mapping[str, Event]
    ) -> Sequence[tuple[str, BatchJob]]:
        """What has changed since the last observation that is in the event log; ends first."""
        changed = [
            (name, job) for name, job in statuses.items() if worth_reporting(job, reported.get(name), now=self.now)
        ]
        return sorted(changed, key=lambda item: (not item[1].ended, item[0]))

    def _reason(self, states: Counter[str]) -> str:
        states["queued"] = sum(isinstance(found, AtRest) and found.queued for found in self.verdicts.values())
        shown = ", ".join(f"{number} {status}" for status, number in sorted(states.items()) if number)
        parts = [f"waiting for batch jobs: {shown}" if shown else "no batch job is in flight", *self.waits[:_SHOWN]]
        if len(self.waits) > _SHOWN:
            parts.append(f"and {len(self.waits) - _SHOWN} more")
        return "; ".join(parts)


def end_is_reported(job: InFlight, last: Event | None) -> bool:
    """Whether the event log says that this very job has ended, which is for good."""
    return (
        last is not None and last.metadata.get("job_arn") == job.job_arn and last.metadata["status"] in ENDED_STATUSES
    )


def _shown(
    flying: Mapping[str, InFlight], statuses: Mapping[str, BatchJob], reported: Mapping[str, Event]
) -> Counter[str]:
    """The jobs in flight by their newest known status."""
    known = {
        name: str(reported[name].metadata["status"])
        for name, job in flying.items()
        if name in reported and reported[name].metadata.get("job_arn") == job.job_arn
    }
    return Counter({**known, **{name: job.status for name, job in statuses.items()}}.values())


def worth_reporting(job: BatchJob, last: Event | None, *, now: float) -> bool:
    """A new job or status always; progress when it grew by 10 % and the last report is 10 minutes old."""
    if last is None or last.metadata.get("job_arn") != job.arn or last.metadata.get("status") != job.status:
        return True
    grown = progress_percent(job) - float(last.metadata.get("progress_percent", 0))
    return grown >= _PROGRESS_STEP and now - last.timestamp >= _PROGRESS_SECONDS


def progress_percent(job: BatchJob) -> float:
    """Processed share of a job's records; 0 until the service counts."""
    return round(100 * job.processed_records / job.total_records, 1) if job.total_records else 0.0


def _observation(partition: str, job: BatchJob, last: Event | None, *, records: int) -> dg.AssetObservation:
    return dg.AssetObservation(
        asset_key="batch_job",
        partition=partition,
        description=f"{job.status}{': ' + job.message if job.message else ''}",
        metadata={
            "status": job.status,
            history.NAME: history.continued(last.metadata if last else None, job),
            "job_arn": job.arn,
            "job_name": job.name,
            **({"message": job.message} if job.message else {}),
            "records": records,
            "processed": job.processed_records,
            "succeeded": job.success_records,
            "errors": job.error_records,
            "progress_percent": progress_percent(job),
        },
    )
