"""The calls of Bedrock batch inference, and what their states mean."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import ClientError

from batch_assets.errors import JobError
from batch_assets.spaces import EmbeddingModel

LIVE_STATUSES = ("Submitted", "Validating", "Scheduled", "InProgress", "Stopping")
ENDED_STATUSES = ("Completed", "PartiallyCompleted", "Expired", "Stopped", "Failed")

JOB_NAME_START = "ba-"
_NAME_LETTERS = 63
_FINAL_FAILURE = re.compile(
    r"permission|access|authori[sz]|not allowed|denied|forbidden|credential|\brole\b|kms|GetObject|PutObject|bucket|"
    r"format|malformed|invalid|valid|json|minimum|maximum|too (few|many|large)|quota|limit|not supported",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class BatchJob:
    """What the service says of a job. Counters are 0 until processing starts and may lag by a minute.

    Source: Amazon Bedrock user guide, "Monitor batch inference jobs".
    """

    arn: str
    name: str
    status: str
    message: str
    submitted_at: datetime
    ended_at: datetime | None
    model_id: str
    input_uri: str
    output_uri: str
    total_records: int
    processed_records: int
    success_records: int
    error_records: int
    observed_at: datetime | None = None

    @property
    def ended(self) -> bool:
        return self.status in ENDED_STATUSES

    @property
    def ended_since(self) -> timedelta | None:
        """How long ago the job ended, by the service's own clock; None if it is not known."""
        return self.observed_at - self.ended_at if self.ended and self.ended_at and self.observed_at else None

    @property
    def results_uri(self) -> str:
        """Folder of the job's output: the job id below the output folder."""
        return f"{self.output_uri.rstrip('/')}/{self.arn.rsplit('/', 1)[-1]}/"

    @classmethod
    def from_reply(cls, reply: Mapping[str, Any]) -> "BatchJob":
        return cls(
            arn=reply["jobArn"],
            name=reply.get("jobName", ""),
            status=reply.get("status", "Submitted"),
            message=reply.get("message", ""),
            submitted_at=reply["submitTime"],
            ended_at=reply.get("endTime", reply.get("lastModifiedTime")),
            model_id=reply["modelId"],
            input_uri=reply["inputDataConfig"]["s3InputDataConfig"]["s3Uri"],
            output_uri=reply["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"],
            total_records=reply.get("totalRecordCount", 0),
            processed_records=reply.get("processedRecordCount", 0),
            success_records=reply.get("successRecordCount", 0),
            error_records=reply.get("errorRecordCount", 0),
            observed_at=_answered_at(reply.get("ResponseMetadata", {}).get("HTTPHeaders", {})),
        )


@dataclass(frozen=True)
class JobRequest:
    """Everything that CreateModelInvocationJob is told."""

    name: str
    token: str
    role_arn: str
    model_id: str
    input_uri: str
    output_uri: str
    account_id: str
    timeout_hours: int
    tags: Mapping[str, str]


def _answered_at(headers: Mapping[str, str]) -> datetime | None:
    """When the service answered; a summary of ListModelInvocationJobs does not say."""
    if not headers:
        return None
    return parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)


def needs_a_person(job: BatchJob) -> bool:
    """Whether an ended job must not be followed by another before a person has looked.

    A stopped one was a person's wish. A failed one is tried again unless its message speaks of permissions, of the
    input's form, or of its size: the same manifest would fail the same way.
    Source of the causes: Amazon Bedrock user guide, "Monitor batch inference jobs" and "Required permissions".
    """
    return job.status == "Stopped" or (job.status == "Failed" and _FINAL_FAILURE.search(job.message) is not None)


def job_name(partition: str, fingerprint: str, attempt: int) -> str:
    """`ba-<partition>-<16 hex of the fingerprint>-a<attempt>`, at most 63 letters, digits and hyphens."""
    tail = f"-{fingerprint[:16]}-a{attempt}"
    head = JOB_NAME_START + re.sub(r"[^a-zA-Z0-9]", "-", partition)
    return head[: _NAME_LETTERS - len(tail)] + tail


def get_job(client: Any, arn: str) -> BatchJob:
    """One job. Raises `JobError` if the service does not know it."""
    try:
        return BatchJob.from_reply(client.get_model_invocation_job(jobIdentifier=arn))
    except ClientError as error:
        raise JobError(f"batch job {arn} cannot be read: {error}") from error


def stop_job(client: Any, arn: str) -> None:
    """Ask for the end of a live job; what was processed is billed. Raises `JobError` if it cannot be stopped."""
    try:
        client.stop_model_invocation_job(jobIdentifier=arn)
    except ClientError as error:
        raise JobError(f"batch job {arn} cannot be stopped: {error}") from error


def list_jobs(client: Any, **filters: Any) -> Iterator[BatchJob]:
    """Jobs of the account in this Region, newest first; filters as in ListModelInvocationJobs."""
    paginator = client.get_paginator("list_model_invocation_jobs")
    pages = paginator.paginate(
        sortBy="CreationTime", sortOrder="Descending", PaginationConfig={"PageSize": 1000}, **filters
    )
    for page in pages:
        for summary in page.get("invocationJobSummaries", []):
            yield BatchJob.from_reply(summary)


def find_job(client: Any, name: str) -> BatchJob | None:
    """The newest job of exactly this name, in whatever state."""
    return next((job for job in list_jobs(client, nameContains=name) if job.name == name), None)


def live_jobs(client: Any, model: EmbeddingModel) -> list[BatchJob]:
    """All jobs of the account, anybody's, that count against the model's quota now.

    One call a status, in the order of a job's life and never at once: a job that moves on meanwhile is seen twice
    rather than not at all.
    """
    return [
        job
        for status in LIVE_STATUSES
        for job in list_jobs(client, statusEquals=status)
        if job.model_id.endswith(model.model_id)
    ]


def create_job(client: Any, request: JobRequest) -> str:
    """Start a batch job and give its ARN. The service's errors pass through.

    The same request with the same token is answered with the same job: it is not started twice.
    """
    reply = client.create_model_invocation_job(
        jobName=request.name,
        clientRequestToken=request.token,
        roleArn=request.role_arn,
        modelId=request.model_id,
        inputDataConfig={
            "s3InputDataConfig": {
                "s3Uri": request.input_uri,
                "s3InputFormat": "JSONL",
                "s3BucketOwner": request.account_id,
            }
        },
        outputDataConfig={"s3OutputDataConfig": {"s3Uri": request.output_uri, "s3BucketOwner": request.account_id}},
        timeoutDurationInHours=request.timeout_hours,
        tags=[{"key": key, "value": value} for key, value in sorted(request.tags.items())],
    )
    return str(reply["jobArn"])
