"""The input of a batch job: which files, which records, and what makes the whole job fail."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import orjson

from batch_assets.sandbox.bedrock import model
from batch_assets.sandbox.bedrock.records import S3Object, parse_s3_uri
from batch_assets.sandbox.bedrock.role_access import RoleAccess
from batch_assets.sandbox.s3_store import ObjectStore

_SUFFIX = ".jsonl"


class JobFailedError(Exception):
    """The job as a whole cannot be run; the text is its ``message``."""


@dataclass(frozen=True, kw_only=True)
class InputFile:
    """A copy of one ``.jsonl`` file; ``name`` is its path below the input folder."""

    name: str
    content: IO[bytes]
    records: int

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the records in order."""
        self.content.seek(0)
        for line in self.content:
            yield orjson.loads(line)


@dataclass(frozen=True, kw_only=True)
class JobInput:
    """The files of a job; images may lie in ``bucket`` under ``folder``, None for nowhere."""

    bucket: str
    folder: str | None
    files: list[InputFile]

    @property
    def records(self) -> int:
        """Records in all files."""
        return sum(file.records for file in self.files)

    def allows(self, location: S3Object) -> bool:
        """Tell whether a record may refer to an object.

        Source: "Format and upload your batch inference data" (batch-inference-data): content must
        be in one bucket and folder with the input, which must be given as a folder.
        """
        return self.folder is not None and location.bucket == self.bucket and location.key.startswith(self.folder)

    def close(self) -> None:
        """Give the copies up."""
        for file in self.files:
            file.content.close()


def read_input(store: ObjectStore, role: RoleAccess, *, input_uri: str, output_uri: str) -> JobInput:
    """Copy and check every input file, as Bedrock does while a job is Validating.

    Raises:
        JobFailedError: A bucket is missing or the role may not use it, there is no input, a file or the job is too
            large, a line is no JSON object, or there are too few or too many records.
    """
    source, target = _location(input_uri), _location(output_uri)
    _require(store.has_bucket(source.bucket) and role.may_list(source), source, "GetObject")
    counts = S3Object(target.bucket, f"{target.key.rstrip('/')}/manifest.json.out".lstrip("/"))
    _require(store.has_bucket(target.bucket) and role.may_list(target) and role.may_write(counts), target, "PutObject")
    folder, keys = _find_files(store, source)
    _require(all(role.may_read(S3Object(source.bucket, key)) for key in keys), source, "GetObject")
    _check_sizes(store, source.bucket, keys)
    start = len(folder or source.key.rpartition("/")[0] + "/")
    files = [_read_file(store, S3Object(source.bucket, key), key[start:]) for key in keys]
    found = JobInput(bucket=source.bucket, folder=folder, files=files)
    if not model.JOB_MIN_RECORDS <= found.records <= model.JOB_MAX_RECORDS:
        found.close()
        raise JobFailedError(
            f"The input {input_uri} holds {found.records} records; a job must have at least "
            f"{model.JOB_MIN_RECORDS} and at most {model.JOB_MAX_RECORDS}."
        )
    return found


def _location(uri: str) -> S3Object:
    location = parse_s3_uri(uri)
    if location is None:
        raise JobFailedError(f"{uri} is not an S3 URI.")
    return location


def _require(has_permission: bool, location: S3Object, permission: str) -> None:
    if not has_permission:
        raise JobFailedError(
            f"Could not validate {permission} permissions to access Amazon S3 bucket: {location.bucket} "
            f"with key prefix: {location.key}."
        )


def _find_files(store: ObjectStore, source: S3Object) -> tuple[str | None, list[str]]:
    if source.key.endswith(_SUFFIX) and store.find(source.bucket, source.key) is not None:
        return None, [source.key]
    folder = f"{source.key.rstrip('/')}/" if source.key else ""
    keys = [
        key
        for key in store.keys(source.bucket, prefix=folder)
        if key.endswith(_SUFFIX) and store.find(source.bucket, key) is not None
    ]
    if not keys:
        raise JobFailedError(f"No {_SUFFIX} file was found under {source.uri}.")
    return folder, keys


def _check_sizes(store: ObjectStore, bucket: str, keys: list[str]) -> None:
    sizes_bytes = [store.size_bytes(bucket, key) or 0 for key in keys]
    for key, size_bytes in zip(keys, sizes_bytes, strict=True):
        if size_bytes > model.INPUT_FILE_MAX_BYTES:
            raise JobFailedError(
                f"The input file s3://{bucket}/{key} has {size_bytes} bytes, more than the maximum of "
                f"{model.INPUT_FILE_MAX_BYTES}."
            )
    if sum(sizes_bytes) > model.JOB_MAX_BYTES:
        raise JobFailedError(
            f"The input files have {sum(sizes_bytes)} bytes, more than the maximum of {model.JOB_MAX_BYTES} a job."
        )


def _read_file(store: ObjectStore, location: S3Object, name: str) -> InputFile:
    content = store.open(location.bucket, location.key)
    if content is None:
        raise JobFailedError(f"The input file {location.uri} is gone.")
    number = 0
    for number, line in enumerate(content, start=1):
        if not _is_json_object(line):
            content.close()
            raise JobFailedError(f"Line {number} of {location.uri} is not a JSON object.")
    return InputFile(name=name, content=content, records=number)


def _is_json_object(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False
