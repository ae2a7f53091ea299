"""Runs batch jobs: one thread a job that mostly sleeps on the virtual clock."""

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import orjson

from batch_assets.sandbox.authorization.guard import Guard
from batch_assets.sandbox.bedrock.embedding import Embedder
from batch_assets.sandbox.bedrock.events import JobEvents
from batch_assets.sandbox.bedrock.input import JobFailedError, JobInput, read_input
from batch_assets.sandbox.bedrock.job import Counts, Job
from batch_assets.sandbox.bedrock.output import JobOutput, OutputFile
from batch_assets.sandbox.bedrock.records import RecordError, S3Object, load, parse_body, parse_s3_uri
from batch_assets.sandbox.bedrock.role_access import RoleAccess
from batch_assets.sandbox.bedrock.roles import RoleError, check_service_role
from batch_assets.sandbox.bedrock.runtime import model_output
from batch_assets.sandbox.clock import VirtualClock
from batch_assets.sandbox.config import ACCOUNT_ID, JobSchedule
from batch_assets.sandbox.s3_store import ObjectStore

_logger = logging.getLogger(__name__)
_WINDOW_PER_WORKER = 4
_RECORD_ID_CHARACTERS = 11  # of an id that Bedrock makes up for a record without one
_AT_TIMEOUT = ("PartiallyCompleted", "Expired")
_ALWAYS_WRITTEN = ("Completed", "PartiallyCompleted")


@dataclass(frozen=True, kw_only=True)
class _Pending:
    """A record on its way: either a vector is being made or it is refused already."""

    index: int
    line: dict[str, Any]
    output: OutputFile
    kind: str = "IMAGE"
    vector: Future[bytes] | None = None
    error: RecordError | None = None


class BatchEngine:
    """Moves jobs through their states, and does their work."""

    def __init__(
        self,
        *,
        clock: VirtualClock,
        store: ObjectStore,
        pool: Embedder,
        schedule: JobSchedule,
        guard: Guard,
        events: JobEvents,
    ) -> None:
        """Share the store, the workers and the way to the event bus with the rest of the sandbox."""
        self._clock = clock
        self._guard = guard
        self._store = store
        self._pool = pool
        self._schedule = schedule
        self._events = events
        self._closing = False

    def start(self, job: Job) -> None:
        """Run a job in a thread of its own."""
        threading.Thread(target=self._run, args=(job,), name=f"job-{job.id}", daemon=True).start()

    def close(self) -> None:
        """Let every job's thread end where it is."""
        self._closing = True
        self._clock.wake()

    def announce(self, job: Job, status: str) -> None:
        """Send the events of a job that has reached a state, now or later."""
        if not job.faults.event_late_seconds:
            self._events.send(job, status)
            return
        moment = self._clock.now() + timedelta(seconds=job.faults.event_late_seconds)
        name = f"event-{job.id}-{status}"
        threading.Thread(target=self._announce_late, args=(job, status, moment), name=name, daemon=True).start()

    def _announce_late(self, job: Job, status: str, moment: datetime) -> None:
        self._clock.wait_until(moment, or_when=lambda: self._closing)
        if not self._closing:
            self._events.send(job, status)

    def _run(self, job: Job) -> None:
        try:
            self.announce(job, "Submitted")
            self._work(job)
        except JobFailedError as error:
            self._over(job, "Failed", message=str(error))
        except Exception as error:
            if not self._closing:
                _logger.exception("batch job %s broke", job.arn)
                self._over(job, "Failed", message=f"Internal error: {error!r}")

    def _over(self, job: Job, status: str, *, counts: Counts | None = None, message: str | None) -> None:
        job.end(status, self._clock.now(), counts=counts or Counts(), message=message)
        self.announce(job, status)

    def _work(self, job: Job) -> None:
        if not self._reach(job, job.timeline.validating):
            return
        self.announce(job, "Validating")
        found = self._validate(job)
        outputs = [OutputFile(file.name) for file in found.files]
        try:
            job.validated(total=found.records)
            if not self._reach(job, job.timeline.scheduled):
                return
            self.announce(job, "Scheduled")
            if job.faults.never_begins(found.records) or job.timeline.in_progress > job.timeline.expires:
                self._expire(job)
            elif self._reach(job, job.timeline.in_progress):
                self.announce(job, "InProgress")
                self._embed(job, found, outputs)
        finally:
            found.close()
            for output in outputs:
                output.close()

    def _reach(self, job: Job, moment: datetime) -> bool:
        """Wait for a moment; False when the job was stopped, which is then done, or all ends."""
        self._wait(job, moment)
        if job.stop_requested is not None and not self._closing:
            self._stop(job, [])
        return job.stop_requested is None and not self._closing

    def _wait(self, job: Job, moment: datetime) -> None:
        self._clock.wait_until(moment, or_when=lambda: job.stop_requested is not None or self._closing)

    def _validate(self, job: Job) -> JobInput:
        if job.faults.fail_job is not None:
            raise JobFailedError(job.faults.fail_job)
        try:
            check_service_role(job.parameters["roleArn"], job_arn=job.arn)
        except RoleError as error:
            raise JobFailedError(str(error)) from error
        source = job.parameters["inputDataConfig"]["s3InputDataConfig"]
        target = job.parameters["outputDataConfig"]["s3OutputDataConfig"]
        for config in (source, target):
            owner = config.get("s3BucketOwner", ACCOUNT_ID)
            if owner != ACCOUNT_ID:
                raise JobFailedError(f"The bucket of {config['s3Uri']} is not owned by account {owner}.")
        return read_input(self._store, self._role(job), input_uri=source["s3Uri"], output_uri=target["s3Uri"])

    def _role(self, job: Job) -> RoleAccess:
        return RoleAccess(self._guard, job.parameters["roleArn"])

    def _expire(self, job: Job) -> None:
        if self._reach(job, job.timeline.expires):
            self._over(job, "Expired", message=job.faults.end_message("Expired"))

    def _embed(self, job: Job, found: JobInput, outputs: list[OutputFile]) -> None:
        limit = _records_in_time(job, found.records)
        self._process(job, found, outputs, limit=limit)
        status = job.faults.end_state or ("Completed" if limit == found.records else "PartiallyCompleted")
        self._wait(job, job.timeline.expires if status in _AT_TIMEOUT else job.timeline.completed)
        if self._closing:
            return
        if job.stop_requested is not None:
            self._stop(job, outputs)
            return
        self._end(job, status, outputs, job.counts_at(self._clock.now()))

    def _stop(self, job: Job, outputs: list[OutputFile]) -> None:
        requested = job.stop_requested or self._clock.now()
        counts = job.counts_at(requested)
        stopped = requested + timedelta(seconds=self._schedule.stopping_seconds)
        self._clock.wait_until(stopped, or_when=lambda: self._closing)
        self._end(job, "Stopped", outputs, counts)

    def _process(self, job: Job, found: JobInput, outputs: list[OutputFile], *, limit: int) -> None:
        pending: deque[_Pending] = deque()
        for index, (line, output) in enumerate(islice(_lines(found, outputs), limit)):
            if job.stop_requested is not None:
                break
            pending.append(self._begin(job, found, index, line, output))
            if len(pending) >= self._pool.workers * _WINDOW_PER_WORKER:
                _finish(job, pending.popleft())
        while pending:
            _finish(job, pending.popleft())

    def _begin(self, job: Job, found: JobInput, index: int, line: dict[str, Any], output: OutputFile) -> _Pending:
        line.setdefault("recordId", _generated_id(job.id, index))
        injected = job.faults.error(index, str(line["recordId"]), job_name=job.name)
        if injected is not None:
            return _Pending(index=index, line=line, output=output, error=RecordError(*injected))
        try:
            request = parse_body(line.get("modelInput"))
            self._role(job).require(request.content)
            task = load(request, self._store, found.allows)
        except RecordError as error:
            return _Pending(index=index, line=line, output=output, error=error)
        kind = "TEXT" if request.image_format is None else "IMAGE"
        return _Pending(index=index, line=line, output=output, kind=kind, vector=self._pool.submit(task))

    def _end(self, job: Job, status: str, outputs: list[OutputFile], counts: Counts) -> None:
        """Write what there is, end the job, and write later what a rule wants to be late."""
        written = JobOutput.of(job, outputs if counts.processed or status in _ALWAYS_WRITTEN else [], counts)
        folder = _output_folder(job)
        written.put(self._store, folder, late=False)
        ended = self._clock.now()
        self._over(job, status, counts=counts, message=job.faults.end_message(status))
        self._clock.wait_until(ended + timedelta(seconds=job.faults.late_seconds), or_when=lambda: self._closing)
        if not self._closing:
            written.put(self._store, folder, late=True)


def _records_in_time(job: Job, total: int) -> int:
    """Return how many records can be processed before the timeout, by schedule or by order."""
    limit = total
    if job.timeline.completed > job.timeline.expires:
        limit = int(total * job.timeline.share_done(job.timeline.expires))
    return min(limit, job.faults.processed_of(total))


def _lines(found: JobInput, outputs: list[OutputFile]) -> Iterator[tuple[dict[str, Any], OutputFile]]:
    for file, output in zip(found.files, outputs, strict=True):
        for line in file.lines():
            yield line, output


def _finish(job: Job, pending: _Pending) -> None:
    head = orjson.dumps({name: pending.line[name] for name in ("recordId", "modelInput") if name in pending.line})
    error = pending.error
    tail = b""
    if pending.vector is not None:
        try:
            tail = b'"modelOutput":' + model_output(pending.kind, pending.vector.result())
        except RecordError as refusal:
            error = refusal
    if error is not None:
        tail = b'"error":' + orjson.dumps({"errorCode": error.code, "errorMessage": error.message})
    pending.output.append(pending.index, str(pending.line["recordId"]), head[:-1] + b"," + tail + b"}")
    job.processed(failed=error is not None)


def _generated_id(job_id: str, index: int) -> str:
    return hashlib.sha256(f"{job_id}/{index}".encode()).hexdigest()[:_RECORD_ID_CHARACTERS].upper()


def _output_folder(job: Job) -> S3Object:
    uri = job.parameters["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"]
    location = parse_s3_uri(uri)
    if location is None:
        raise JobFailedError(f"{uri} is not an S3 URI.")
    prefix = f"{location.key.rstrip('/')}/" if location.key else ""
    return S3Object(location.bucket, f"{prefix}{job.id}/")
