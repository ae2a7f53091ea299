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
from batch_assets.reconciliation.table_versions import INDEX
from batch_assets.settings import Settings
from batch_assets.storage.objects import S3Address, explained, version
from batch_assets.storage.tables import TableOutput, Tables
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
        self._require_same_rows(examined)
        index_version = examined.index_version
        if steps.put or steps.delete:
            orphans = {key: examined.contents.live[key].etag for key in steps.delete}
            index_version = self._write_table(examined, plan_table(rows, orphans, steps), index_version, done=False)
        self._write_vectors(examined, steps)
        wanted = {key: rows[key] for key in steps.put}
        found = read_back(self.client, bucket=self.index.bucket, index=self.index.name, keys=wanted)
        verification = verify(wanted, found)
        self._write_table(examined, result_table(rows, verification), index_version, done=verification.complete)
        return verification

    def _write_table(self, examined: Examined, rows: pa.Table, replaces: str, *, done: bool) -> str:
        table_version = str(examined.embeddings.facts["table_version"]) if done else None
        facts = index_facts(self.index, self.settings.space.slug, table_version)
        path = self.tables.catalog.path(INDEX, examined.partition)
        return self.tables.write(path, TableOutput(rows, facts, replaces))

    def _write_vectors(self, examined: Examined, steps: Reconciliation) -> None:
        writer = VectorWriter(self.client, self.index.bucket, self.index.name, limiter=self._limiter)
        if steps.put:
            batches, source = examined.embeddings.batches(), self.settings.source_bucket
            writer.put(blocks(batches, keys=set(steps.put), partition=examined.partition, source_bucket=source))
        writer.delete(steps.delete)

    def _require_same_rows(self, examined: Examined) -> None:
        """A table that was replaced since it was compared may have another wish for every key."""
        address = S3Address.parse(examined.embeddings.uri)
        with explained(address.uri):
            now = version(self.tables.client, address)
        if now != examined.embeddings.version:
            raise TableChangedError(f"{examined.partition}: a run has written its tables meanwhile")
