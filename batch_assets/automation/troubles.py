"""What is wrong with a partition, from its newest events: the same events tell the same trouble."""

from collections.abc import Iterator
from dataclasses import dataclass

from batch_assets.alerts.alert import Kind, Trouble
from batch_assets.automation import completion, submission
from batch_assets.automation.event_log import Event, PartitionEvents, observed
from batch_assets.automation.job_names import LOAD, PLAN_AND_SUBMIT
from batch_assets.automation.launches import Purpose
from batch_assets.bedrock.ledger import HELD, REFUSED

ALERTED = "vector_index"
"""The asset on which it is observed of what people were told: observations of others mean something else."""

_HOUR_SECONDS = 3600
_LATE_HOURS = 1


@dataclass(frozen=True)
class Standing:
    """A partition as its newest events have it.

    Attributes:
        load: What the completion sensor makes of it.
        plan: What the submission sensor makes of it.
        lasting: What is wrong whatever the time.
        since: When its job or its table was written last, in epoch seconds.
        indexed: When its index table was written last; 0 if never.
        told: Identities of what people were told.
    """

    load: completion.Verdict
    plan: submission.Verdict
    lasting: tuple[Trouble, ...]
    since: float
    indexed: float
    told: frozenset[str]

    @property
    def waits(self) -> bool:
        """Whether something is to happen that ends in the index."""
        return not isinstance(self.load, completion.AtRest) or self.load.queued

    def purpose(self, partition: str, *, ended: bool) -> Purpose | None:
        """What the sensors start runs for now, but not for ever; the same as theirs."""
        if isinstance(self.load, completion.Due):
            return Purpose(LOAD, partition, self.load.identity)
        if isinstance(self.load, completion.InFlight):
            return Purpose(LOAD, partition, self.load.job_arn) if ended else None
        wanted = None if self.plan.queued else self.plan.wanted
        return Purpose(PLAN_AND_SUBMIT, partition, wanted) if wanted else None


def standing(events: PartitionEvents) -> Standing:
    """Judge a partition by the newest materialisations of its job, table and index, and by what people were told."""
    job, table, index = (events.get(asset) for asset in completion.ASSETS)
    told = events.get(observed(ALERTED))
    return Standing(
        load=completion.verdict(events),
        plan=submission.verdict(events),
        lasting=tuple(_lasting(job, table, index)),
        since=max((event.timestamp for event in (job, table) if event), default=0.0),
        indexed=index.timestamp if index else 0.0,
        told=frozenset(told.metadata.get("told", ())) if told else frozenset(),
    )


def _lasting(job: Event | None, table: Event | None, index: Event | None) -> Iterator[Trouble]:
    if job and job.metadata["state"] in {HELD, REFUSED}:
        kind = Kind.HELD if job.metadata["state"] == HELD else Kind.REFUSED
        yield Trouble(kind, f"{kind} {job.metadata['token']}", str(job.metadata.get("reason", "")))
    elif job and table and table.metadata.get("held") and table.metadata["loaded_job"] == job.metadata["token"]:
        text = f"its job ended {table.metadata.get('job_status')}, and {table.metadata['remaining']} pictures wait"
        yield Trouble(Kind.HELD, f"held after {table.metadata['loaded_job']}", text)
    for name, event in (("embedding_table", table), ("vector_index", index)):
        for check in event.metadata.get("failed_checks", ()) if event else ():
            identity = f"check {check} {table.metadata['table_version'] if table else ''}"
            yield Trouble(Kind.CHECK_FAILED, identity, f"{check} of {name}")


@dataclass(frozen=True)
class Clockwork:
    """What goes wrong by time alone; `now` is in epoch seconds, `indexed` is when anything was indexed last."""

    now: float
    job_timeout_hours: int
    stuck_after_hours: int
    indexed: float

    def troubles(self, found: Standing, *, ended: bool) -> Iterator[Trouble]:
        """A job that has outlived its timeout; or waiting that has gone on too long."""
        load = found.load
        if isinstance(load, completion.InFlight) and not ended:
            age = self._hours_since(load.submitted_at)
            if age > self.job_timeout_hours + _LATE_HOURS:
                text = (
                    f"{load.job_arn} was submitted {age:.0f} hours ago, its timeout is {self.job_timeout_hours} hours"
                )
                yield Trouble(Kind.OVERDUE, f"overdue {load.job_arn}", text)
                return
        # A queue is long by right while others are indexed.
        queued = isinstance(load, completion.AtRest)
        age = self._hours_since(max(found.since, self.indexed if queued else 0.0))
        if found.waits and age > self.stuck_after_hours:
            text = f"it has waited for {self._hours_since(found.since):.0f} hours"
            yield Trouble(Kind.STUCK, f"stuck since {found.since:.0f}", text)

    def _hours_since(self, moment: float) -> float:
        return (self.now - moment) / _HOUR_SECONDS


def left(purpose: Purpose, tries: int) -> Trouble:
    """What the sensors do not start again: it failed as often as they try."""
    return Trouble(Kind.LEFT, f"left {purpose.tag}", f"{tries} runs of {purpose.job_name} did not bring it about")
