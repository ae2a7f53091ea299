"""Bedrock's control plane: the operations on batch inference jobs, checked as AWS checks them."""

import base64
import binascii
import threading
import uuid
from datetime import datetime
from typing import Any

from batch_assets.sandbox.bedrock import model
from batch_assets.sandbox.bedrock.engine import BatchEngine
from batch_assets.sandbox.bedrock.foundation_models import FoundationModels
from batch_assets.sandbox.bedrock.job import DEFAULT_TIMEOUT_HOURS, LIVE_STATUSES, Job, Timeline, new_job_id
from batch_assets.sandbox.bedrock.roles import RoleError, check_service_role
from batch_assets.sandbox.clock import VirtualClock
from batch_assets.sandbox.config import ACCOUNT_ID, JobSchedule
from batch_assets.sandbox.errors import ModelledError, validation_error
from batch_assets.sandbox.faults.plan import FaultPlan

_PAGE_DEFAULT = 100
_TAGS_MAX = 200


class BedrockService(FoundationModels):
    """The control plane of one Region; ``engine`` does the work of its jobs."""

    def __init__(
        self,
        *,
        region: str,
        clock: VirtualClock,
        engine: BatchEngine,
        faults: FaultPlan,
        schedule: JobSchedule,
        max_live_jobs: int,
    ) -> None:
        """Start without jobs."""
        super().__init__(region)
        self._clock = clock
        self._engine = engine
        self._faults = faults
        self._schedule = schedule
        self._max_live_jobs = max_live_jobs
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._by_token: dict[str, tuple[dict[str, Any], Job]] = {}

    def create_model_invocation_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Submit a job; the same token and body return the job that exists."""
        token = request.get("clientRequestToken") or str(uuid.uuid4())
        body = {name: value for name, value in request.items() if name != "clientRequestToken"}
        with self._lock:
            if token in self._by_token:
                return {"jobArn": _same_request(self._by_token[token], body, token).arn}
            job = self._new_job(body, token)
            self._jobs[job.arn] = job
            self._by_token[token] = (body, job)
        self._engine.start(job)
        return {"jobArn": job.arn}

    def get_model_invocation_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Describe a job by id or ARN."""
        return self._find(request["jobIdentifier"]).describe(self._clock.now())

    def list_model_invocation_jobs(self, request: dict[str, Any]) -> dict[str, Any]:
        """Page through jobs by submission time, the newest first unless asked otherwise."""
        now = self._clock.now()
        newest_first = request.get("sortOrder", "Descending") == "Descending"
        matching = [job for job in self.jobs() if _matches(job, request, now)]
        if "nextToken" in request:
            last = _decode_token(request["nextToken"])
            matching = [job for job in matching if (_position(job) < last if newest_first else _position(job) > last)]
        matching.sort(key=_position, reverse=newest_first)
        page = matching[: request.get("maxResults", _PAGE_DEFAULT)]
        return {
            "invocationJobSummaries": [job.describe(now) for job in page],
            "nextToken": _encode_token(_position(page[-1])) if len(page) < len(matching) else None,
        }

    def stop_model_invocation_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask a live job to stop; one that has ended or is stopping is refused."""
        job = self._find(request["jobIdentifier"])
        now = self._clock.now()
        if not job.request_stop(now):
            raise validation_error(f"The job {job.arn} cannot be stopped because its status is {job.status(now)}.")
        self._engine.announce(job, "Stopping")
        self._clock.wake()
        return {}

    def tag_resource(self, request: dict[str, Any]) -> dict[str, Any]:
        """Add tags to a job, or change them."""
        job = self._find_tagged(request["resourceARN"])
        with self._lock:
            merged = {**job.tags, **{tag["key"]: tag["value"] for tag in request["tags"]}}
            if len(merged) > _TAGS_MAX:
                raise ModelledError("TooManyTagsException", f"{job.arn} can have at most {_TAGS_MAX} tags.")
            job.tags = merged
        return {}

    def untag_resource(self, request: dict[str, Any]) -> dict[str, Any]:
        """Take tags off a job; unknown keys are ignored."""
        job = self._find_tagged(request["resourceARN"])
        with self._lock:
            job.tags = {key: value for key, value in job.tags.items() if key not in request["tagKeys"]}
        return {}

    def list_tags_for_resource(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the tags of a job."""
        job = self._find_tagged(request["resourceARN"])
        return {"tags": [{"key": key, "value": value} for key, value in job.tags.items()]}

    def jobs(self) -> list[Job]:
        """Return every job of this Region, finished ones included."""
        with self._lock:
            return list(self._jobs.values())

    def _new_job(self, body: dict[str, Any], token: str) -> Job:
        arn = f"arn:aws:bedrock:{self._region}:{ACCOUNT_ID}:model-invocation-job/{new_job_id()}"
        self._check_model(body)
        try:
            check_service_role(body["roleArn"], job_arn=arn)
        except RoleError as error:
            raise ModelledError("AccessDeniedException", str(error)) from error
        self._check_quota()
        hours = body.get("timeoutDurationInHours", DEFAULT_TIMEOUT_HOURS)
        parameters = {
            "modelInvocationType": "InvokeModel",
            **body,
            "clientRequestToken": token,
            "timeoutDurationInHours": hours,
        }
        timeline = Timeline.of(self._clock.now(), self._schedule, timeout_hours=hours)
        return Job(arn=arn, parameters=parameters, timeline=timeline, faults=self._faults.for_job(body["jobName"]))

    def _check_model(self, body: dict[str, Any]) -> None:
        if model.model_name(body["modelId"]) != model.MODEL_ID:
            raise validation_error(f"The model {body['modelId']} does not support batch inference.")
        if self._region not in model.BATCH_REGIONS:
            raise validation_error(f"The model {body['modelId']} does not support batch inference in {self._region}.")
        if body.get("modelInvocationType", "InvokeModel") != "InvokeModel":
            raise validation_error(f"The model {body['modelId']} does not support the Converse API.")

    def _check_quota(self) -> None:
        now = self._clock.now()
        live = sum(job.status(now) in LIVE_STATUSES for job in self._jobs.values())
        if live >= self._max_live_jobs:
            raise ModelledError(
                "ServiceQuotaExceededException",
                f"The account has {live} in-progress and submitted batch inference jobs for {model.MODEL_ID}; "
                f"the quota is {self._max_live_jobs}.",
            )

    def _find(self, identifier: str) -> Job:
        for job in self.jobs():
            if identifier in (job.id, job.arn):
                return job
        raise _not_found(identifier)

    def _find_tagged(self, arn: str) -> Job:
        with self._lock:
            job = self._jobs.get(arn)
        if job is None:
            raise _not_found(arn)
        return job


def _not_found(identifier: str) -> ModelledError:
    return ModelledError("ResourceNotFoundException", f"The resource {identifier} could not be found.")


def _same_request(known: tuple[dict[str, Any], Job], body: dict[str, Any], token: str) -> Job:
    known_body, job = known
    if known_body != body:
        raise ModelledError(
            "ConflictException", f"The client request token {token} was used for another request, job {job.arn}."
        )
    return job


def _matches(job: Job, request: dict[str, Any], now: datetime) -> bool:
    submitted = job.timeline.submitted
    return (
        ("submitTimeAfter" not in request or submitted > request["submitTimeAfter"])
        and ("submitTimeBefore" not in request or submitted < request["submitTimeBefore"])
        and ("statusEquals" not in request or job.status(now) == request["statusEquals"])
        and request.get("nameContains", "") in job.parameters["jobName"]
    )


def _position(job: Job) -> tuple[str, str]:
    return job.timeline.submitted.isoformat(timespec="microseconds"), job.arn


def _encode_token(position: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode("|".join(position).encode()).decode()


def _decode_token(token: str) -> tuple[str, str]:
    try:
        submitted, separator, arn = (
            base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode().partition("|")
        )
    except (binascii.Error, ValueError) as error:
        raise validation_error("The provided nextToken is invalid.") from error
    if not separator:
        raise validation_error("The provided nextToken is invalid.")
    return submitted, arn
