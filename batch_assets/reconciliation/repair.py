"""Mending the live index and the index table of one partition from its embedding table.

No picture is embedded again: every vector comes from parquet. As in a load, the index table is written as a plan before
the first vector and as the result after the last, each time only if it is still the version that was read. Of two
writers of a partition one is refused by that, and what a killed repair leaves open is put again by the next one, or by
the next load.
"""

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from batch_assets.errors import TableChangedError
from batch_assets.reconciliation.examination import Examined
from batch_assets.reconciliation.index_facts import index_facts
from batch_assets.reconciliation.table_versions import EMBEDDINGS, INDEX
from batch_assets.settings import Settings
from batch_assets.storage.tables import StoredTable, TableOutput, Tables
from batch_assets.vectors.differences import way_back
from batch_assets.vectors.index import IndexDescription
from batch_assets.vectors.index_table import blocks, plan_table, result_table
from batch_assets.vectors.rate import RateLimiter
from batch_assets.vectors.reconcile import Reconciliation, Verification, read_back, verify
from batch_assets.vectors.writer import VectorWriter


@dataclass(frozen=True)
class IndexRepair:
    """Repairs partitions one after the other, within the limits of one index."""

    settings: Settings
    client: Any
    tables: Tables
    index: IndexDescription
    _limiter: RateLimiter = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        limiter = RateLimiter(
            vectors_per_second=settings.max_vectors_per_second, requests_per_second=settings.max_requests_per_second
        )
        object.__setattr__(self, "_limiter", limiter)

    def repair(self, examined: Examined) -> Verification:
        """Put what is missing or stale, delete orphans, write the index table, and tell what was put reads back.

        Raises:
            TableChangedError: If a run has written one of the tables meanwhile; its state then stands.
            VectorIndexError: If the service refuses what is written.
        """
        rows, steps = examined.contents.rows, way_back(examined.contents)
        embeddings = self._same_rows(examined)
        index_version, done = examined.versions.index, str(embeddings.facts["table_version"])
        if steps.put or steps.delete:
            orphans = {key: examined.contents.live[key].etag for key in steps.delete}
            plan = plan_table(rows, orphans, steps)
            index_version = self._write_table(examined.partition, plan, index_version, table_version=None)
        self._write_vectors(examined.partition, embeddings, steps)
        wanted = {key: rows[key] for key in steps.put}
        found = read_back(self.client, bucket=self.index.bucket, index=self.index.name, keys=wanted)
        verification = verify(wanted, found)
        table_version = done if verification.complete else None
        result = result_table(rows, verification)
        self._write_table(examined.partition, result, index_version, table_version=table_version)
        return verification

    def _write_table(self, partition: str, rows: pa.Table, replaces: str, *, table_version: str | None) -> str:
        facts = index_facts(self.index, self.settings.space.slug, table_version)
        path = self.tables.catalog.path(INDEX, partition)
        return self.tables.write(path, TableOutput(rows, facts, replaces))

    def _write_vectors(self, partition: str, embeddings: StoredTable, steps: Reconciliation) -> None:
        writer = VectorWriter(self.client, self.index.bucket, self.index.name, limiter=self._limiter)
        if steps.put:
            batches, source = embeddings.batches(), self.settings.source_bucket
            writer.put(blocks(batches, keys=set(steps.put), partition=partition, source_bucket=source))
        writer.delete(steps.delete)

    def _same_rows(self, examined: Examined) -> StoredTable:
        """The embedding table; one that was replaced since it was compared may have another wish for every key."""
        table = self.tables.partition(EMBEDDINGS, examined.partition)
        if table.version != examined.versions.embeddings:
            raise TableChangedError(f"{examined.partition}: a run has written its tables meanwhile")
        return table
