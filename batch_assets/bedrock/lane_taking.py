"""Taking a lane for a manifest: whose it is, when it may be taken over, and what is waited for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Any

from batch_assets.bedrock import lanes
from batch_assets.bedrock.jobs import find_job
from batch_assets.bedrock.prices import sent_on_demand
from batch_assets.bedrock.submission import Submission
from batch_assets.settings import Settings

_UNKNOWN_RUN_LOCK_AGE = timedelta(hours=1)


@dataclass(frozen=True)
class Taken:
    """Why a lane is not ours, and the partition that has to be planned before it gets free, if nobody else will.

    A run that died between the payment and its record leaves a lane that only its own partition can free.
    """

    reason: str
    unrecorded_partition: str | None = None


class _Fate(Enum):
    """What became of whoever holds a lane."""

    AT_WORK = auto()
    OVER = auto()
    UNRECORDED = auto()


@dataclass(frozen=True)
class LaneTaking:
    """Takes lanes for one deployment.

    `run_is_over` tells of a run id whether that run has ended (None when it is not known here); `is_recorded` whether
    the job table of a partition knows a job's name.
    """

    settings: Settings
    s3: Any
    bedrock: Any
    run_is_over: Callable[[str], bool | None]
    is_recorded: Callable[[str, str], bool]

    def lane(self, partition: str) -> lanes.Lane:
        return lanes.Lane(self.settings.source_bucket, self.settings.template.lane(partition))

    def take(self, submission: Submission) -> Taken | None:
        """Put the manifest into its lane: None when the lane is ours, else why it is not."""
        lane = self.lane(submission.partition)
        holder = lanes.Holder(
            partition=submission.partition,
            fingerprint=submission.fingerprint,
            attempt=submission.attempt,
            job_name=submission.job_name,
            run_id=submission.run_id,
            records=submission.records,
        )
        lock = lanes.acquire(self.s3, lane, holder, submission.jsonl)
        if lock is not None and not lock.holder.job_name:
            return Taken(f"s3://{lane.bucket}/{lane.lock_key} was not put there by this project: remove it")
        fate = self._fate(submission, lock) if lock is not None else None
        if lock is not None and fate is _Fate.OVER and lanes.release(self.s3, lane, lock):
            lock = lanes.acquire(self.s3, lane, holder, submission.jsonl)
        if lock is None:
            return None
        return Taken(
            f"{lane.uri} carries job {lock.holder.job_name} of partition {lock.holder.partition}",
            lock.holder.partition if fate is _Fate.UNRECORDED else None,
        )

    def give_back(self, submission: Submission) -> None:
        """Free the lane of a manifest that will not be sent now."""
        lanes.release_job(self.s3, self.lane(submission.partition), submission.job_name)

    def other_run_at_work(self, submission: Submission) -> Taken | None:
        """Why a lane that carries this very manifest is not ours to work in: its run is still under way."""
        lock = lanes.current_lock(self.s3, self.lane(submission.partition))
        if lock is None or lock.holder.run_id == submission.run_id or self.run_ended(lock):
            return None
        return Taken(f"run {lock.holder.run_id} embeds these pictures on demand now")

    def run_ended(self, lock: lanes.Lock) -> bool:
        """Whether the run that took a lane has ended, as far as can be told."""
        over = self.run_is_over(lock.holder.run_id)
        if over is None:
            return datetime.now(UTC) - lock.since > _UNKNOWN_RUN_LOCK_AGE
        return over

    def _fate(self, submission: Submission, lock: lanes.Lock) -> _Fate:
        job, holder = find_job(self.bedrock, lock.holder.job_name), lock.holder
        run_ended = self.run_ended(lock)
        paid = job is not None or sent_on_demand(holder.records, self.settings)
        own = holder.partition == submission.partition
        if not paid or own or self.is_recorded(holder.partition, holder.job_name):
            return _Fate.OVER if (job.ended if job is not None else run_ended) else _Fate.AT_WORK
        # The file is all that tells of results that nobody has recorded: another partition leaves it to its own.
        return _Fate.UNRECORDED if run_ended else _Fate.AT_WORK
