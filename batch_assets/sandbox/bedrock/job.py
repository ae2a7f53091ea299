"""One batch job: what was asked, how far it is, and how it looks from outside."""

import secrets
import string
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from batch_assets.sandbox.config import JobSchedule
from batch_assets.sandbox.faults.job_rule import JobFaults

DEFAULT_TIMEOUT_HOURS = 24
LIVE_STATUSES = ("Submitted", "Validating", "Scheduled", "InProgress", "Stopping")
STOPPABLE_STATUSES = LIVE_STATUSES[:-1]

_COUNTER_LAG_SECONDS = 60  # "may lag up to 1 minute" (batch-inference-monitor)
_ID_ALPHABET = string.ascii_lowercase + string.digits
_ID_CHARACTERS = 12
_ECHOED = (
    "jobName", "modelId", "roleArn", "inputDataConfig", "outputDataConfig", "vpcConfig", "modelInvocationType",
)  # fmt: skip


def new_job_id() -> str:
    """Return the last part of a job's ARN, which also names its output folder."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_CHARACTERS))


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """When a job reaches each state on the virtual clock, at the earliest."""

    submitted: datetime
    validating: datetime
    scheduled: datetime
    in_progress: datetime
    completed: datetime
    expires: datetime

    @classmethod
    def of(cls, submitted: datetime, schedule: JobSchedule, *, timeout_hours: int) -> "Timeline":
        """Lay a schedule out from the moment of submission, cut to the milliseconds an API shows."""
        submitted = submitted.replace(microsecond=submitted.microsecond // 1000 * 1000)
        return cls(
            submitted=submitted,
            validating=submitted + timedelta(seconds=schedule.validating_seconds),
            scheduled=submitted + timedelta(seconds=schedule.scheduled_seconds),
            in_progress=submitted + timedelta(seconds=schedule.in_progress_seconds),
            completed=submitted + timedelta(seconds=schedule.completed_seconds),
            expires=submitted + timedelta(hours=timeout_hours),
        )

    def share_done(self, moment: datetime) -> float:
        """Return how much of the work the schedule allows to be done by a moment, 0 to 1."""
        if moment >= self.completed:
            return 1.0
        duration = self.completed - self.in_progress
        return max((moment - self.in_progress) / duration, 0.0)


@dataclass(frozen=True)
class Counts:
    """The counters of a job; processed = success + error."""

    total: int = 0
    success: int = 0
    error: int = 0

    @property
    def processed(self) -> int:
        """Records that are done, well or badly."""
        return self.success + self.error


@dataclass(frozen=True, kw_only=True)
class _End:
    status: str
    message: str | None
    moment: datetime
    counts: Counts


class Job:
    """A job; the engine moves it on, anyone may look at it."""

    def __init__(self, *, arn: str, parameters: dict[str, Any], timeline: Timeline, faults: JobFaults) -> None:
        """Submit a job with the checked parameters of CreateModelInvocationJob."""
        self.arn = arn
        self.parameters = parameters
        self.timeline = timeline
        self.faults = faults
        self.tags = {tag["key"]: tag["value"] for tag in parameters.get("tags", [])}
        self._lock = threading.Lock()
        self._total: int | None = None
        self._failed = bytearray()  # one byte a processed record, in input order: 1 is an error
        self._stop_requested: datetime | None = None
        self._end: _End | None = None

    @property
    def id(self) -> str:
        """The last part of the ARN."""
        return self.arn[-_ID_CHARACTERS:]

    @property
    def name(self) -> str:
        """The name it was submitted with."""
        return str(self.parameters["jobName"])

    @property
    def stop_requested(self) -> datetime | None:
        """When someone asked for the job to stop, if so."""
        return self._stop_requested

    def status(self, now: datetime) -> str:
        """Return the state: the later of the schedule's and that of the real work."""
        if self._end is not None:
            return self._end.status
        if self._stop_requested is not None:
            return "Stopping"
        if now < self.timeline.validating:
            return "Submitted"
        if self._total is None or now < self.timeline.scheduled:
            return "Validating"
        if now < self.timeline.in_progress or self.faults.never_begins(self._total):
            return "Scheduled"
        return "InProgress"

    def request_stop(self, now: datetime) -> bool:
        """Ask the job to stop; False when it is not live any more."""
        with self._lock:
            if self.status(now) not in STOPPABLE_STATUSES:
                return False
            self._stop_requested = now
            return True

    def validated(self, *, total: int) -> None:
        """Note that the input is in order and holds so many records."""
        self._total = total

    def processed(self, *, failed: bool) -> None:
        """Note that one more record is done."""
        self._failed.append(failed)

    def end(self, status: str, now: datetime, *, counts: Counts, message: str | None = None) -> None:
        """Put the job in a final state; one that has ended stays as it is."""
        with self._lock:
            self._end = self._end or _End(status=status, message=message, moment=now, counts=counts)

    def counts_at(self, moment: datetime) -> Counts:
        """Return the counters as the schedule and the real work have them at a moment."""
        if self._total is None or moment < self.timeline.in_progress:
            return Counts()
        done = min(len(self._failed), int(self._total * self.timeline.share_done(moment)))
        errors = self._failed.count(1, 0, done)
        return Counts(self._total, done - errors, errors)

    def visible_counts(self, now: datetime) -> Counts:
        """Return the counters as an API shows them, which lag by up to a minute while it runs."""
        if self._end is not None:
            return self._end.counts
        running_seconds = (now - self.timeline.in_progress).total_seconds()
        if running_seconds < 0 or self.faults.never_begins(self._total or 0):
            return Counts()
        shown_seconds = running_seconds // _COUNTER_LAG_SECONDS * _COUNTER_LAG_SECONDS
        return self.counts_at(self.timeline.in_progress + timedelta(seconds=shown_seconds))

    def true_counts(self, now: datetime) -> Counts:
        """Return the counters as they are: what has been paid for."""
        return self.counts_at(now) if self._end is None else self._end.counts

    def describe(self, now: datetime) -> dict[str, Any]:
        """Return the answer of GetModelInvocationJob, also an entry of the list."""
        counts = self.visible_counts(now)
        described: dict[str, Any] = {name: self.parameters.get(name) for name in _ECHOED}
        described |= {
            "jobArn": self.arn,
            "clientRequestToken": self.parameters["clientRequestToken"],
            "timeoutDurationInHours": self.parameters["timeoutDurationInHours"],
            "status": self.status(now),
            "message": None if self._end is None else self._end.message,
            "submitTime": self.timeline.submitted,
            "lastModifiedTime": self._last_modified(now),
            "endTime": None if self._end is None else self._end.moment,
            "jobExpirationTime": self.timeline.expires,
            "totalRecordCount": counts.total,
            "processedRecordCount": counts.processed,
            "successRecordCount": counts.success,
            "errorRecordCount": counts.error,
        }
        return described

    def _last_modified(self, now: datetime) -> datetime:
        if self._end is not None:
            return self._end.moment
        return {
            "Submitted": self.timeline.submitted,
            "Validating": self.timeline.validating,
            "Scheduled": self.timeline.scheduled,
            "InProgress": self.timeline.in_progress,
            "Stopping": self._stop_requested or now,
        }[self.status(now)]
