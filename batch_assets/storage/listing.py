"""Listing a prefix of the source bucket into an inventory: a row per object, eligible or with the reason why not."""

import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from batch_assets.partitions import LOCK_NAME
from batch_assets.storage.content_hash import content_hash, in_order
from batch_assets.storage.eligibility import FOREIGN_JSONL, image_formats, reasons
from batch_assets.storage.key_ranges import RangeListing
from batch_assets.storage.objects import S3Address, explained
from batch_assets.storage.page_parser import ENTRIES
from batch_assets.storage.pages import Page, list_page

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

_MAX_CALLS = 16
"""Calls of one listing that are under way at once, if the client has as many connections."""
_LEAST_SECONDS = 0.001
"""Of the interpreter's time for a call, in case the clock is coarse."""


def list_prefix(client: Any, prefix: S3Address, *, formats: Mapping[str, str], max_image_bytes: int) -> pa.Table:
    """Inventory of all objects under a prefix, sorted by key (UTF-8 order); its own lock file is left out.

    `formats` maps file extensions to the model's names. Up to 1,000 objects cost one call; more are listed in several
    ranges of keys at once. Raises `SourceError` when the prefix cannot be listed.
    """
    with explained(prefix.uri):
        objects = in_order(pa.Table.from_batches(_batches(client, prefix), ENTRIES).combine_chunks(), "key")
    objects = objects.filter(pc.not_equal(objects["key"], prefix.key + LOCK_NAME))
    image_format = image_formats(objects["key"], formats)
    reason = reasons(objects["key"], objects["size"], image_format, max_image_bytes=max_image_bytes)
    columns = [*objects.columns, image_format, pc.is_null(reason), reason]
    return pa.table(columns, schema=INVENTORY)


def foreign_manifests(inventory: pa.Table) -> list[str]:
    """Keys of `.jsonl` files that are not ours; Bedrock would read each of them as job input."""
    keys: list[str] = inventory.filter(pc.equal(inventory["reason"], FOREIGN_JSONL))["key"].to_pylist()
    return keys


def listing_version(inventory: pa.Table) -> str:
    """Hash of keys, ETags and sizes: the same for an unchanged prefix."""
    return content_hash(inventory, ["key", "etag", "size"])


def _batches(client: Any, prefix: S3Address) -> list[pa.RecordBatch]:
    """All objects under a prefix, a page or less at a time."""
    begun, busy = time.perf_counter(), time.thread_time()
    first = list_page(client, prefix)
    waits = (time.perf_counter() - begun) / max(time.thread_time() - busy, _LEAST_SECONDS)
    if first.next_token is None:
        return [first.entries]
    keys = first.entries.column("key").to_pylist()
    if keys != sorted(keys):
        # Source: Amazon S3 user guide, "Differences for directory buckets": no order, and no start after a key.
        return list(_in_turn(client, prefix, first))
    # Threads share one interpreter: more than there is waiting to share would only wait for each other.
    calls = min(_MAX_CALLS, client.meta.config.max_pool_connections, 1 + int(waits))
    return RangeListing(partial(_page, client, prefix), prefix.key, first, max_calls=calls).batches()


def _page(client: Any, prefix: S3Address, after: str, token: str | None) -> Page:
    return list_page(client, prefix, after=after, token=token)


def _in_turn(client: Any, prefix: S3Address, page: Page) -> Iterator[pa.RecordBatch]:
    yield page.entries
    while page.next_token is not None:
        page = list_page(client, prefix, token=page.next_token)
        yield page.entries
