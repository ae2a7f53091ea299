"""vector_index: brings the live index in step with the embedding table, and reads it back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from batch_assets.assets.metadata import counts, failed_checks, preview
from batch_assets.assets.node import freshness_policy, node
from batch_assets.assets.services import S3VectorsResource
from batch_assets.assets.target import settings_of_run, store_for
from batch_assets.settings import Settings
from batch_assets.storage.io_manager import TablesResource
from batch_assets.storage.tables import Facts, StoredTable, TableOutput
from batch_assets.vectors.index import IndexDescription, IndexOwner, ensure_index
from batch_assets.vectors.index_table import INDEX_TABLE, blocks, indexed_etags, plan_table, result_table
from batch_assets.vectors.rate import RateLimiter
from batch_assets.vectors.reconcile import Reconciliation, Verification, read_back, reconcile, verify
from batch_assets.vectors.writer import VectorWriter, WriteStatistics

CHECK = "rows_are_in_the_live_index"
_SHOWN_KEYS = 5


@dataclass(frozen=True)
class Written:
    """What was put into the index and deleted from it."""

    put: WriteStatistics
    deleted: WriteStatistics

    @property
    def vectors_per_second(self) -> float:
        put = self.put
        return round(put.vectors / put.seconds, 1) if put.vectors and put.seconds else 0.0


@dataclass(frozen=True)
class IndexTarget:
    """The live index of a partition."""

    settings: Settings
    client: Any
    index: IndexDescription

    @classmethod
    def ensured(cls, settings: Settings, client: Any, partition: str) -> "IndexTarget":
        """The index of a partition, created if absent, refused if it does not fit."""
        owner = IndexOwner(source_bucket=settings.source_bucket, space=settings.space.slug)
        bucket, name = settings.vector_bucket, settings.index_names.name(partition)
        return cls(
            settings,
            client,
            ensure_index(client, bucket=bucket, index=name, dimension=settings.dimension, owner=owner),
        )

    def write(self, partition: str, embeddings: StoredTable, steps: Reconciliation) -> Written:
        """Put and delete what the steps say, within the limits of the index."""
        limiter = RateLimiter(
            vectors_per_second=self.settings.max_vectors_per_second,
            requests_per_second=self.settings.max_requests_per_second,
        )
        writer = VectorWriter(self.client, self.index.bucket, self.index.name, limiter=limiter)
        batches = embeddings.batches() if steps.put else []
        source = self.settings.source_bucket
        put = writer.put(blocks(batches, keys=set(steps.put), partition=partition, source_bucket=source))
        return Written(put, writer.delete(steps.delete))

    def verify(self, desired: Mapping[str, str]) -> Verification:
        """Read the metadata of every row back from the live index."""
        found = read_back(self.client, bucket=self.index.bucket, index=self.index.name, keys=desired)
        return verify(desired, found)


def build(settings: Settings) -> dg.AssetsDefinition:
    """The asset for one deployment's settings."""

    @node(
        settings,
        name="vector_index",
        description="What this partition has in the live S3 Vectors index. New and changed pictures are put, deleted "
        "ones are removed, unchanged ones are left alone.",
        check_specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset="vector_index",
                description="Every row of the embedding table is in the live index with its key and ETag.",
            )
        ],
        kinds={"s3vectors"},
        code_version="1",
        schema=INDEX_TABLE,
        deps=["embedding_table"],
        freshness=freshness_policy(settings),
    )
    def vector_index(
        context: dg.AssetExecutionContext, tables: TablesResource, s3vectors: S3VectorsResource
    ) -> Iterator[dg.MaterializeResult[TableOutput]]:
        key, run_settings = context.partition_key, settings_of_run(settings, context.run.tags)
        store = store_for(tables.store(), run_settings)
        embedding_table = store.partition("embedding_table", key)
        desired = _etags(embedding_table)
        target = IndexTarget.ensured(run_settings, s3vectors.client(), key)
        path = store.catalog.path("vector_index", key)
        before = store.open(path)
        facts = _facts(target.index, embedding_table)
        indexed = indexed_etags(before.read()) if _same_index(before.facts, facts) else {}
        steps = reconcile(desired, indexed)
        version = before.version
        if steps.put or steps.delete:
            plan = TableOutput(plan_table(desired, indexed, steps), {**facts, "indexed_version": None}, version)
            version = store.write(path, plan)
        written = target.write(key, embedding_table, steps)
        verification = target.verify(desired)
        if not verification.complete:
            facts = {**facts, "indexed_version": None}
        rows = result_table(desired, verification)
        verdict = _verdict(key, verification)
        context.add_asset_metadata(
            {
                **counts(
                    {
                        "indexed": verification.right,
                        "put": written.put.vectors,
                        "deleted": written.deleted.vectors,
                        "unchanged": steps.unchanged,
                        "calls": written.put.calls + written.deleted.calls,
                        "throttled_calls": written.put.throttled + written.deleted.throttled,
                        "dagster/row_count": rows.num_rows,
                    }
                ),
                "vectors_per_second": written.vectors_per_second,
                "indexed_version": facts["indexed_version"] or "",
                "index_arn": target.index.arn,
                "space": run_settings.space.slug,
                "preview": preview(rows),
                **failed_checks([verdict]),
            }
        )
        yield dg.MaterializeResult(
            value=TableOutput(rows, facts, version, store.catalog),
            data_version=dg.DataVersion(str(embedding_table.facts["table_version"])),
            check_results=[verdict],
        )

    return vector_index


def _facts(index: IndexDescription, embeddings: StoredTable) -> Facts:
    return {
        "vector_bucket": index.bucket,
        "index": index.name,
        "index_created": index.created.isoformat(),
        "indexed_version": embeddings.facts["table_version"],
    }


def _same_index(before: Facts, now: Facts) -> bool:
    """Whether the table speaks of the index that exists: one that was made anew holds nothing."""
    return all(before.get(name) == now[name] for name in ("vector_bucket", "index", "index_created"))


def _etags(embeddings: StoredTable) -> dict[str, str]:
    rows = embeddings.rows(["key", "etag"])
    return dict(zip(rows["key"].to_pylist(), rows["etag"].to_pylist(), strict=True))


def _verdict(key: str, verification: Verification) -> dg.AssetCheckResult:
    text = f"{key}: {verification.right} rows were read back from the live index with their ETag"
    doubtful = [*verification.missing, *verification.wrong_etag]
    if doubtful:
        shown = ", ".join(repr(name) for name in doubtful[:_SHOWN_KEYS])
        text += (
            f"; {len(verification.missing)} are missing and {len(verification.wrong_etag)} have another ETag: {shown}; "
            "materialise vector_index again to put them"
        )
    return dg.AssetCheckResult(
        check_name=CHECK, passed=verification.complete, severity=dg.AssetCheckSeverity.ERROR, description=text
    )
