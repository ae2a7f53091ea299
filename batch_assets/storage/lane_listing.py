"""Foreign `.jsonl` files in a folder that several partitions share: Bedrock would embed and bill each of them.

Folders are walked one level after the other. What lies in a partition that was listed is told by its inventory; all
other folders are looked through whole, whether they belong to a partition or not.
"""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from batch_assets.errors import PartitionError
from batch_assets.partitions import LOCK_NAME, PrefixTemplate
from batch_assets.storage.eligibility import is_jsonl
from batch_assets.storage.object_listing import list_objects
from batch_assets.storage.objects import S3Address, explained

MAX_NAMED = 10
"""Files that are named at most: one is enough to refuse the folder."""

_CALLS_IN_FLIGHT = 16


@dataclass(frozen=True)
class _Found:
    """What a look into one folder found: foreign files, and folders to look into next."""

    files: list[str]
    folders: list[str]


def foreign_manifests_in_lane(
    client: Any, lane: S3Address, template: PrefixTemplate, *, listed: Collection[str]
) -> list[str]:
    """Keys of foreign `.jsonl` files under a lane outside the `listed` partitions, sorted, at most `MAX_NAMED`.

    Raises `SourceError` when a folder cannot be listed.
    """
    files: list[str] = []
    folders = [lane.key]
    with ThreadPoolExecutor(_CALLS_IN_FLIGHT) as pool, explained(lane.uri):
        while folders and len(files) < MAX_NAMED:
            looks = list(pool.map(lambda folder: _look(client, lane, folder, template), folders))
            files.extend(chain.from_iterable(look.files for look in looks))
            below = chain.from_iterable(look.folders for look in looks)
            folders = [folder for folder in below if _partition(template, folder) not in listed]
    return sorted(files)[:MAX_NAMED]


def foreign_manifests_in_folder(client: Any, lane: S3Address) -> list[str]:
    """Keys of foreign `.jsonl` files under a lane that is the folder of one partition, sorted, at most `MAX_NAMED`.

    Raises `SourceError` when the folder cannot be listed.
    """
    keys = list_objects(client, lane)["key"]
    found: list[str] = keys.filter(pc.and_(is_jsonl(keys), pc.not_equal(keys, lane.key + LOCK_NAME))).to_pylist()
    return found[:MAX_NAMED]


def _look(client: Any, lane: S3Address, folder: str, template: PrefixTemplate) -> _Found:
    one_level = {"Delimiter": "/"} if template.leads_to_partitions(folder) else {}
    found = _Found([], [])
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=lane.bucket, Prefix=folder, **one_level):
        keys = pa.array([entry["Key"] for entry in page.get("Contents", [])], pa.string())
        found.files.extend(key for key in keys.filter(is_jsonl(keys)).to_pylist() if key != lane.key + LOCK_NAME)
        found.folders.extend(entry["Prefix"] for entry in page.get("CommonPrefixes", []))
        if len(found.files) >= MAX_NAMED:
            break
    return found


def _partition(template: PrefixTemplate, folder: str) -> str | None:
    try:
        return template.key(folder)
    except PartitionError:
        return None
