"""What is stored beside each vector, and which of it can be filtered on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

NON_FILTERABLE_KEYS = ("s3_uri", "etag", "record_id", "job_id")
"""Settled when an index is created and immutable afterwards. A URI may be longer than an object key's
1,024 bytes, and all filterable metadata of a vector together at most 2,048 (s3-vectors-limitations)."""


@dataclass(frozen=True, kw_only=True)
class ImageMetadata:
    """One image of the source bucket, as its vector describes it."""

    partition: str
    format: str
    size_bytes: int
    last_modified: datetime
    s3_uri: str
    etag: str
    record_id: str
    job_id: str

    def document(self) -> Mapping[str, Any]:
        """Return the metadata of PutVectors; ``last_modified`` is in whole epoch seconds."""
        return {
            "partition": self.partition,
            "format": self.format,
            "size": self.size_bytes,
            "last_modified": int(self.last_modified.timestamp()),
            "s3_uri": self.s3_uri,
            "etag": self.etag,
            "record_id": self.record_id,
            "job_id": self.job_id,
        }
