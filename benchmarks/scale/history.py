"""A Dagster instance with a long past: thousands of partitions, each materialised several times, in real SQLite files.

The events have the sizes and the metadata of real ones, because they are real ones: those of a partition that went
through the pipeline, told again under other keys and with other identities.
"""

import itertools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.events import AssetObservationData, DagsterEvent, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.schema import AssetEventTagsTable, SqlEventLogStorageTable
from sqlalchemy import func, select

MATERIALISED = ("image_inventory", "batch_manifest", "batch_job", "rejected_images", "embedding_table", "vector_index")
PLANNED = MATERIALISED[:3]
_CHUNK = 2_000
_DATA_VERSION = "dagster/data_version"
_STATES = ("Submitted", "InProgress", "Completed")


@dataclass(frozen=True)
class Told:
    """One event to be written: an asset and a partition, with the metadata that it shows."""

    asset: str
    partition: str
    metadata: Mapping[str, Any]
    observed: bool = False

    def entry(self, timestamp: float) -> EventLogEntry:
        """The event as the storage keeps it, of a run that is long over."""
        if self.observed:
            happened, data = dg.DagsterEventType.ASSET_OBSERVATION, self._observation()
        else:
            happened, data = dg.DagsterEventType.ASSET_MATERIALIZATION, self._materialisation()
        event = DagsterEvent(
            event_type_value=happened.value, job_name="load", step_key=self.asset, event_specific_data=data
        )
        return EventLogEntry(  # type: ignore[no-untyped-call]  # Dagster's own
            user_message="",
            level=20,
            job_name="load",
            run_id="",
            error_info=None,
            timestamp=timestamp,
            step_key=self.asset,
            dagster_event=event,
        )

    def _observation(self) -> Any:
        metadata = dict(self.metadata)
        return AssetObservationData(dg.AssetObservation(self.asset, partition=self.partition, metadata=metadata))

    def _materialisation(self) -> Any:
        tags = {_DATA_VERSION: f"{hash(self.partition):064x}"[:64]}
        event = dg.AssetMaterialization(self.asset, partition=self.partition, metadata=dict(self.metadata), tags=tags)
        return StepMaterializationData(event, [])


@dataclass(frozen=True)
class Past:
    """What a partition's events look like, by asset: those of one that went through the whole pipeline."""

    metadata: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, instance: dg.DagsterInstance, partition: str) -> "Past":
        """The newest materialisations of a partition in an instance."""
        found = {}
        for asset in MATERIALISED:
            wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[partition])
            (record, *_) = instance.fetch_materializations(wanted, limit=1).records
            event: Any = record.event_log_entry.asset_materialization
            found[asset] = event.metadata
        return cls(found)

    def loaded(self, partitions: Iterable[str]) -> Iterator[Told]:
        """Partitions that are planned, observed, loaded and indexed: nothing is left to do."""
        for partition in partitions:
            yield from self._events(partition, PLANNED)
            for state in _STATES:
                yield Told("batch_job", partition, self._observed(state), observed=True)
            yield from self._events(partition, MATERIALISED[3:])

    def in_flight(self, jobs: Mapping[str, str]) -> Iterator[Told]:
        """Partitions whose job, by ARN, has not ended."""
        for partition, arn in jobs.items():
            yield from self._events(partition, PLANNED[:2])
            yield Told("batch_job", partition, {**self.metadata["batch_job"], "token": arn, "job_arn": arn})
            yield Told("batch_job", partition, {**self._observed("Submitted"), "job_arn": arn}, observed=True)

    def loadable(self, partitions: Iterable[str]) -> Iterator[Told]:
        """Partitions without a job to wait for, whose tables are not written yet."""
        for partition in partitions:
            told = {**self.metadata["batch_job"], "state": "nothing_to_do", "token": f"nothing_to_do:{partition}"}
            yield from self._events(partition, PLANNED[:2])
            yield Told("batch_job", partition, told)

    def queued(self, partitions: Iterable[str]) -> Iterator[Told]:
        """Partitions that wait for their turn."""
        for partition in partitions:
            told = {**self.metadata["batch_job"], "state": "queued", "token": f"queued:{partition}"}
            yield from self._events(partition, PLANNED[:2])
            yield Told("batch_job", partition, {**told, "fingerprint": partition})

    def _events(self, partition: str, assets: Sequence[str]) -> Iterator[Told]:
        return (Told(asset, partition, self.metadata[asset]) for asset in assets)

    def _observed(self, status: str) -> dict[str, Any]:
        job = self.metadata["batch_job"]
        counts = dict.fromkeys(("records", "processed", "succeeded", "errors"), 100)
        names = {name: job[name] for name in ("job_arn", "job_name")}
        return {"status": status, "progress_percent": 100.0, **counts, **names}


def write(instance: dg.DagsterInstance, events: Iterable[Told]) -> int:
    """Put events into the index that asset queries read, thousands in one transaction; gives their number.

    It holds then what `DagsterInstance.report_runless_asset_event` would have put there, at 10 ms each.
    """
    storage: Any = instance.event_log_storage
    newest: dict[str, tuple[int, EventLogEntry]] = {}
    stream, written, now = iter(events), 0, time.time()
    while told := list(itertools.islice(stream, _CHUNK)):
        entries = [one.entry(now) for one in told]
        with storage.index_transaction() as connection:
            last = connection.execute(select(func.max(SqlEventLogStorageTable.c.id))).scalar() or 0
            ids = range(last + 1, last + 1 + len(entries))
            rows = [storage._event_to_row(entry) | {"id": number} for number, entry in zip(ids, entries, strict=True)]  # noqa: SLF001 it has no batch of its own
            connection.execute(SqlEventLogStorageTable.insert(), rows)
            connection.execute(AssetEventTagsTable.insert(), list(_tags(told, ids)))
        newest |= {one.asset: (number, entry) for one, number, entry in zip(told, ids, entries, strict=True)}
        written += len(told)
    for number, entry in newest.values():
        storage.store_asset_event(entry, number)
    return written


def _tags(told: Sequence[Told], ids: Iterable[int]) -> Iterator[dict[str, Any]]:
    for one, number in zip(told, ids, strict=True):
        if not one.observed:
            yield {
                "event_id": number,
                "asset_key": dg.AssetKey(one.asset).to_string(),
                "key": _DATA_VERSION,
                "value": f"{hash(one.partition):064x}"[:64],
                "event_timestamp": None,
            }
