"""Embedding a tail that is too small for a batch job: on demand, with the output layout of a job.

Each result is stored as soon as it is there, under its record id, so that a run that dies half-way has paid for
nothing twice but the calls that were under way. A refusal is stored for its manifest and attempt alone: it may be
tried again. What came of a picture that is another one by then is not stored: the model may have read other bytes.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from batch_assets.bedrock.manifest import record_id
from batch_assets.bedrock.results import OUTPUT_SUFFIX, OutputFile, output_files
from batch_assets.errors import JobError
from batch_assets.settings import Settings
from batch_assets.spaces import EmbeddingSpace

CALLS_IN_FLIGHT = 8
_SERVER_ERROR = 500
_NOT_OF_THE_RECORD = frozenset(
    {"AccessDeniedException", "ResourceNotFoundException", "ExpiredTokenException", "UnrecognizedClientException"}
)


@dataclass(frozen=True)
class TailFolder:
    """Where the on-demand results of a partition stand: a prefix of the results bucket, ending in `/`."""

    bucket: str
    prefix: str

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def result_key(self, record_id: str) -> str:
        return f"{self.prefix}{record_id}{OUTPUT_SUFFIX}"

    def refusal_key(self, record_id: str, job_name: str) -> str:
        return f"{self.prefix}{record_id}-{job_name}{OUTPUT_SUFFIX}"

    def files(self, s3: Any, record_ids: Iterable[str], job_name: str) -> list[OutputFile]:
        """The results of these records, and their refusals in this attempt of a manifest."""
        there = {file.key: file for file in output_files(s3, self.bucket, self.prefix)}
        wanted = [key for name in record_ids for key in (self.result_key(name), self.refusal_key(name, job_name))]
        return [there[key] for key in wanted if key in there]

    def outcomes(self, s3: Any, jsonl: bytes, job_name: str) -> list[str]:
        """Keys of what is there for the records of a manifest."""
        records = [orjson.loads(line)["recordId"] for line in jsonl.splitlines()]
        return [file.key for file in self.files(s3, records, job_name)]


def tail_folder(settings: Settings, partition: str) -> TailFolder:
    """Where the on-demand results of a partition stand, beside those of the jobs."""
    name = quote(partition, safe="")
    return TailFolder(settings.results_bucket, f"{settings.results_prefix}on-demand/{settings.space.slug}/{name}/")


def embed_tail(
    s3: Any, runtime: Any, space: EmbeddingSpace, folder: TailFolder, *, jsonl: bytes, job_name: str
) -> None:
    """Embed the records of a manifest with InvokeModel, a few at a time, leaving out those that have an outcome.

    Raises `JobError` when the calls are refused for a reason that is not a record's own, such as a permission.
    """
    lines = [orjson.loads(line) for line in jsonl.splitlines()]
    there = set(folder.outcomes(s3, jsonl, job_name))
    todo = [
        line
        for line in lines
        if not {folder.result_key(line["recordId"]), folder.refusal_key(line["recordId"], job_name)} & there
    ]
    with ThreadPoolExecutor(CALLS_IN_FLIGHT) as pool:
        list(pool.map(partial(_embed, s3, runtime, space, folder=folder, job_name=job_name), todo))


def _embed(s3: Any, runtime: Any, space: EmbeddingSpace, line: Any, *, folder: TailFolder, job_name: str) -> None:
    key = folder.refusal_key(line["recordId"], job_name)
    try:
        reply = runtime.invoke_model(
            modelId=space.model.model_id,
            body=orjson.dumps(line["modelInput"]),
            contentType="application/json",
            accept="application/json",
        )
        body = reply["body"].read()
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        if code in _NOT_OF_THE_RECORD:
            raise JobError(
                f"{space.model.model_id} cannot be called on demand: {error}. The caller needs bedrock:InvokeModel; "
                "results so far are kept; mend the cause and materialise batch_job again"
            ) from error
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", _SERVER_ERROR))
        output = _refusal(line, status, str(error))
    except BotoCoreError as error:
        output = _refusal(line, _SERVER_ERROR, str(error))
    else:
        key, output = folder.result_key(line["recordId"]), {**line, "modelOutput": orjson.Fragment(body)}
    if _is_as_planned(s3, space, line):
        _store(s3, folder, key, output)


def _is_as_planned(s3: Any, space: EmbeddingSpace, line: Any) -> bool:
    """Whether the picture of a record is still the one whose ETag its id was made of."""
    bucket, _, key = space.model.image_uri(line["modelInput"]).removeprefix("s3://").partition("/")
    try:
        etag = str(s3.head_object(Bucket=bucket, Key=key)["ETag"]).strip('"')
    except ClientError as error:
        if str(error.response.get("Error", {}).get("Code")) in {"404", "NoSuchKey"}:
            return False
        raise
    return bool(record_id(bucket, key, etag) == line["recordId"])


def _refusal(line: Any, status: int, message: str) -> dict[str, Any]:
    return {**line, "error": {"errorCode": status, "errorMessage": message}}


def _store(s3: Any, folder: TailFolder, key: str, document: Any) -> None:
    s3.put_object(Bucket=folder.bucket, Key=key, Body=orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))
