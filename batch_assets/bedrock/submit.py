"""Submitting a manifest so that it is paid for once, however often and wherever the run dies.

The order is: look the job up by its deterministic name; refuse what Bedrock would misread; count live jobs; store an
immutable copy of the manifest; take the lane; only then create the job, with a token that makes it the same job twice.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from batch_assets.bedrock import lanes
from batch_assets.bedrock.budget import Budget, Expense
from batch_assets.bedrock.jobs import BatchJob, JobRequest, create_job, find_job, get_job, live_jobs
from batch_assets.bedrock.lane_taking import LaneTaking, Taken
from batch_assets.bedrock.ledger import (
    ATTACHED,
    HELD,
    NOTHING_TO_DO,
    ON_DEMAND,
    QUEUED,
    REFUSED,
    SUBMITTED,
    JobRow,
)
from batch_assets.bedrock.manifest import fingerprint
from batch_assets.bedrock.prices import cost_usd, sent_on_demand
from batch_assets.bedrock.submission import Submission
from batch_assets.bedrock.tail import embed_tail, tail_folder
from batch_assets.errors import JobError
from batch_assets.settings import Settings

_SHOWN_KEYS = 5


@dataclass(frozen=True)
class Submitter:
    """Submits manifests with one deployment's settings and clients.

    `store_copy` writes the copy of the manifest that the loader reads; `run_is_over` and `is_recorded` are as in
    `LaneTaking`; `foreign_in_lane` names the `.jsonl` files of others in the lane of a partition.
    """

    settings: Settings
    s3: Any
    bedrock: Any
    runtime: Any
    store_copy: Callable[[], None]
    run_is_over: Callable[[str], bool | None]
    is_recorded: Callable[[str, str], bool]
    foreign_in_lane: Callable[[str], Sequence[str]]
    budget: Budget

    def submit(self, submission: Submission) -> JobRow:
        """The new current row of the partition's job table. Raises `JobError` when Bedrock refuses the request."""
        if submission.records == 0:
            nothing = submission.without_job(NOTHING_TO_DO, "every eligible picture has its embedding or was refused")
            return self._unrecorded(submission) or nothing
        return (
            self._existing(submission)
            or self._unrecorded(submission)
            or self._refusal(submission)
            or self._over_budget(submission)
            or self._send(submission)
        )

    def _over_budget(self, submission: Submission) -> JobRow | None:
        if submission.over_budget_allowed:
            return None
        refusal = self.budget.refusal(self._expense(submission), submission.ledger)
        return submission.without_job(*refusal) if refusal else None

    def _expense(self, submission: Submission) -> Expense:
        return Expense(
            job_name=submission.job_name,
            partition=submission.partition,
            records=submission.records,
            cost_usd=cost_usd(submission.records, self.settings),
            on_demand=sent_on_demand(submission.records, self.settings),
        )

    def _send(self, submission: Submission) -> JobRow:
        if submission.queue_behind is not None:
            return submission.without_job(QUEUED, f"waits for {submission.queue_behind}")
        if submission.records < self.settings.space.model.min_records_per_job:
            return self._embed_on_demand(submission)
        full = self._quota_full()
        if full is not None:
            return submission.without_job(QUEUED, full)
        self.store_copy()
        taken = self._lanes.take(submission) or self._enter(submission)
        if taken is not None:
            return _queued(submission, taken)
        # Only whoever has the lane looks through it: those that wait for it need not.
        foreign = self.foreign_in_lane(submission.partition)
        if foreign:
            self._give_back(submission)
            return self._foreign(submission, foreign)
        return self._create(submission)

    @property
    def _lanes(self) -> LaneTaking:
        return LaneTaking(self.settings, self.s3, self.bedrock, self.run_is_over, self.is_recorded)

    def lane(self, partition: str) -> lanes.Lane:
        """The folder that is submitted for a partition."""
        return self._lanes.lane(partition)

    def _existing(self, submission: Submission) -> JobRow | None:
        job = find_job(self.bedrock, submission.job_name)
        return self._row(submission, ATTACHED, job, "found by its name: it is not paid for again") if job else None

    def _unrecorded(self, submission: Submission) -> JobRow | None:
        """What a run of this partition paid for that died before it was recorded, if the manifest has changed since."""
        lane = self.lane(submission.partition)
        lock = lanes.current_lock(self.s3, lane)
        known = {submission.job_name, *(row.job_name for row in submission.ledger.rows)}
        if lock is None or lock.holder.partition != submission.partition or lock.holder.job_name in known:
            return None
        job = find_job(self.bedrock, lock.holder.job_name)
        if job is None and not self._lanes.run_ended(lock):
            return None
        row = self._row_of_lock(submission, lock, job)
        if row is None and job is None:
            lanes.release(self.s3, lane, lock)
        return row

    def _row_of_lock(self, submission: Submission, lock: lanes.Lock, job: BatchJob | None) -> JobRow | None:
        """The row of a manifest that stands in the lane, if it has a job or results of on-demand calls."""
        jsonl = lanes.held_manifest(self.s3, self.lane(submission.partition), lock)
        # Only a manifest of this embedding space can be loaded into this space's table.
        if jsonl is None or fingerprint(jsonl, self.settings.space) != lock.holder.fingerprint:
            return None
        sent = replace(submission, fingerprint=lock.holder.fingerprint, records=jsonl.count(b"\n"), jsonl=jsonl)
        reason = "found in its lane, of an earlier manifest: it is not paid for again"
        if job is not None:
            return self._row(sent, ATTACHED, job, reason)
        on_demand = sent_on_demand(sent.records, self.settings)
        folder = tail_folder(self.settings, sent.partition)
        return (
            self._on_demand_row(sent, reason) if on_demand and folder.outcomes(self.s3, jsonl, sent.job_name) else None
        )

    def _refusal(self, submission: Submission) -> JobRow | None:
        minimum = self.settings.space.model.min_records_per_job
        if submission.foreign_manifests:
            return self._foreign(submission, submission.foreign_manifests)
        if submission.refusal is not None:
            row = submission.without_job(REFUSED, submission.refusal)
            # Loading the new listing would take every changed picture out of the index before anybody has decided.
            return replace(row, token=submission.loaded_job or row.token)
        if submission.hold is not None:
            return submission.without_job(HELD, submission.hold)
        if submission.records < minimum and self.settings.under_minimum == "hold":
            return submission.without_job(
                HELD,
                f"{submission.records} pictures are waiting, and a batch job takes at least {minimum}: "
                "they are sent with the pictures that come",
            )
        return None

    def _foreign(self, submission: Submission, keys: Sequence[str]) -> JobRow:
        shown = ", ".join(repr(key) for key in keys[:_SHOWN_KEYS])
        return submission.without_job(
            REFUSED,
            f"{self.lane(submission.partition).uri} holds .jsonl files that are not ours, and Bedrock would embed "
            f"and bill them: {shown}; move them elsewhere and plan again",
        )

    def _give_back(self, submission: Submission) -> None:
        """Free the lane, and the day's budget, of what will not be sent now."""
        self._lanes.give_back(submission)
        self.budget.withdraw(self._expense(submission))

    def _embed_on_demand(self, submission: Submission) -> JobRow:
        """Embed a manifest under the model's minimum now, within its lane, at the on-demand price."""
        self.store_copy()
        taken = self._lanes.take(submission) or self._enter(submission) or self._lanes.other_run_at_work(submission)
        if taken is not None:
            return _queued(submission, taken)
        folder = tail_folder(self.settings, submission.partition)
        space = self.settings.space
        embed_tail(self.s3, self.runtime, space, folder, jsonl=submission.jsonl, job_name=submission.job_name)
        return self._on_demand_row(
            submission, f"{submission.records} pictures, fewer than a batch job takes, were sent to the model on demand"
        )

    def _on_demand_row(self, submission: Submission, reason: str) -> JobRow:
        """The row of a manifest that was embedded on demand; its lane is freed when it is loaded, as a job's is."""
        return JobRow(
            state=ON_DEMAND,
            reason=reason,
            token=f"{ON_DEMAND}:{submission.job_name}",
            job_name=submission.job_name,
            fingerprint=submission.fingerprint,
            attempt=submission.attempt,
            records=submission.records,
            cost_usd=submission.records * self.settings.space.model.on_demand_price_per_image_usd,
            input_uri=self.lane(submission.partition).uri,
            output_uri=tail_folder(self.settings, submission.partition).uri,
            submitted_at=datetime.now(UTC),
        )

    def _quota_full(self) -> str | None:
        live = len(live_jobs(self.bedrock, self.settings.space.model))
        if live < self.settings.max_live_jobs:
            return None
        return f"{live} batch jobs of the model are live in the account, the limit is {self.settings.max_live_jobs}"

    def _enter(self, submission: Submission) -> Taken | None:
        """Count the submission on this day; above its budget the lane is given back."""
        full = self.budget.enter(self._expense(submission), submission.ledger, allowed=submission.over_budget_allowed)
        if full is None:
            return None
        self._lanes.give_back(submission)
        return Taken(full)

    def _create(self, submission: Submission) -> JobRow:
        lane = self.lane(submission.partition)
        try:
            arn = create_job(self.bedrock, self._request(submission))
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code"))
            if code in _UNDECIDED or error.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVER_ERRORS:
                raise
            # A definite no: nothing was created, so the lane is free for others.
            self._give_back(submission)
            if code == "ServiceQuotaExceededException":
                return submission.without_job(QUEUED, f"the account's quota of live batch jobs is full: {error}")
            raise JobError(
                f"partition {submission.partition}: Bedrock refuses the batch job for {lane.uri}: {error}. "
                f"{_CURES.get(code, 'Nothing was paid; mend the cause and materialise batch_job again')}"
            ) from error
        return self._row(submission, SUBMITTED, get_job(self.bedrock, arn), "accepted by Bedrock")

    def _request(self, submission: Submission) -> JobRequest:
        settings = self.settings
        return JobRequest(
            name=submission.job_name,
            token=hashlib.sha256(
                f"{submission.partition}\0{submission.fingerprint}\0{submission.attempt}".encode()
            ).hexdigest(),
            role_arn=settings.role_arn,
            model_id=settings.model_id,
            input_uri=self.lane(submission.partition).uri,
            output_uri=settings.results_uri,
            account_id=settings.account_id,
            timeout_hours=settings.job_timeout_hours,
            tags=_tags(submission, settings),
        )

    def _row(self, submission: Submission, state: str, job: BatchJob, reason: str) -> JobRow:
        return JobRow(
            state=state,
            reason=reason,
            token=job.arn,
            job_arn=job.arn,
            job_name=job.name,
            fingerprint=submission.fingerprint,
            attempt=submission.attempt,
            records=submission.records,
            cost_usd=submission.records * self.settings.space.model.batch_price_per_image_usd,
            input_uri=self.lane(submission.partition).uri,
            output_uri=job.output_uri,
            submitted_at=job.submitted_at,
        )


def _queued(submission: Submission, taken: Taken) -> JobRow:
    return replace(submission.without_job(QUEUED, taken.reason), unrecorded_partition=taken.unrecorded_partition)


_UNDECIDED = frozenset({"ThrottlingException", "ConflictException", "RequestTimeout"})
_SERVER_ERRORS = 500
"""Answers after which the job may exist all the same: the lane is kept, and the next run looks the job up."""

_CURES: Mapping[str, str] = {
    "AccessDeniedException": "The caller needs bedrock:CreateModelInvocationJob and iam:PassRole, and the role must "
    "trust bedrock.amazonaws.com",
    "ResourceNotFoundException": "Check BATCH_ASSETS_ROLE_ARN and BATCH_ASSETS_MODEL_ID",
}


def _tags(submission: Submission, settings: Settings) -> dict[str, str]:
    """Tags of a job; the service allows letters, digits, spaces and `._:/=+@-`."""
    values = {
        "partition": submission.partition,
        "fingerprint": submission.fingerprint,
        "attempt": str(submission.attempt),
        "space": settings.space.slug,
    }
    return {
        f"batch_assets:{name}": re.sub(r"[^a-zA-Z0-9\s._:/=+@-]", "_", value)[:256] for name, value in values.items()
    }
