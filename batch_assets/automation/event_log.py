"""What the event log says of each partition: the newest event of an asset, found with one query an asset.

The log is an index of the tables: it tells quickly which partition wants something, and a run then looks at the tables.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

_CHUNK = 500
UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_PARTITION_TAG = "dagster/partition"


@dataclass(frozen=True)
class Event:
    """The newest event of one asset and partition; metadata as plain values."""

    storage_id: int
    timestamp: float
    metadata: Mapping[str, Any]


def newest_ids(
    instance: dg.DagsterInstance,
    asset: str,
    kind: dg.DagsterEventType = dg.DagsterEventType.ASSET_MATERIALIZATION,
) -> Mapping[str, int]:
    """Storage id of the newest event of each partition."""
    return instance.get_latest_storage_id_by_partition(dg.AssetKey(asset), kind)


def events(instance: dg.DagsterInstance, asset: str, ids: Mapping[str, int]) -> dict[str, Event]:
    """The materialisations with these storage ids, by partition."""
    return dict(_fetch(instance.fetch_materializations, asset, list(ids.values())))


def observations(instance: dg.DagsterInstance, asset: str, ids: Mapping[str, int]) -> dict[str, Event]:
    """The observations with these storage ids, by partition."""
    return dict(_fetch(instance.fetch_observations, asset, list(ids.values())))


def pick(ids: Mapping[str, int], partitions: Collection[str]) -> dict[str, int]:
    """The ids of these partitions, of those that have one."""
    return {partition: ids[partition] for partition in partitions if partition in ids}


def busy_partitions(instance: dg.DagsterInstance) -> set[str]:
    """Partitions with a run that has not finished: one writer a partition."""
    records = instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED))
    return {record.dagster_run.tags[_PARTITION_TAG] for record in records if _PARTITION_TAG in record.dagster_run.tags}


def _fetch(fetch: Any, asset: str, ids: Sequence[int]) -> Iterator[tuple[str, Event]]:
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), storage_ids=chunk)
        for record in fetch(wanted, limit=len(chunk)).records:
            entry = record.event_log_entry
            event = entry.asset_materialization or entry.asset_observation
            metadata = {name: value.value for name, value in event.metadata.items()}
            yield record.partition_key, Event(record.storage_id, entry.timestamp, metadata)
