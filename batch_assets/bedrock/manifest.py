"""What is still to be embedded, and how it is written for Bedrock.

A manifest holds the eligible pictures whose bytes have no embedding yet and were not finally refused; identical bytes
(same ETag and size) stand in it once. It is at most one job's worth: a larger rest is cut into equal parts.
"""

import hashlib
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from batch_assets.errors import JobError
from batch_assets.spaces import EmbeddingSpace, ImageSource, equal_wave_records

MANIFEST = pa.schema(
    [
        pa.field("record_id", pa.string(), nullable=False, metadata={"description": "128-bit hash, 32 hex digits"}),
        pa.field("key", pa.string(), nullable=False, metadata={"description": "S3 key of the picture to embed"}),
        pa.field("etag", pa.string(), nullable=False, metadata={"description": "ETag, without quotes"}),
        pa.field("size", pa.int64(), nullable=False, metadata={"description": "Size in bytes"}),
        pa.field("format", pa.string(), nullable=False, metadata={"description": "The model's name of the format"}),
        pa.field("copies", pa.int32(), nullable=False, metadata={"description": "Keys that hold the same bytes"}),
        pa.field(
            "last_modified", pa.timestamp("us", tz="UTC"), metadata={"description": "When the object was written"}
        ),
    ]
)

Content = tuple[str, int]
"""What identifies bytes: ETag and size."""


@dataclass(frozen=True)
class Plan:
    """The records of the next job, and how many pictures stay behind it.

    `changed` counts those to be embedded whose key has a vector of other bytes.
    """

    records: pa.Table
    eligible: int
    embedded: int
    quarantined: int
    later: int
    changed: int


def record_id(bucket: str, key: str, etag: str) -> str:
    """128-bit hash (32 hex digits) of one version of an object; NUL separates, as no S3 name holds it."""
    return hashlib.sha256(f"{bucket}\0{key}\0{etag}".encode()).hexdigest()[:32]


def plan(
    inventory: pa.Table,
    *,
    bucket: str,
    embedded: AbstractSet[Content],
    quarantined: AbstractSet[Content],
    max_records: int,
    embedded_keys: AbstractSet[str] = frozenset(),
) -> Plan:
    """Choose the records of the next job from an inventory, in the order of their keys.

    `embedded` and `quarantined` are contents that need no embedding, or may not be tried again. Records beyond
    `max_records` are counted as `later` and come with the next plan; all parts have equal size, so that the last
    never falls under the model's minimum.
    """
    eligible = inventory.filter(inventory["eligible"]).sort_by("key")
    first: dict[Content, dict[str, Any]] = {}
    done = refused = changed = 0
    for row in eligible.select(["key", "etag", "size", "format", "last_modified"]).to_pylist():
        content = (row["etag"], row["size"])
        changed += content not in embedded and row["key"] in embedded_keys
        if content in embedded:
            done += 1
        elif content in quarantined:
            refused += 1
        elif content in first:
            first[content]["copies"] += 1
        else:
            first[content] = {**row, "record_id": record_id(bucket, row["key"], row["etag"]), "copies": 1}
    records = list(first.values())
    size = equal_wave_records(len(records), maximum=max_records)
    return Plan(
        records=pa.Table.from_pylist(records[:size], schema=MANIFEST),
        eligible=eligible.num_rows,
        embedded=done,
        quarantined=refused,
        later=sum(record["copies"] for record in records[size:]),
        changed=changed,
    )


def render(records: pa.Table, space: EmbeddingSpace, *, bucket: str, bucket_owner: str) -> bytes:
    """The manifest as JSONL: one `{"recordId", "modelInput"}` a line, the same bytes for the same records.

    Source: Amazon Bedrock user guide, "Format and upload your batch inference data". Raises `JobError` when the file
    would be larger than the model takes.
    """
    text = b"".join(_lines(records, space, bucket=bucket, bucket_owner=bucket_owner))
    if len(text) > space.model.max_input_file_bytes:
        raise JobError(
            f"the manifest of {records.num_rows} records has {len(text)} bytes, more than the "
            f"{space.model.max_input_file_bytes} that Bedrock takes: lower BATCH_ASSETS_MAX_RECORDS_PER_JOB"
        )
    return text


def fingerprint(jsonl: bytes, space: EmbeddingSpace) -> str:
    """SHA-256 (hex) of a manifest's bytes and its embedding space."""
    return hashlib.sha256(space.slug.encode() + b"\0" + jsonl).hexdigest()


def contents(table: pa.Table | None) -> set[Content]:
    """The distinct (etag, size) of a table's rows."""
    if table is None:
        return set()
    return set(zip(table["etag"].to_pylist(), table["size"].to_pylist(), strict=True))


def final_refusals(rejected: pa.Table | None) -> set[Content]:
    """Contents that the model refused for good; ineligible files are told by the inventory itself."""
    if rejected is None:
        return set()
    return contents(rejected.filter(pc.and_(rejected["final"], pc.greater(rejected["attempts"], 0))))


def _lines(records: pa.Table, space: EmbeddingSpace, *, bucket: str, bucket_owner: str) -> Iterable[bytes]:
    for row in records.select(["record_id", "key", "format"]).to_pylist():
        image = ImageSource(row["format"], uri=f"s3://{bucket}/{row['key']}", bucket_owner=bucket_owner)
        line = {"recordId": row["record_id"], "modelInput": space.index_request(image)}
        yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
