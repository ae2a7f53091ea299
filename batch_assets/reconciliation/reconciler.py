"""Comparing all tables with the live index and the source bucket, and mending the index."""

import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from batch_assets.errors import PartitionError, TableChangedError
from batch_assets.progress import Progress, untold
from batch_assets.reconciliation.examination import Examined, Examiner
from batch_assets.reconciliation.examiners import CHANGED, ExaminationTask, examine_all
from batch_assets.reconciliation.repair import IndexRepair
from batch_assets.reconciliation.report import LeftAlone, Report
from batch_assets.reconciliation.table_versions import EMBEDDINGS, TableVersions, table_versions
from batch_assets.settings import Settings
from batch_assets.storage.objects import ABSENT
from batch_assets.storage.tables import Tables
from batch_assets.vectors.all_indexes import index_names
from batch_assets.vectors.differences import MENDED_HERE, Kind
from batch_assets.vectors.index import IndexDescription, IndexOwner, describe_index, ensure_index
from batch_assets.vectors.inventory import Listed, list_index
from batch_assets.vectors.inventory_file import InventoryFile, LiveVector, inventory_file

_VECTORS_BETWEEN_REPORTS = 1000


@dataclass(frozen=True)
class Reconciler:
    """Reconciles with one deployment's settings and clients.

    Attributes:
        settings: Of the deployment.
        s3: Client of S3.
        s3vectors: Client of S3 Vectors.
        tables: All tables.
        has_a_run: Whether an unfinished run works on a partition, which is then left alone.
        progress: Told how far it is.
    """

    settings: Settings
    s3: Any
    s3vectors: Any
    tables: Tables
    has_a_run: Callable[[str], bool] = lambda _: False
    progress: Progress = untold

    def run(self, *, partitions: Collection[str] | None = None, repair: bool = False) -> Report:
        """Compare the named partitions, or all that have a table or a vector, and repair them if asked to.

        Raises:
            PartitionError: If a name is no partition key.
            VectorIndexError: If the index belongs to others or does not fit, or the service refuses.
        """
        for name in partitions or ():
            self.settings.template.moment(name)
        # Before the listing: a table that is another one afterwards was written meanwhile.
        versions = table_versions(self.tables)
        indexes = self._existing_indexes(versions)
        report = Report(index_exists=bool(indexes))
        with (
            tempfile.TemporaryDirectory(prefix="batch-assets-") as folder,
            inventory_file(Path(folder) / "index.sqlite") as inventory,
        ):
            for index in indexes.values():
                report.vectors += inventory.add(self._live(index, report, partitions))
            report.vectors += report.found[Kind.FOREIGN]
            inventory.sort()
            if repair:
                wanted = self.settings.index_names.by_name(versions)
                indexes |= {name: self._ensured_index(name) for name in wanted if name not in indexes}
            self._compare(report, inventory, versions, partitions, indexes=indexes, repair=repair)
        return report

    def _compare(
        self,
        report: Report,
        inventory: InventoryFile,
        versions: Mapping[str, TableVersions],
        partitions: Collection[str] | None,
        *,
        indexes: Mapping[str, IndexDescription],
        repair: bool,
    ) -> None:
        """Compare some partitions at the same time; repair one after the other, as the indexes take them."""
        examiner = Examiner(self.settings, self.s3, self.tables, indexes)
        menders = {
            name: IndexRepair(self.settings, self.s3vectors, self.tables, index) for name, index in indexes.items()
        }
        names = sorted({*versions, *inventory.partitions()} if partitions is None else set(partitions))
        tasks = (ExaminationTask(name, inventory.vectors(name), versions.get(name, TableVersions())) for name in names)
        for number, examined in enumerate(examine_all(examiner, tasks), start=1):
            self.progress("partitions compared", number, len(names))
            if isinstance(examined, LeftAlone):
                report.left_alone.append(examined)
                continue
            report.add_partition(examined)
            mender = menders.get(self.settings.index_names.name(examined.partition)) if repair else None
            if mender is not None and examined.differences.keys() & set(MENDED_HERE):
                self._repair(report, mender, examined)
        report.left_alone.sort(key=lambda left: left.partition)

    def _repair(self, report: Report, mender: IndexRepair, examined: Examined) -> None:
        reason = self._reason_to_wait(examined) or _failure(mender, examined)
        if reason is None:
            report.repaired.update({kind: len(examined.differences.get(kind, ())) for kind in MENDED_HERE})
        else:
            report.left_alone.append(LeftAlone(examined.partition, reason))

    def _reason_to_wait(self, examined: Examined) -> str | None:
        if examined.versions.embeddings == ABSENT:
            # Its vectors may be all that is left of what was paid for.
            table = self.tables.address(self.tables.catalog.path(EMBEDDINGS, examined.partition))
            return f"{table.uri} does not exist: restore it, or check BATCH_ASSETS_TABLES_URI"
        if examined.job is not None:
            return f"job {examined.job} is in flight: its load comes first"
        if self.has_a_run(examined.partition):
            return "a run is under way: reconcile again when it has ended"
        return None

    def _live(
        self, index: IndexDescription, report: Report, partitions: Collection[str] | None
    ) -> Iterator[LiveVector]:
        """The vectors whose keys lie under the prefix of a wanted partition of an index; the others are foreign."""
        wanted, names = None if partitions is None else frozenset(partitions), self.settings.index_names
        home = self._homes()
        for number, vector in enumerate(list_index(self.s3vectors, bucket=index.bucket, index=index.name)):
            if number % _VECTORS_BETWEEN_REPORTS == 0:
                self.progress("vectors listed", number, None)
            partition = home(vector[0])
            if partition is not None and names.name(partition) != index.name:
                partition = None
            if partition is None and wanted is None:
                report.add(Kind.FOREIGN, [vector[0]])
            elif partition is not None and (wanted is None or partition in wanted):
                yield _live_vector(partition, vector)

    def _homes(self) -> Callable[[str], str | None]:
        """Tells the partition under whose prefix a key lies; all prefixes have one length."""
        template = self.settings.template
        length = len(template.prefix(self.settings.first_partition))

        @lru_cache(maxsize=1024)
        def partition_of(prefix: str) -> str | None:
            try:
                return template.key(prefix)
            except PartitionError:
                return None

        return lambda key: partition_of(key[:length])

    def _existing_indexes(self, partitions: Iterable[str]) -> dict[str, IndexDescription]:
        """The indexes that exist, of all partitions that have begun or have a table."""
        settings = self.settings
        names = dict.fromkeys([*index_names(settings), *settings.index_names.by_name(partitions)])
        found = {name: describe_index(self.s3vectors, bucket=settings.vector_bucket, index=name) for name in names}
        return {name: self._ensured_index(name) for name, index in found.items() if index is not None}

    def _ensured_index(self, name: str) -> IndexDescription:
        settings = self.settings
        return ensure_index(
            self.s3vectors,
            bucket=settings.vector_bucket,
            index=name,
            dimension=settings.dimension,
            owner=IndexOwner(source_bucket=settings.source_bucket, space=settings.space.slug),
        )


def _failure(mender: IndexRepair, examined: Examined) -> str | None:
    """Repair a partition; why it could not be repaired, if so."""
    try:
        verification = mender.repair(examined)
    except TableChangedError:
        return CHANGED
    doubtful = [*verification.missing, *verification.wrong_etag]
    if doubtful:
        return f"{len(doubtful)} vectors do not read back as they were put, first {doubtful[0]!r}: reconcile again"
    return None


def _live_vector(partition: str, listed: Listed) -> LiveVector:
    key, metadata = listed
    etag = metadata.get("etag")
    return LiveVector(
        partition, key, etag if isinstance(etag, str) else None, ours=metadata.get("partition") == partition
    )
