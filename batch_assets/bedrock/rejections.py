"""Pictures without a vector that were refused, a row each: not eligible, or refused by the model, and how often."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from batch_assets.bedrock.results import Refused

REJECTED = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False, metadata={"description": "S3 key of the object"}),
        pa.field("etag", pa.string(), nullable=False, metadata={"description": "ETag, without quotes"}),
        pa.field("size", pa.int64(), nullable=False, metadata={"description": "Size in bytes"}),
        pa.field("code", pa.string(), nullable=False, metadata={"description": "Reason or the model's error code"}),
        pa.field("message", pa.string(), nullable=False, metadata={"description": "The reason, in words"}),
        pa.field("attempts", pa.int32(), nullable=False, metadata={"description": "How often it was sent"}),
        pa.field("retryable", pa.bool_(), nullable=False, metadata={"description": "The error may pass"}),
        pa.field("quarantined", pa.bool_(), nullable=False, metadata={"description": "Retryable, but tried enough"}),
        pa.field("final", pa.bool_(), nullable=False, metadata={"description": "False: it will be sent again"}),
    ]
)

_INELIGIBLE = {
    "folder_marker": "a folder marker, not a picture",
    "foreign_jsonl": "a .jsonl file, which Bedrock would read as job input",
    "unsupported_format": "the model takes .jpg, .jpeg, .png, .gif and .webp",
    "empty": "the object is empty",
    "too_large": "larger than the model takes",
}


def ineligible(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row of an object of the inventory that cannot be sent."""
    return _row(row, code=row["reason"], message=_INELIGIBLE.get(row["reason"], row["reason"]))


def carried(row: Mapping[str, Any], known: Mapping[str, Any] | None) -> dict[str, Any]:
    """The row of a picture of which nothing new was heard: as it was."""
    return {**(known or {}), **{name: row[name] for name in ("key", "etag", "size")}}


def refused(
    row: Mapping[str, Any], refusal: Refused, known: Mapping[str, Any] | None, max_attempts: int
) -> dict[str, Any]:
    """The row of a picture that the model has refused once more; `known` is its row before, if it had one."""
    attempts = (known["attempts"] if known else 0) + 1
    quarantined = refusal.retryable and attempts >= max_attempts
    return {
        **_row(row, code=refusal.code, message=refusal.message),
        "attempts": attempts,
        "retryable": refusal.retryable,
        "quarantined": quarantined,
        "final": quarantined or not refusal.retryable,
    }


def _row(row: Mapping[str, Any], *, code: str, message: str) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("key", "etag", "size")},
        "code": code,
        "message": message,
        "attempts": 0,
        "retryable": False,
        "quarantined": False,
        "final": True,
    }
