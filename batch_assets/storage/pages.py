"""One ListObjectsV2 call, answered with a record batch."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from batch_assets.errors import ServiceError
from batch_assets.storage.objects import S3Address
from batch_assets.storage.page_parser import ENTRIES, split_page

# botocore calls the handlers with the wildcard nearest to the root first. Its own of "before-parse.s3.*", which looks
# for an error in a successful answer by parsing the whole of it, so comes second, and finds it short.
_BEFORE_PARSE = "before-parse.*.ListObjectsV2"
_HANDLER = "batch-assets-listing"
_BATCH = "batch_assets_entries"

_takes_entries: ContextVar[bool] = ContextVar("takes_entries", default=False)


@dataclass(frozen=True)
class Page:
    """Some objects in the order of the listing (schema `ENTRIES`), and the token of the next page, if there is one."""

    entries: pa.RecordBatch
    next_token: str | None


def list_page(client: Any, prefix: S3Address, *, after: str | None = None, token: str | None = None) -> Page:
    """List up to 1,000 objects under a prefix: the first ones, those after a key, or those that a token stands for.

    The call is boto3's own: signed, sent, repeated and, if it fails, told by it.
    """
    start = {"ContinuationToken": token} if token else {"StartAfter": after} if after else {}
    # Registered once for a client, however often it is asked for.
    client.meta.events.register(_BEFORE_PARSE, _take_entries, unique_id=_HANDLER)
    with _taking_entries():
        reply = client.list_objects_v2(Bucket=prefix.bucket, Prefix=prefix.key, **start)
    entries = reply[_BATCH] if _BATCH in reply else _as_batch(reply.get("Contents", []))
    next_token = reply.get("NextContinuationToken") if reply.get("IsTruncated") else None
    if token is not None and next_token == token:
        raise ServiceError(f"{prefix.uri}: the listing does not go on: the same continuation token was given twice")
    return Page(entries, next_token)


@contextmanager
def _taking_entries() -> Iterator[None]:
    """Only calls within get batches: other calls of the same client are not concerned."""
    before = _takes_entries.set(True)
    try:
        yield
    finally:
        _takes_entries.reset(before)


def _take_entries(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Take the entries out of an answer before boto3 parses it, if they have the usual form."""
    if not _takes_entries.get() or response_dict["status_code"] != 200:  # noqa: PLR2004 - OK
        return
    split = split_page(response_dict["body"])
    if split is not None:
        response_dict["body"], customized_response_dict[_BATCH] = split


def _as_batch(contents: list[Any]) -> pa.RecordBatch:
    columns = {
        "key": [entry["Key"] for entry in contents],
        "size": [entry["Size"] for entry in contents],
        "etag": [entry["ETag"].strip('"') for entry in contents],
        "last_modified": [entry["LastModified"] for entry in contents],
    }
    return pa.record_batch(columns, schema=ENTRIES)
