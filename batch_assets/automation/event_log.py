"""What the event log says of each partition: the newest event of an asset, found with one query an asset.

The log is an index of the tables: it tells quickly which partition wants something, and a run then looks at the tables.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import dagster as dg

_CHUNK = 500
_MAX_READ = 1_000
_KEYS_IN_A_QUERY = 5_000
_PARTITION_TAG = "dagster/partition"
_OBSERVATION = dg.DagsterEventType.ASSET_OBSERVATION
UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

Verdict = TypeVar("Verdict")


@dataclass(frozen=True)
class Event:
    """The newest event of one asset and partition; metadata as plain values."""

    storage_id: int
    timestamp: float
    metadata: Mapping[str, Any]


PartitionEvents = Mapping[str, Event]
"""The newest materialisations of one partition, by asset."""


def observed(asset: str) -> str:
    """The name of an asset's newest observation among the events of a partition."""
    return f"{asset} observed"


@dataclass
class Verdicts(Generic[Verdict]):
    """What follows from the newest events of each partition, read again only when these events are others.

    A cache and no memory: it may be lost at any time, and the looks that follow read the events again, a bounded
    number each.

    Attributes:
        assets: Those whose materialisations count; partitions are those of the first.
        decide: What follows from the events of a partition.
        observed: Assets whose newest observation is read too; it stands under the name `observed(asset)`.
    """

    assets: Sequence[str]
    decide: Callable[[PartitionEvents], Verdict]
    observed: Sequence[str] = ()
    _known: dict[str, tuple[tuple[int, ...], Verdict]] = field(default_factory=dict)

    def current(self, instance: dg.DagsterInstance) -> dict[str, Verdict]:
        """The verdict on each partition of the first asset, of as many as have been read so far."""
        newest = {asset: newest_ids(instance, asset) for asset in self.assets}
        newest |= {observed(asset): newest_ids(instance, asset, _OBSERVATION) for asset in self.observed}
        partitions = newest[self.assets[0]]
        ids = {partition: tuple(found.get(partition, 0) for found in newest.values()) for partition in partitions}
        changed = [name for name in ids if name not in self._known or self._known[name][0] != ids[name]]
        # After a restart all have changed: those with the newest events are the likeliest to want something.
        changed.sort(key=lambda name: max(ids[name]), reverse=True)
        events: dict[str, dict[str, Event]] = {partition: {} for partition in changed[:_MAX_READ]}
        for asset in self.assets:
            for partition, event in materialisations(instance, asset, pick(newest[asset], events)).items():
                events[partition][asset] = event
        for asset in self.observed:
            seen = list(pick(newest[observed(asset)], events).values())
            for partition, event in _fetch(instance.fetch_observations, asset, seen):
                events[partition][observed(asset)] = event
        for partition, found in sorted(events.items()):
            self._known[partition] = (ids[partition], self.decide(found))
        # A look that was given up may still run in another thread and add to what is known.
        known_now = list(self._known.items())
        return {name: verdict for name, (known, verdict) in known_now if ids.get(name) == known}


def newest_ids(
    instance: dg.DagsterInstance,
    asset: str,
    kind: dg.DagsterEventType = dg.DagsterEventType.ASSET_MATERIALIZATION,
    partitions: Collection[str] | None = None,
) -> Mapping[str, int]:
    """Storage id of the newest event of each partition, or of each of these."""
    wanted = set(partitions) if partitions is not None else None
    return instance.get_latest_storage_id_by_partition(dg.AssetKey(asset), kind, wanted)


def materialisations(instance: dg.DagsterInstance, asset: str, ids: Mapping[str, int]) -> dict[str, Event]:
    """The materialisations with these storage ids, by partition."""
    return dict(_fetch(instance.fetch_materializations, asset, list(ids.values())))


def observations(instance: dg.DagsterInstance, asset: str, partitions: Collection[str]) -> dict[str, Event]:
    """The newest observations of these partitions."""
    if not partitions:
        return {}
    newest = newest_ids(instance, asset, _OBSERVATION, partitions)
    return dict(_fetch(instance.fetch_observations, asset, list(newest.values())))


def pick(ids: Mapping[str, int], partitions: Collection[str]) -> dict[str, int]:
    """The ids of these partitions, of those that have one."""
    return {partition: ids[partition] for partition in partitions if partition in ids}


def busy_partitions(instance: dg.DagsterInstance, among: Collection[str]) -> set[str]:
    """Those of these partitions that have a run that has not finished: one writer a partition.

    Of a queue of thousands of runs only those of these partitions are read.
    """
    keys = sorted(among)
    found: set[str] = set()
    for start in range(0, len(keys), _KEYS_IN_A_QUERY):
        tags = {_PARTITION_TAG: keys[start : start + _KEYS_IN_A_QUERY]}
        records = instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED, tags=tags))
        found.update(record.dagster_run.tags[_PARTITION_TAG] for record in records)
    return found


def _fetch(fetch: Any, asset: str, ids: Sequence[int]) -> Iterator[tuple[str, Event]]:
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), storage_ids=chunk)
        for record in fetch(wanted, limit=len(chunk)).records:
            entry = record.event_log_entry
            event = entry.asset_materialization or entry.asset_observation
            metadata = {name: value.value for name, value in event.metadata.items()}
            yield record.partition_key, Event(record.storage_id, entry.timestamp, metadata)
