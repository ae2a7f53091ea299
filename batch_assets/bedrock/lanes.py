"""Lanes: one input folder carries one live job, and the JSONL file in it is the lock.

Bedrock processes every `.jsonl` under a submitted folder, so a second manifest there would be embedded and billed
again. The file has one fixed name and is put only if it is absent; its object metadata names who holds the lane.
Sources: Amazon Bedrock user guide, "Create a batch inference job"; Amazon S3 user guide, "Conditional writes".
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote

from botocore.exceptions import ClientError

from batch_assets.partitions import LOCK_NAME

_PRECONDITION_FAILED = 412
_CONDITION_RACE = 409
_NOT_FOUND = 404


@dataclass(frozen=True)
class Lane:
    """A folder of the source bucket: `""` or a prefix ending in `/`."""

    bucket: str
    folder: str

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.folder}"

    @property
    def lock_key(self) -> str:
        return f"{self.folder}{LOCK_NAME}"


@dataclass(frozen=True)
class Holder:
    """Who holds a lane: the manifest of a partition, its attempt, and the run that put it there."""

    partition: str
    fingerprint: str
    attempt: int
    job_name: str
    run_id: str
    records: int = 0

    @property
    def metadata(self) -> dict[str, str]:
        return {
            "partition": quote(self.partition, safe=""),
            "fingerprint": self.fingerprint,
            "attempt": str(self.attempt),
            "job-name": self.job_name,
            "run-id": self.run_id,
            "records": str(self.records),
        }

    def same_job(self, other: "Holder") -> bool:
        return (self.fingerprint, self.attempt) == (other.fingerprint, other.attempt)


@dataclass(frozen=True)
class Lock:
    """A lane's lock as it stands: the holder, the version of the file, and since when."""

    holder: Holder
    etag: str
    since: datetime


def acquire(s3: Any, lane: Lane, holder: Holder, jsonl: bytes) -> Lock | None:
    """Put the manifest into the lane. None if it is ours now (or was already), else the lock that stands there."""
    try:
        s3.put_object(
            Bucket=lane.bucket,
            Key=lane.lock_key,
            Body=jsonl,
            ContentType="application/jsonl",
            Metadata=holder.metadata,
            IfNoneMatch="*",
        )
    except ClientError as error:
        if _status(error) not in {_PRECONDITION_FAILED, _CONDITION_RACE}:
            raise
    else:
        return None
    standing = current_lock(s3, lane)
    if standing is None:
        return acquire(s3, lane, holder, jsonl)
    return None if standing.holder.same_job(holder) else standing


def current_lock(s3: Any, lane: Lane) -> Lock | None:
    """The lock of a lane, or None if the lane is free."""
    try:
        head = s3.head_object(Bucket=lane.bucket, Key=lane.lock_key)
    except ClientError as error:
        if _status(error) == _NOT_FOUND:
            return None
        raise
    metadata = head["Metadata"]
    holder = Holder(
        partition=unquote(metadata.get("partition", "")),
        fingerprint=metadata.get("fingerprint", ""),
        attempt=int(metadata.get("attempt", "0")),
        job_name=metadata.get("job-name", ""),
        run_id=metadata.get("run-id", ""),
        records=int(metadata.get("records", "0")),
    )
    return Lock(holder, head["ETag"], head["LastModified"])


def held_manifest(s3: Any, lane: Lane, lock: Lock) -> bytes | None:
    """The manifest that a lock was seen with, or None if another has taken its place."""
    try:
        body: bytes = s3.get_object(Bucket=lane.bucket, Key=lane.lock_key, IfMatch=lock.etag)["Body"].read()
    except ClientError as error:
        if _status(error) in {_PRECONDITION_FAILED, _NOT_FOUND}:
            return None
        raise
    return body


def release(s3: Any, lane: Lane, lock: Lock) -> bool:
    """Remove a lock if it is still the one that was seen; False if another has taken its place."""
    try:
        s3.delete_object(Bucket=lane.bucket, Key=lane.lock_key, IfMatch=lock.etag)
    except ClientError as error:
        if _status(error) in {_PRECONDITION_FAILED, _CONDITION_RACE}:
            return False
        # Not found: this call has removed it already, and boto3 repeated it because the answer was lost.
        if _status(error) != _NOT_FOUND:
            raise
    return True


def release_job(s3: Any, lane: Lane, job_name: str) -> bool:
    """Free the lane of a job that has ended; False if the lane is not held by this job."""
    lock = current_lock(s3, lane)
    return lock is not None and lock.holder.job_name == job_name and release(s3, lane, lock)


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
