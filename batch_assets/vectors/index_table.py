"""The index table of a partition: what of it is in the live index, and how its rows become vectors to put.

Before the first write it is stored as a plan, so that a run that dies half-way leaves no vector that nobody knows of.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

import numpy as np
import pyarrow as pa

from batch_assets.vectors.metadata import ImageMetadata
from batch_assets.vectors.reconcile import Reconciliation, Verification
from batch_assets.vectors.writer import VectorBlock

INDEXED, WRITING, DELETING, MISSING = "indexed", "writing", "deleting", "missing"

INDEX_TABLE = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False, metadata={"description": "Vector key: the S3 key"}),
        pa.field("etag", pa.string(), nullable=False, metadata={"description": "ETag, without quotes"}),
        pa.field(
            "state", pa.string(), nullable=False, metadata={"description": "indexed, writing, deleting or missing"}
        ),
    ]
)


def indexed_etags(table: pa.Table | None) -> dict[str, str | None]:
    """ETag by key of what the index holds; None where an interrupted write or a failed check leaves that open."""
    if table is None:
        return {}
    return {
        row["key"]: row["etag"] if row["state"] == INDEXED else None
        for row in table.select(INDEX_TABLE.names).to_pylist()
    }


def plan_table(desired: Mapping[str, str], indexed: Mapping[str, str | None], steps: Reconciliation) -> pa.Table:
    """The table while the index is written: old and intended keys."""
    writing = set(steps.put)
    rows = [(key, etag, WRITING if key in writing else INDEXED) for key, etag in desired.items()]
    rows += [(key, indexed[key] or "", DELETING) for key in steps.delete]
    return _table(rows)


def result_table(desired: Mapping[str, str], verification: Verification) -> pa.Table:
    """The table after the last write; what could not be read back is put again next time."""
    doubtful = {*verification.missing, *verification.wrong_etag}
    return _table([(key, etag, MISSING if key in doubtful else INDEXED) for key, etag in desired.items()])


def blocks(
    batches: Iterable[pa.RecordBatch], *, keys: AbstractSet[str], partition: str, source_bucket: str
) -> Iterator[VectorBlock]:
    """The rows with these keys, as vectors to put with their metadata; batches as of the embedding table."""
    for batch in batches:
        positions = [place for place, key in enumerate(batch.column("key").to_pylist()) if key in keys]
        if not positions:
            continue
        chosen = batch.take(pa.array(positions))
        vectors = chosen.column("embedding").flatten().to_numpy().astype(np.float32, copy=False)
        rows = chosen.drop_columns(["embedding"]).to_pylist()
        metadata = [
            ImageMetadata(
                partition=partition,
                format=row["format"],
                size_bytes=row["size"],
                last_modified=row["last_modified"],
                s3_uri=f"s3://{source_bucket}/{row['key']}",
                etag=row["etag"],
                record_id=row["record_id"],
                job_id=row["job_id"],
            ).document()
            for row in rows
        ]
        yield VectorBlock([row["key"] for row in rows], vectors.reshape(len(rows), -1), metadata)


def _table(rows: list[tuple[str, str, str]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ([], [], [])
    return pa.table([pa.array(column, pa.string()) for column in columns], schema=INDEX_TABLE)
