"""What Bedrock is asked about the jobs in flight: all of them at once, or those alone whose end an event has told.

Without a queue of events each look lists the jobs. With one a look reads the queue, and lists only when the last list
is old, a job was submitted after it, or the queue does not answer: what no event tells is found then.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from batch_assets.automation.tick import Deadline
from batch_assets.bedrock.job_events import EventQueue, Message
from batch_assets.bedrock.jobs import BatchJob, get_job, list_jobs
from batch_assets.errors import JobError, ServiceError
from batch_assets.settings import Settings

_MAX_GETS = 20
_CLOCK_SKEW = timedelta(minutes=10)


class Awaited(Protocol):
    """A job that is waited for; `event_id` grows with each submission."""

    @property
    def job_arn(self) -> str: ...
    @property
    def submitted_at(self) -> float: ...
    @property
    def event_id(self) -> int: ...


@dataclass(frozen=True)
class LastList:
    """When all jobs were listed (epoch seconds), and the newest submission by then."""

    at: float = 0.0
    event_id: int = 0

    @classmethod
    def from_cursor(cls, cursor: str | None) -> "LastList":
        """What a sensor's cursor holds; nothing at first, so that the first look lists."""
        return cls(**json.loads(cursor)) if cursor else cls()

    def as_cursor(self) -> str:
        return json.dumps({"at": round(self.at, 3), "event_id": self.event_id})


@dataclass
class Inquiry:
    """The questions of one look; what it cannot learn is added to `waits`."""

    settings: Settings
    bedrock: Any
    queue: EventQueue | None
    waiting: Mapping[str, Awaited]
    last_list: LastList
    deadline: Deadline
    now: float
    waits: list[str]
    _by_arn: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._by_arn = {job.job_arn: partition for partition, job in self.waiting.items()}

    def statuses(self) -> dict[str, BatchJob]:
        """The service's view of jobs that are waited for, by partition."""
        if self.queue is None:
            return self._all()
        told = self._told(self.queue)
        if told is None:
            return self._all() if self._list_is_due(self.settings.sensor_interval_seconds) else {}
        if len(told) > _MAX_GETS or self._list_is_due(self.settings.poll_seconds):
            return self._all()
        return dict(self._one_by_one(told))

    def _told(self, queue: EventQueue) -> Collection[str] | None:
        """Partitions whose jobs have ended, as events have it; None if the queue does not answer.

        A message is deleted when it has nothing to tell: its job has not ended by it, or is not waited for, because its
        end is in the event log, because it is loaded, or because it is another deployment's. Any other comes again,
        until the next look finds in the event log what this one has learnt.
        """
        told: set[str] = set()
        idle: list[Message] = []
        left = 0
        try:
            for message in queue.receive():
                event = message.event
                if event is None:
                    left += 1
                elif event.ended and event.job_arn in self._by_arn:
                    told.add(self._by_arn[event.job_arn])
                else:
                    idle.append(message)
                if self.deadline.passed:
                    break
            queue.delete(idle)
        except ServiceError as error:
            self.waits.append(f"Bedrock is asked instead: {error}")
            return None
        if left:
            self.waits.append(f"{left} messages in the queue are no events of batch jobs and stay there")
        return told

    def _list_is_due(self, pause_seconds: int) -> bool:
        newest = max((job.event_id for job in self.waiting.values()), default=0)
        return self.now - self.last_list.at >= pause_seconds or newest > self.last_list.event_id

    def _all(self) -> dict[str, BatchJob]:
        """One listing, then a few single questions about jobs that are not listed."""
        found: dict[str, BatchJob] = {}
        if self.waiting:
            earliest = min(job.submitted_at for job in self.waiting.values())
            after = datetime.fromtimestamp(earliest, UTC) - _CLOCK_SKEW
            for job in list_jobs(self.bedrock, submitTimeAfter=after):
                if job.arn in self._by_arn:
                    found[self._by_arn[job.arn]] = job
                if len(found) == len(self._by_arn) or self.deadline.passed:
                    break
            missing = [partition for partition in self.waiting if partition not in found]
            found |= dict(self._one_by_one(missing[:_MAX_GETS]))
        if not self.deadline.passed:
            newest = max((job.event_id for job in self.waiting.values()), default=0)
            self.last_list = LastList(self.now, max(newest, self.last_list.event_id))
        return found

    def _one_by_one(self, partitions: Collection[str]) -> Iterator[tuple[str, BatchJob]]:
        for partition in partitions:
            if self.deadline.passed:
                return
            try:
                yield partition, get_job(self.bedrock, self.waiting[partition].job_arn)
            except JobError as error:
                self.waits.append(f"{partition}: {error}")
