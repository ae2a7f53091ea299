"""Every object under a prefix: one call, several ranges of keys at once, or with the help of others."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from batch_assets.aws_clients import aws_client
from batch_assets.crews import OpenCrew, dask_cluster
from batch_assets.settings import Settings
from batch_assets.storage.content_hash import in_order
from batch_assets.storage.key_ranges import Callers, RangeListing
from batch_assets.storage.objects import S3Address, explained
from batch_assets.storage.page_parser import ENTRIES
from batch_assets.storage.pages import Page, list_page

_MAX_CALLS = 16
"""Calls of one listing that are under way at once, if the client has as many connections."""
_LEAST_SECONDS = 0.001
"""Of the interpreter's time for a call, in case the clock is coarse."""

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


def list_objects(client: Any, prefix: S3Address, helpers: Helpers | None = None) -> pa.Table:
    """All objects under a prefix (schema `ENTRIES`), sorted by key (UTF-8 order).

    Up to 1,000 objects cost one call; more are listed in several ranges of keys at once, and very many also by
    `helpers`. Raises `SourceError` when the prefix cannot be listed.
    """
    with explained(prefix.uri):
        return in_order(pa.Table.from_batches(_batches(client, prefix, helpers), ENTRIES).combine_chunks(), "key")


def list_pages(region: str, prefix: S3Address, pages: int, after: str, token: str | None) -> Page:
    """List some pages as one, in a worker with a client of its own from the standard AWS settings."""
    return _pages(aws_client("s3", region), prefix, pages, after, token)


def _batches(client: Any, prefix: S3Address, helpers: Helpers | None) -> list[pa.RecordBatch]:
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
    listing = RangeListing(prefix.key, first)
    with ThreadPoolExecutor(calls) as threads:
        callers = Callers(threads, partial(_pages, client, prefix, 1), calls)
        listing.run(callers, max_pages=_PAGES_ALONE if helpers else None)
    if helpers and not listing.is_complete:
        with helpers.crew() as crew:
            fetch = partial(list_pages, helpers.region, prefix, _PAGES_A_TASK)
            listing.run(Callers(crew.executor, fetch, _CALLS_A_WORKER * crew.size))
    return listing.batches()


def _pages(client: Any, prefix: S3Address, pages: int, after: str, token: str | None) -> Page:
    found = [list_page(client, prefix, after=after, token=token)]
    while len(found) < pages and found[-1].next_token is not None:
        found.append(list_page(client, prefix, token=found[-1].next_token))
    if len(found) == 1:
        return found[0]
    entries = pa.Table.from_batches([page.entries for page in found], ENTRIES).combine_chunks().to_batches()
    return Page(entries[0], found[-1].next_token)


def _in_turn(client: Any, prefix: S3Address, page: Page) -> Iterator[pa.RecordBatch]:
    yield page.entries
    while page.next_token is not None:
        page = list_page(client, prefix, token=page.next_token)
        yield page.entries
