"""The submission sensor: drains what is queued as quota and lanes allow, and plans again what is not complete."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from batch_assets.assets.services import BedrockResource
from batch_assets.automation.event_log import PartitionEvents, Verdicts, busy_partitions
from batch_assets.automation.job_names import PLAN_AND_SUBMIT
from batch_assets.automation.launches import Purpose, Wait, earlier_runs, next_run
from batch_assets.automation.tick import MAX_RUN_REQUESTS, Deadline
from batch_assets.bedrock.jobs import live_jobs
from batch_assets.bedrock.ledger import QUEUED, SENT
from batch_assets.settings import Settings

NAME = "submission_sensor"
ASSETS = ("batch_job", "embedding_table")
_SHOWN = 5


def build(settings: Settings) -> dg.SensorDefinition:
    """The sensor for one deployment's settings; on by default."""
    verdicts = Verdicts(ASSETS, verdict)

    @dg.sensor(
        name=NAME,
        job_name=PLAN_AND_SUBMIT,
        minimum_interval_seconds=settings.sensor_interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Submits queued partitions when the account's quota of live jobs and their lanes are free, and "
        "plans a loaded partition again while pictures are missing.",
    )
    def submission_sensor(context: dg.SensorEvaluationContext, bedrock: BedrockResource) -> dg.SensorResult:
        return Look(settings, context.instance, bedrock.control(), verdicts.current(context.instance)).result()

    return submission_sensor


@dataclass(frozen=True)
class Verdict:
    """What a partition asks for: the identity of a wanted submission, and whether its lane carries a job.

    What is `queued` is tried as often as it takes; what a load has left, a bounded number of times. `first` is another
    partition, whose run died before it recorded what it has paid for: its plan finds that, and frees the lane.
    """

    wanted: str | None = None
    queued: bool = False
    lane_held: bool = False
    first: str | None = None


def verdict(events: PartitionEvents) -> Verdict:
    """What a partition's newest events ask for.

    A queued one is to be submitted; one whose job was loaded and left pictures is to be planned again, but not after
    a job that a person stopped or that failed for good.
    """
    job, table = (events.get(asset) for asset in ASSETS)
    if job is None:
        return Verdict()
    waits_for = job.metadata.get("waits_for")
    if waits_for and (table is None or table.metadata.get("loaded_job") != waits_for["token"]):
        return Verdict(lane_held=True)
    if job.metadata["state"] == QUEUED:
        # By manifest: a run that finds the lane or the quota taken all the same leaves another event, and has tried.
        first = job.metadata.get("unrecorded_partition")
        return Verdict(wanted=f"queued {job.metadata['fingerprint']}", queued=True, first=first)
    if job.metadata["state"] not in SENT:
        return Verdict()
    if table is None or table.metadata.get("loaded_job") != job.metadata["token"]:
        return Verdict(lane_held=True)
    incomplete = int(table.metadata["remaining"]) > 0 and not table.metadata["held"]
    return Verdict(wanted=f"after {job.metadata['token']}" if incomplete else None)


@dataclass
class Look:
    """One evaluation of the sensor."""

    settings: Settings
    instance: dg.DagsterInstance
    bedrock: Any
    verdicts: Mapping[str, Verdict]
    deadline: Deadline = field(default_factory=Deadline)
    now: float = field(default_factory=time.time)
    waits: list[str] = field(default_factory=list)

    def result(self) -> dg.SensorResult:
        """Run requests for what can be submitted now, and what the rest waits for."""
        asked = {name: found for name, found in sorted(self.verdicts.items()) if found.wanted is not None}
        first = {found.first: f"unrecorded before {found.wanted}" for found in asked.values() if found.first}
        wanted = {**first, **{name: str(found.wanted) for name, found in asked.items()}}
        held_lanes = Counter(
            self.settings.template.lane(name) for name, found in self.verdicts.items() if found.lane_held
        )
        requests = list(self._requests(wanted, held_lanes)) if wanted else []
        return dg.SensorResult(run_requests=requests, skip_reason=None if requests else self._reason(wanted))

    def _requests(self, wanted: Mapping[str, str], held_lanes: Counter[str]) -> Iterator[dg.RunRequest]:
        busy = busy_partitions(self.instance, wanted)
        live = len(live_jobs(self.bedrock, self.settings.space.model))
        room = self.settings.max_live_jobs - live - len(busy)
        if room <= 0:
            self.waits.append(f"the account's {self.settings.max_live_jobs} live batch jobs are in use")
            return
        purposes = {name: Purpose(PLAN_AND_SUBMIT, name, identity) for name, identity in wanted.items()}
        tries = earlier_runs(self.instance, purposes.values())
        room = min(room, MAX_RUN_REQUESTS)
        for partition, purpose in purposes.items():
            if room <= 0 or self.deadline.passed:
                return
            lane = self.settings.template.lane(partition)
            if partition in busy:
                self.waits.append(f"{partition}: a run is under way")
            elif held_lanes[lane]:
                self.waits.append(f"{partition}: the folder {lane or '(the bucket)'} carries another job")
            else:
                queued = self.verdicts.get(partition, Verdict()).queued
                attempts = None if queued else self.settings.max_load_attempts
                run = next_run(purpose, tries.get(purpose.tag, ()), now=self.now, max_attempts=attempts)
                if isinstance(run, Wait):
                    self.waits.append(run.reason)
                    continue
                held_lanes[lane] += 1
                room -= 1
                yield run

    def _reason(self, wanted: Mapping[str, str]) -> str:
        if not wanted:
            return "no partition is queued or incomplete"
        return f"{len(wanted)} partitions are to be submitted; " + "; ".join(self.waits[:_SHOWN])
