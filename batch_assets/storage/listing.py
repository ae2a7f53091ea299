"""Listing a prefix of the source bucket into an inventory: a row per object, eligible or with the reason why not."""

import hashlib
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from batch_assets.partitions import LOCK_NAME
from batch_assets.storage.objects import S3Address, explained

INVENTORY = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False, metadata={"description": "S3 key of the object"}),
        pa.field("size", pa.int64(), nullable=False, metadata={"description": "Size in bytes"}),
        pa.field("etag", pa.string(), nullable=False, metadata={"description": "ETag, without quotes"}),
        pa.field(
            "last_modified",
            pa.timestamp("us", tz="UTC"),
            nullable=False,
            metadata={"description": "When the object was written"},
        ),
        pa.field("format", pa.string(), metadata={"description": "The model's name of the format"}),
        pa.field("eligible", pa.bool_(), nullable=False, metadata={"description": "Can be sent to the model"}),
        pa.field("reason", pa.string(), metadata={"description": "Why the object is not eligible"}),
    ]
)

FOREIGN_JSONL = "foreign_jsonl"


def list_prefix(client: Any, prefix: S3Address, *, formats: Mapping[str, str], max_image_bytes: int) -> pa.Table:
    """Inventory of all objects under a prefix, sorted by key (UTF-8 order); its own lock file is left out.

    `formats` maps file extensions to the model's names. Raises `SourceError` when the prefix cannot be listed.
    """
    columns: dict[str, list[Any]] = {name: [] for name in INVENTORY.names}
    with explained(prefix.uri):
        for entry in _entries(client, prefix):
            key, size = entry["Key"], entry["Size"]
            if key == prefix.key + LOCK_NAME:
                continue
            image_format = formats.get(_extension(key))
            reason = ineligibility(key, size, image_format, max_image_bytes=max_image_bytes)
            row = (key, size, entry["ETag"].strip('"'), entry["LastModified"], image_format, reason is None, reason)
            for values, value in zip(columns.values(), row, strict=True):
                values.append(value)
    return pa.table(columns, schema=INVENTORY)


def ineligibility(key: str, size: int, image_format: str | None, *, max_image_bytes: int) -> str | None:
    """Why an object cannot be sent to the model, as far as its name and size (bytes) tell; None if it can."""
    if key.endswith("/"):
        return "folder_marker"
    if is_jsonl(key):
        return FOREIGN_JSONL
    if image_format is None:
        return "unsupported_format"
    if size == 0:
        return "empty"
    if size > max_image_bytes:
        return "too_large"
    return None


def is_jsonl(key: str) -> bool:
    """Whether Bedrock would read an object as job input: by the end of its key, so that `.jsonl` alone is one too."""
    return key.lower().endswith(".jsonl")


def foreign_manifests(inventory: pa.Table) -> list[str]:
    """Keys of `.jsonl` files that are not ours; Bedrock would read each of them as job input."""
    keys: list[str] = inventory.filter(pc.equal(inventory["reason"], FOREIGN_JSONL))["key"].to_pylist()
    return keys


def listing_version(inventory: pa.Table) -> str:
    """Hash of keys, ETags and sizes: the same for an unchanged prefix."""
    return content_hash(inventory, ["key", "etag", "size"])


def content_hash(table: pa.Table, columns: list[str]) -> str:
    """SHA-256 (hex) of the named columns, row by row in the order of the first; the same on every machine."""
    digest = hashlib.sha256()
    ordered = table.select(columns).sort_by(columns[0])
    for batch in ordered.to_batches(max_chunksize=10_000):
        for row in zip(*(batch[name].to_pylist() for name in columns), strict=True):
            digest.update(repr(row).encode())
    return digest.hexdigest()


def _extension(key: str) -> str:
    return posixpath.splitext(key)[1].lower().removeprefix(".")


def _entries(client: Any, prefix: S3Address) -> Iterator[Any]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=prefix.key)
    for page in pages:
        yield from page.get("Contents", [])
