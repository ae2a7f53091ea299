"""One partition: what its tables, the live index and its prefix in the source bucket say of it, compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batch_assets.assets.partition_state import PartitionState
from batch_assets.errors import TableChangedError
from batch_assets.reconciliation.index_facts import speaks_of
from batch_assets.reconciliation.table_versions import INDEX, TableVersions
from batch_assets.settings import Settings
from batch_assets.storage.listing import list_prefix
from batch_assets.storage.objects import S3Address
from batch_assets.storage.tables import Tables
from batch_assets.vectors.differences import Contents, Kind, compare
from batch_assets.vectors.index import IndexDescription
from batch_assets.vectors.index_table import indexed_etags
from batch_assets.vectors.inventory_file import LiveVector


@dataclass(frozen=True)
class Examined:
    """A partition that was compared, as plain data: another machine may have done it.

    Attributes:
        partition: Its key.
        contents: What each place says of it.
        differences: Keys by kind.
        versions: Versions of its tables that were read.
        job: Name of the job in flight, if there is one.
    """

    partition: str
    contents: Contents
    differences: Mapping[Kind, tuple[str, ...]]
    versions: TableVersions
    job: str | None


@dataclass(frozen=True)
class Examiner:
    """Reads partitions and compares them with the live indexes as they were listed."""

    settings: Settings
    s3: Any
    tables: Tables
    indexes: Mapping[str, IndexDescription]

    def examine(self, partition: str, live: Mapping[str, LiveVector], noted: TableVersions) -> Examined:
        """Compare one partition.

        Args:
            partition: Its key.
            live: Vectors under its prefix, by key.
            noted: Versions of its tables from before the live index was listed.

        Raises:
            TableChangedError: If a table is another one by now: the listing may be from before or after that.
        """
        state, table = PartitionState.read(self.tables, partition), self.tables.partition(INDEX, partition)
        if TableVersions(state.embeddings.version, table.version) != noted:
            raise TableChangedError(f"{partition}: a run has written its tables meanwhile")
        rows = state.embeddings.read(["key", "etag"])
        index = self.indexes.get(self.settings.index_names.name(partition))
        contents = Contents(
            rows=dict(zip(rows["key"].to_pylist(), rows["etag"].to_pylist(), strict=True)) if rows is not None else {},
            live=live,
            indexed=indexed_etags(table.read()) if speaks_of(table.facts, index) else {},
            source=self._source(partition) if rows else {},
        )
        flying = state.in_flight()
        job = str(flying.job_name) if flying else None
        return Examined(partition, contents, compare(contents), noted, job)

    def _source(self, partition: str) -> dict[str, str]:
        model, prefix = self.settings.space.model, self.settings.template.prefix(partition)
        address = S3Address(self.settings.source_bucket, prefix)
        listed = list_prefix(self.s3, address, formats=model.formats, max_image_bytes=model.max_image_bytes)
        return dict(zip(listed["key"].to_pylist(), listed["etag"].to_pylist(), strict=True))
