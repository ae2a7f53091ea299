"""What is still to be embedded, and how it is written for Bedrock.

A manifest holds the eligible pictures whose bytes have no embedding yet and were not finally refused; identical bytes
(same ETag and size) stand in it once. It is at most one job's worth: a larger rest is cut into equal parts.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_assets.bedrock.contents import Contents, distinct
from batch_assets.bedrock.jsonl import lines
from batch_assets.errors import JobError
from batch_assets.spaces import EmbeddingSpace, equal_wave_records

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

_ID_LETTERS = 32


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
    return hashlib.sha256(f"{bucket}\0{key}\0{etag}".encode()).hexdigest()[:_ID_LETTERS]


def record_ids(bucket: str, keys: pa.ChunkedArray, etags: pa.ChunkedArray) -> pa.Array:
    """The `record_id` of each key and ETag."""
    names = pc.binary_join_element_wise(bucket, keys, etags, "\0").cast(pa.binary())
    digests = b"".join([hashlib.sha256(name).digest() for name in names.to_pylist()])
    halves = np.frombuffer(digests, np.uint8).reshape(-1, hashlib.sha256().digest_size)[:, : _ID_LETTERS // 2]
    offsets = np.arange(0, _ID_LETTERS * len(names) + 1, _ID_LETTERS, dtype=np.int32)
    return pa.StringArray.from_buffers(len(names), pa.py_buffer(offsets), pa.py_buffer(halves.tobytes().hex().encode()))


def plan(
    inventory: pa.Table,
    *,
    bucket: str,
    embedded: Contents,
    quarantined: Contents,
    max_records: int,
    embedded_keys: pa.ChunkedArray | None = None,
) -> Plan:
    """Choose the records of the next job from an inventory, in the order of their keys.

    `embedded` and `quarantined` are contents that need no embedding, or may not be tried again. Records beyond
    `max_records` are counted as `later` and come with the next plan; all parts have equal size, so that the last
    never falls under the model's minimum.
    """
    eligible = _eligible(inventory)
    missing = embedded.without(eligible)
    waiting = quarantined.without(missing)
    records, copies = distinct(waiting)
    size = equal_wave_records(records.num_rows, maximum=max_records)
    return Plan(
        records=_manifest(records.slice(0, size), copies[:size], bucket),
        eligible=eligible.num_rows,
        embedded=eligible.num_rows - missing.num_rows,
        quarantined=missing.num_rows - waiting.num_rows,
        later=sum(copies[size:]),
        changed=_common(embedded_keys, missing["key"]) if embedded_keys is not None else 0,
    )


def _common(keys: pa.ChunkedArray, few: pa.ChunkedArray) -> int:
    """How many keys are in both."""
    number: int = pc.count_distinct(keys.filter(pc.is_in(keys, value_set=few))).as_py()
    return number


def _eligible(inventory: pa.Table) -> pa.Table:
    eligible = inventory.select(["key", "etag", "size", "format", "last_modified"]).filter(inventory["eligible"])
    keys = eligible["key"]
    # A listing has this order; a million keys are sorted in a second.
    return eligible if pc.all(pc.less(keys[:-1], keys[1:])).as_py() else eligible.sort_by("key")


def _manifest(records: pa.Table, copies: list[int], bucket: str) -> pa.Table:
    columns = {name: records[name] for name in records.column_names}
    columns["record_id"] = record_ids(bucket, records["key"], records["etag"])
    columns["copies"] = pa.array(copies, pa.int32())
    return pa.table([columns[name] for name in MANIFEST.names], schema=MANIFEST)


def render(records: pa.Table, space: EmbeddingSpace, *, bucket: str, bucket_owner: str) -> bytes:
    """The manifest as JSONL: one `{"recordId", "modelInput"}` a line, the same bytes for the same records.

    Source: Amazon Bedrock user guide, "Format and upload your batch inference data". Raises `JobError` when the file
    would be larger than the model takes.
    """
    text = b"".join(lines(records, space, bucket=bucket, bucket_owner=bucket_owner))
    if len(text) > space.model.max_input_file_bytes:
        raise JobError(
            f"the manifest of {records.num_rows} records has {len(text)} bytes, more than the "
            f"{space.model.max_input_file_bytes} that Bedrock takes: lower BATCH_ASSETS_MAX_RECORDS_PER_JOB"
        )
    return text


def fingerprint(jsonl: bytes, space: EmbeddingSpace) -> str:
    """SHA-256 (hex) of a manifest's bytes and its embedding space."""
    digest = hashlib.sha256(space.slug.encode() + b"\0")
    digest.update(jsonl)
    return digest.hexdigest()
