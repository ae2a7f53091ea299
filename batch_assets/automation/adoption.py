"""Refilling an empty Dagster instance from the tables, so that its sensors know what is in flight and what is loaded.

State lives in the tables; the event log is only their index. A materialisation is reported for each table whose newest
event says something else, so that adopting twice reports nothing the second time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from batch_assets.assets.batch_job import job_metadata
from batch_assets.automation.event_log import Event, materialisations, newest_ids
from batch_assets.bedrock.ledger import Ledger
from batch_assets.progress import Progress, untold
from batch_assets.settings import Settings
from batch_assets.storage.tables import StoredTable, Tables

ASSETS = ("image_inventory", "batch_manifest", "batch_job", "rejected_images", "embedding_table", "vector_index")
_DATA_VERSION = "dagster/data_version"
_DATA_VERSION_FACTS = {
    "image_inventory": "listing_version",
    "batch_manifest": "content_version",
    "embedding_table": "table_version",
    "vector_index": "indexed_version",
}
_IDENTITY = "table_etag"


@dataclass(frozen=True)
class Adoption:
    """Fills one instance from one deployment's tables."""

    settings: Settings
    instance: dg.DagsterInstance
    tables: Tables
    progress: Progress = untold

    def adopt(self) -> dict[str, int]:
        """Report what the instance does not know yet; the number of materialisations by asset."""
        reported: dict[str, int] = {}
        for asset in ASSETS:
            known = materialisations(self.instance, asset, newest_ids(self.instance, asset))
            events = [*self._unknown(asset, known)]
            for event in events:
                self.instance.report_runless_asset_event(event)
            reported[asset] = len(events)
        return reported

    def _unknown(self, asset: str, known: Mapping[str, Event]) -> Iterator[dg.AssetMaterialization]:
        partitions = self.tables.partitions(asset)
        for number, partition in enumerate(partitions, start=1):
            self.progress(asset, number, len(partitions))
            table = self.tables.partition(asset, partition)
            metadata = self._metadata(asset, table)
            if table.exists and not _says_the_same(asset, metadata, known.get(partition)):
                yield dg.AssetMaterialization(
                    asset_key=asset,
                    partition=partition,
                    description="adopted from the table in S3",
                    metadata={**metadata, "dagster/uri": table.uri},
                    tags=_data_version(asset, table),
                )

    def _metadata(self, asset: str, table: StoredTable) -> dict[str, Any]:
        if asset == "batch_job":
            ledger = Ledger.from_table(table.read())
            return job_metadata(self.settings, ledger.current, ledger) if ledger.current else {}
        facts = table.facts
        if asset == "embedding_table":
            names = ("images", "embedded", "rejected", "waiting", "remaining", "loaded_job", "table_version")
            last = facts.get("last_job", {})
            return {
                **{name: facts[name] for name in names if name in facts},
                "job_status": str(last.get("status", "")),
                "held": bool(last.get("held")),
            }
        if asset == "vector_index":
            return {"indexed": table.rows_count, "indexed_version": facts.get("indexed_version") or ""}
        return {"dagster/row_count": table.rows_count, _IDENTITY: table.version}


def _says_the_same(asset: str, metadata: Mapping[str, Any], event: Event | None) -> bool:
    """Whether the newest event leads a sensor to the same verdict as the table does."""
    if event is None:
        return False
    told = {
        "batch_job": ("state", "token"),
        "embedding_table": ("loaded_job", "table_version", "remaining", "held"),
        "vector_index": ("indexed_version",),
    }.get(asset, ())
    return all(event.metadata.get(name) == metadata.get(name) for name in told)


def _data_version(asset: str, table: StoredTable) -> dict[str, str]:
    version = table.facts.get(_DATA_VERSION_FACTS.get(asset, ""))
    return {_DATA_VERSION: str(version)} if version else {}
