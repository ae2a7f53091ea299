"""The inventory of a prefix of the source bucket: a row per object, eligible or with the reason why not."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from batch_assets.partitions import LOCK_NAME
from batch_assets.storage.content_hash import content_hash
from batch_assets.storage.eligibility import FOREIGN_JSONL, image_formats, reasons
from batch_assets.storage.object_listing import Helpers, list_objects
from batch_assets.storage.objects import S3Address

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


def list_prefix(
    client: Any, prefix: S3Address, *, formats: Mapping[str, str], max_image_bytes: int, helpers: Helpers | None = None
) -> pa.Table:
    """Inventory of all objects under a prefix, sorted by key (UTF-8 order); its own lock file is left out.

    `formats` maps file extensions to the model's names. Up to 1,000 objects cost one call; more are listed in several
    ranges of keys at once, and very many also by `helpers`. Raises `SourceError` when the prefix cannot be listed.
    """
    objects = list_objects(client, prefix, helpers)
    return inventory(objects, prefix.key, formats=formats, max_image_bytes=max_image_bytes)


def inventory(objects: pa.Table, prefix: str, *, formats: Mapping[str, str], max_image_bytes: int) -> pa.Table:
    """Inventory (schema `INVENTORY`) of the objects under a prefix (schema `ENTRIES`, sorted by key)."""
    objects = objects.filter(pc.not_equal(objects["key"], prefix + LOCK_NAME))
    image_format = image_formats(objects["key"], formats)
    reason = reasons(objects["key"], objects["size"], image_format, max_image_bytes=max_image_bytes)
    columns = [*objects.columns, image_format, pc.is_null(reason), reason]
    return pa.table(columns, schema=INVENTORY)


def foreign_manifests(rows: pa.Table) -> list[str]:
    """Keys of `.jsonl` files that are not ours; Bedrock would read each of them as job input."""
    keys: list[str] = rows.filter(pc.equal(rows["reason"], FOREIGN_JSONL))["key"].to_pylist()
    return keys


def listing_version(rows: pa.Table) -> str:
    """Hash of keys, ETags and sizes: the same for an unchanged prefix."""
    return content_hash(rows, ["key", "etag", "size"])
