"""Where the inventory of a partition is taken from: the newest S3 Inventory report, or a listing of its prefix.

A report is older than the bucket. So it serves only a partition that was over when the report was begun, of which
nothing was sent to the model since (pictures that were overwritten would be sent with the ETag of the report after each
load, again and again), and in which the last load left no picture waiting (it may not be in the report). All others are
listed. What is paid for and what is loaded is looked at in the bucket itself, always.
"""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from batch_assets.assets.partition_state import PartitionState
from batch_assets.settings import Settings
from batch_assets.storage.inventory_report.partitions import DividedReport
from batch_assets.storage.inventory_report.report import Report, newest_report
from batch_assets.storage.listing import foreign_manifests, inventory, list_prefix, listing_version
from batch_assets.storage.object_listing import helpers_of
from batch_assets.storage.objects import S3Address
from batch_assets.storage.tables import Facts, Tables

_REPORT = "report"


@dataclass(frozen=True)
class Taken:
    """An inventory; `report` names the report that it is from, None if the prefix was listed; `origin` says why."""

    rows: pa.Table
    report: str | None
    origin: str

    @property
    def facts(self) -> Facts:
        """What the inventory's table says of itself; a report is too old to tell of foreign `.jsonl` files."""
        told = {_REPORT: self.report} if self.report else {"foreign_manifests": foreign_manifests(self.rows)}
        return {"foreign_manifests": [], "listing_version": listing_version(self.rows), **told}


def was_listed(facts: Facts) -> bool:
    """Whether an inventory, or that of a manifest, was listed, so that it tells of foreign `.jsonl` files too."""
    return not facts.get(_REPORT)


@dataclass(frozen=True)
class PictureSource:
    """Inventories of one deployment's partitions."""

    settings: Settings
    s3: Any
    store: Tables

    def take(self, partition: str) -> Taken:
        """The inventory of a partition. Raises `SourceError` when neither the prefix nor the report can be read."""
        if not self.settings.inventory_report:
            return self._listed(partition, "listed")
        folder = S3Address.parse(self.settings.inventory_report)
        report = newest_report(self.s3, folder, source_bucket=self.settings.source_bucket)
        too_old = self._too_old(report, partition)
        return self._listed(partition, f"listed: {too_old}") if too_old else self._reported(partition, report)

    def _too_old(self, report: Report, partition: str) -> str | None:
        """Why a report says too little of a partition, or None."""
        end = self.settings.template.end(partition).replace(tzinfo=ZoneInfo(self.settings.timezone))
        if report.created < end:
            return f"report {report.name} was begun before the partition's end"
        state = PartitionState.read(self.store, partition)
        if state.embeddings.facts.get("remaining"):
            return f"{state.embeddings.facts['remaining']} pictures are waiting since the last load"
        sent = [row for row in state.ledger.rows if row.submitted_at and row.submitted_at >= report.created]
        return f"report {report.name} is older than job {sent[-1].job_name}" if sent else None

    def _listed(self, partition: str, origin: str) -> Taken:
        model, prefix = self.settings.space.model, self.settings.template.prefix(partition)
        address = S3Address(self.settings.source_bucket, prefix)
        rows = list_prefix(
            self.s3,
            address,
            formats=model.formats,
            max_image_bytes=model.max_image_bytes,
            helpers=helpers_of(self.settings),
        )
        return Taken(rows, None, origin)

    def _reported(self, partition: str, report: Report) -> Taken:
        divided = DividedReport(self.store, report, self.settings.template)
        if not divided.is_complete:
            divided.divide(self.s3)
        model, prefix = self.settings.space.model, self.settings.template.prefix(partition)
        objects = divided.objects(partition)
        rows = inventory(objects, prefix, formats=model.formats, max_image_bytes=model.max_image_bytes)
        return Taken(rows, report.name, f"S3 Inventory report {report.name}")
