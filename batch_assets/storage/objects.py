"""S3 objects: addresses, conditional writes, and clear errors."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

from batch_assets.errors import ServiceError, SourceError, TableChangedError

ABSENT = ""
"""Version of an object that does not exist."""

_PART_BYTES = 16 * 1024**2  # a part is held in memory; 10,000 of them are 156 GiB, more than a table ever has
_WRITE = "write"  # name of the metadata that tells one upload from all others

_CURES = {
    "NoSuchBucket": "the bucket does not exist: check the setting and the account",
    "AccessDenied": "access denied: the credentials need s3:ListBucket and s3:GetObject there",
    "403": "access denied: the credentials need s3:ListBucket and s3:GetObject there",
    "PermanentRedirect": "the bucket is in another Region: set BATCH_ASSETS_REGION to its Region",
    "301": "the bucket is in another Region: set BATCH_ASSETS_REGION to its Region",
    "AuthorizationHeaderMalformed": "the bucket is in another Region: set BATCH_ASSETS_REGION to its Region",
    "NoSuchKey": "the object does not exist",
    "InvalidAccessKeyId": "the access key is not known: check the credentials",
    "ExpiredToken": "the session has expired: sign in again",
}


@dataclass(frozen=True)
class S3Address:
    """Bucket and key (or prefix) of `s3://bucket/key`."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> "S3Address":
        """Address of an `s3://` URI. Raises `SourceError` for anything else."""
        scheme, _, rest = uri.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "s3" or not bucket:
            raise SourceError(f"{uri!r} is no S3 URI: write s3://<bucket>/<key>")
        return cls(bucket, key)

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn service errors into `SourceError` that says where and what to do, or `ServiceError` if it may pass."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _CURES:
            raise SourceError(f"{where}: {_CURES[code]} ({code})") from error
        raise ServiceError(f"{where}: {error} ({code})") from error
    except BotoCoreError as error:
        raise ServiceError(f"{where}: {error}") from error


def is_missing(error: ClientError) -> bool:
    """Whether a service error says that the object is not there."""
    return str(error.response.get("Error", {}).get("Code")) in {"404", "NoSuchKey", "NotFound"}


def is_conflict(error: ClientError) -> bool:
    """Whether a conditional write lost (412) or raced with another (409)."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status in {409, 412}


def version(client: Any, address: S3Address) -> str:
    """ETag of an object, or `ABSENT`."""
    try:
        return str(client.head_object(Bucket=address.bucket, Key=address.key)["ETag"])
    except ClientError as error:
        if is_missing(error):
            return ABSENT
        raise


def replace_file(client: Any, address: S3Address, path: Path, *, replaces: str) -> str:
    """Upload a file as one atomic object, only if the object still has the version `replaces`; gives the new ETag.

    An upload that boto3 repeats because its answer was lost finds its own object and is refused: the object's metadata
    tells that it is there. Raises `TableChangedError` when somebody else has written or removed it meanwhile: nothing
    is overwritten then. Source: Amazon S3 user guide, "Conditional writes".
    """
    mark = {_WRITE: uuid.uuid4().hex}
    condition = {"IfMatch": replaces} if replaces else {"IfNoneMatch": "*"}
    try:
        with path.open("rb") as body:
            if path.stat().st_size <= _PART_BYTES:
                reply = client.put_object(Bucket=address.bucket, Key=address.key, Body=body, Metadata=mark, **condition)
            else:
                reply = _upload_parts(client, address, body, condition, mark)
    except ClientError as error:
        written = _written_with(client, address, mark) if is_conflict(error) or is_missing(error) else None
        if written is not None:
            return written
        if is_conflict(error) or (replaces and is_missing(error)):
            raise TableChangedError(
                f"{address.uri} was written or removed by another run meanwhile; nothing was overwritten: "
                "run this partition again"
            ) from error
        raise
    return str(reply["ETag"])


def _written_with(client: Any, address: S3Address, mark: dict[str, str]) -> str | None:
    """ETag of the object if it is the one that was uploaded with this mark."""
    try:
        head = client.head_object(Bucket=address.bucket, Key=address.key)
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return str(head["ETag"]) if head["Metadata"].get(_WRITE) == mark[_WRITE] else None


def _upload_parts(
    client: Any, address: S3Address, body: BinaryIO, condition: dict[str, str], metadata: dict[str, str]
) -> Any:
    target = {"Bucket": address.bucket, "Key": address.key}
    upload = client.create_multipart_upload(**target, Metadata=metadata)["UploadId"]
    try:
        parts: list[dict[str, Any]] = []
        while chunk := body.read(_PART_BYTES):
            number = len(parts) + 1
            etag = client.upload_part(**target, UploadId=upload, PartNumber=number, Body=chunk)["ETag"]
            parts.append({"PartNumber": number, "ETag": etag})
        return client.complete_multipart_upload(
            **target, UploadId=upload, MultipartUpload={"Parts": parts}, **condition
        )
    except BaseException:
        client.abort_multipart_upload(**target, UploadId=upload)
        raise
