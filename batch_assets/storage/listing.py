"""Listing a prefix of the source bucket into an inventory: a row per object, eligible or with the reason why not."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from batch_assets.aws_clients import aws_client
from batch_assets.crews import OpenCrew, dask_cluster
from batch_assets.partitions import LOCK_NAME
from batch_assets.settings import Settings
from batch_assets.storage.content_hash import content_hash, in_order
from batch_assets.storage.eligibility import FOREIGN_JSONL, image_formats, reasons
from batch_assets.storage.key_ranges import Callers, RangeListing
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

_PAGES_ALONE = 256
"""So many pages are listed here before others are asked to help: to reach them takes as long."""

_PAGES_A_TASK = 8
_CALLS_A_WORKER = 4  # they wait for S3 most of the time


@dataclass(frozen=True)
class Helpers:
    """Workers that help to list, with clients of the bucket's Region."""

    crew: OpenCrew
    region: str


def helpers_of(settings: Settings) -> Helpers | None:
    """The Dask workers that the settings name, or nobody: threads of this process wait for S3 as well as others do."""
    return Helpers(dask_cluster(settings.dask_scheduler), settings.region) if settings.dask_scheduler else None


def list_prefix(
    client: Any, prefix: S3Address, *, formats: Mapping[str, str], max_image_bytes: int, helpers: Helpers | None = None
) -> pa.Table:
    """Inventory of all objects under a prefix, sorted by key (UTF-8 order); its own lock file is left out.

    `formats` maps file extensions to the model's names. Up to 1,000 objects cost one call; more are listed in several
    ranges of keys at once, and very many also by `helpers`. Raises `SourceError` when the prefix cannot be listed.
    """
    objects = list_objects(client, prefix, helpers)
    return inventory(objects, prefix.key, formats=formats, max_image_bytes=max_image_bytes)


def list_objects(client: Any, prefix: S3Address, helpers: Helpers | None = None) -> pa.Table:
    """All objects under a prefix (schema `ENTRIES`), sorted by key (UTF-8 order); see `list_prefix`."""
    with explained(prefix.uri):
        return in_order(pa.Table.from_batches(_batches(client, prefix, helpers), ENTRIES).combine_chunks(), "key")


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


def _batches(client: Any, prefix: S3Address, helpers: Helpers | None) -> list[pa.RecordBatch]:
    """All objects under a prefix, a page or less at a time."""
    first = list_page(client, prefix)
    if first.next_token is None:
        return [first.entries]
    keys = first.entries.column("key").to_pylist()
    if keys != sorted(keys):
        # Source: Amazon S3 user guide, "Differences for directory buckets": no order, and no start after a key.
        return list(_in_turn(client, prefix, first))
    listing = RangeListing(prefix.key, first)
    with ThreadPoolExecutor(_MAX_CALLS) as threads:
        calls = min(_MAX_CALLS, client.meta.config.max_pool_connections)
        listing.run(
            Callers(threads, partial(_pages, client, prefix, 1), calls), max_pages=_PAGES_ALONE if helpers else None
        )
    if helpers and not listing.is_complete:
        with helpers.crew() as crew:
            fetch = partial(list_pages, helpers.region, prefix, _PAGES_A_TASK)
            listing.run(Callers(crew.executor, fetch, _CALLS_A_WORKER * crew.size))
    return listing.batches()


def list_pages(region: str, prefix: S3Address, pages: int, after: str, token: str | None) -> Page:
    """List some pages as one, in a worker with a client of its own from the standard AWS settings."""
    return _pages(aws_client("s3", region), prefix, pages, after, token)


def _pages(client: Any, prefix: S3Address, pages: int, after: str, token: str | None) -> Page:
    found = [list_page(client, prefix, after=after, token=token)]
    while len(found) < pages and found[-1].next_token is not None:
        found.append(list_page(client, prefix, token=found[-1].next_token))
    entries = pa.Table.from_batches([page.entries for page in found], ENTRIES).combine_chunks().to_batches()
    return Page(entries[0] if entries else found[0].entries, found[-1].next_token)


def _in_turn(client: Any, prefix: S3Address, page: Page) -> Iterator[pa.RecordBatch]:
    yield page.entries
    while page.next_token is not None:
        page = list_page(client, prefix, token=page.next_token)
        yield page.entries
