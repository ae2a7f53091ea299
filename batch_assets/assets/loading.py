"""Loading one partition: its job's output joined with the pictures that exist now. Knows nothing of Dagster."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from batch_assets.assets.job_files import JobFiles
from batch_assets.assets.partition_state import PartitionState
from batch_assets.bedrock import lanes
from batch_assets.bedrock.jobs import BatchJob, get_job, needs_a_person
from batch_assets.bedrock.join import Join, Tally, embedding_schema
from batch_assets.bedrock.ledger import ON_DEMAND, QUEUED, SENT, JobRow
from batch_assets.bedrock.results import OutputFile
from batch_assets.bedrock.shards import Block
from batch_assets.bedrock.workers import Workers
from batch_assets.settings import Settings
from batch_assets.storage.listing import list_prefix, listing_version
from batch_assets.storage.memory import system_memory
from batch_assets.storage.object_listing import helpers_of
from batch_assets.storage.objects import S3Address
from batch_assets.storage.staged_table import StagedTable
from batch_assets.storage.tables import Tables
from batch_assets.vectors.sample import VectorSample
from batch_assets.vectors.spread import Spread, spread

EARLIER_ROWS = 256
"""So many earlier rows are in memory at once."""

_SAMPLE_ROWS, _SAMPLE_NUMBERS = 4096, 8 * 1024**2

_RECORD_COUNTS = (
    "records_embedded",
    "records_refused",
    "records_changed",
    "records_known",
    "duplicate_lines",
    "unknown_lines",
    "unreadable_lines",
)


@dataclass(frozen=True)
class TooEarly:
    """There is nothing to load yet, and why."""

    reason: str


@dataclass(frozen=True)
class Loaded:
    """A partition's new tables, staged but not yet written, with everything that is known of them.

    `facts` go into the parquet metadata of both tables; `unsound_vectors` counts vectors with a wrong length, NaN,
    infinity, or all zeros; `sample` holds some of the vectors, for people to see how they lie.
    """

    row: JobRow
    job: BatchJob | None
    embeddings: StagedTable
    rejected: pa.Table
    tally: Tally
    facts: dict[str, Any]
    unsound_vectors: int
    sample: VectorSample

    @property
    def cost_usd(self) -> Decimal:
        """What the vectors that this load brought have cost."""
        return self.row.cost_usd / self.row.records * self.tally.records_embedded if self.row.records else Decimal(0)

    def spread(self) -> Spread | None:
        """How the vectors of the table lie, by a sample; None without a sound vector."""
        keys, vectors = self.sample.rows()
        return spread(keys, vectors, of=self.sample.seen)

    @property
    def version(self) -> str:
        """Hash of the table's (key, etag, record_id)."""
        return str(self.facts["table_version"])


@dataclass(frozen=True)
class Load:
    """Loads partitions with one deployment's settings and clients; `folder` takes what is staged."""

    settings: Settings
    s3: Any
    bedrock: Any
    store: Tables
    folder: Path = field(default_factory=Path)
    workers: Workers = field(default_factory=Workers)

    def load(self, partition: str, state: PartitionState) -> Loaded | TooEarly:
        """Stage the partition's tables, or say what there is to wait for. Frees the lane of a job that has ended."""
        row = state.ledger.current
        if row is None:
            return TooEarly("no job yet: materialise batch_job first")
        if row.state == QUEUED:
            return TooEarly(f"queued: {row.reason}")
        job = get_job(self.bedrock, row.job_arn) if row.job_arn else None
        if job is not None and not job.ended:
            return TooEarly(f"job {job.name} is {job.status}: {job.processed_records} of {row.records} records")
        if row.job_name is not None:
            lane = lanes.Lane(self.settings.source_bucket, self.settings.template.lane(partition))
            lanes.release_job(self.s3, lane, row.job_name)
        with system_memory():
            return self._join(partition, state, row, job)

    def _join(self, partition: str, state: PartitionState, row: JobRow, job: BatchJob | None) -> Loaded | TooEarly:
        settings, model = self.settings, self.settings.space.model
        prefix = S3Address(settings.source_bucket, settings.template.prefix(partition))
        inventory = list_prefix(
            self.s3,
            prefix,
            formats=model.formats,
            max_image_bytes=model.max_image_bytes,
            helpers=helpers_of(settings),
        )
        counted = state.rejected.facts.get("loaded_job") == row.token
        known = counted and state.loaded_job == row.token
        files = self._files(partition, row, job) if row.state in SENT and not known else None
        submitted = files.manifest if files is not None else None
        join = Join(
            inventory,
            bucket=settings.source_bucket,
            dimension=settings.dimension,
            submitted=submitted,
            job_id=job.arn.rsplit("/", 1)[-1] if job else row.job_name or "",
        )
        outcomes = self._outcomes(files.output) if files is not None else []
        staged = StagedTable(self.folder / "embedding_table.parquet", embedding_schema(settings.dimension))
        batches = join.batches(state.embeddings.batches(rows=EARLIER_ROWS), outcomes)
        sample = new_sample(settings.dimension)
        unsound = stage(staged, batches, sample)
        answered = join.records_answered
        if job is not None and files is not None and files.may_be_late(answered=answered):
            return TooEarly(
                f"job {job.name} has processed {job.processed_records} records, and {job.results_uri} has "
                f"{answered} of them so far: the rest is waited for until "
                f"{self.settings.late_output_minutes} minutes after the job's end"
            )
        before = state.rejected.read()
        rejected = join.rejected(
            before.to_pylist() if before is not None else [],
            max_attempts=settings.max_record_attempts,
            counted=counted,
        )
        facts = _facts(join, state, row, job, rejected, known=known, sent=submitted is not None)
        if files is not None:
            facts["records"]["records_written_off"] = files.written_off(answered=answered)
        facts["listing_version"] = listing_version(inventory)
        return Loaded(row, job, staged, rejected, join.tally, facts, unsound, sample)

    def _files(self, partition: str, row: JobRow, job: BatchJob | None) -> JobFiles:
        files = JobFiles(self.settings, self.s3, self.store, partition, row, job)
        files.require()
        return files

    def _outcomes(self, files: list[OutputFile]) -> Iterator[Block]:
        settings = self.settings
        return self.workers.read(self.s3, files, dimension=settings.dimension, region=settings.region)


def new_sample(dimension: int) -> VectorSample:
    """An empty sample of an embedding table's vectors: at most 4,096 of them, and 32 MiB."""
    return VectorSample(min(_SAMPLE_ROWS, _SAMPLE_NUMBERS // dimension), dimension)


def stage(staged: StagedTable, batches: Iterable[pa.RecordBatch], sample: VectorSample) -> int:
    """Write the rows of an embedding table, sample them, and count the unsound vectors among them."""
    unsound = 0
    for batch in batches:
        vectors = batch.column("embedding").flatten().to_numpy().reshape(-1, sample.dimension)
        unsound += _unsound_vectors(vectors)
        sample.add(batch.column("record_id").to_pylist(), batch.column("key").to_pylist(), vectors)
        staged.write(batch)
    return unsound


def _unsound_vectors(vectors: NDArray[np.float32]) -> int:
    """How many vectors hold NaN or infinity, or only zeros."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.einsum("ij,ij->i", vectors, vectors)
    # One pass; only what is not plainly sound is looked at value by value.
    doubtful = vectors[~((squares > 0) & (squares < np.inf))]
    return int((~np.isfinite(doubtful).all(axis=1) | ~doubtful.any(axis=1)).sum())


def _facts(
    join: Join, state: PartitionState, row: JobRow, job: BatchJob | None, rejected: pa.Table, *, known: bool, sent: bool
) -> dict[str, Any]:
    """What the parquet metadata says of a partition; of a job that is loaded already the counts stay as they are."""
    waiting = join.waiting(rejected)
    facts: dict[str, Any] = {
        "loaded_job": row.token,
        "last_job": _last_job(row, job) or state.last_job,
        "table_version": table_version(join.tally),
        "images": join.images,
        "embedded": join.tally.rows.num_rows,
        "rejected": int(sum(rejected["final"].to_pylist())),
        "waiting": waiting,
        "remaining": waiting,
    }
    records = {name: getattr(join.tally, name) for name in _RECORD_COUNTS}
    records |= {"records": row.records if sent else 0, "records_missing": join.records_missing}
    return facts | {"records": state.embeddings.facts["records"] if known and row.state in SENT else records}


def _last_job(row: JobRow, job: BatchJob | None) -> dict[str, Any] | None:
    """The job that is loaded now, and whether only a person may send its pictures again."""
    if job is not None:
        return {"arn": job.arn, "status": job.status, "message": job.message, "held": needs_a_person(job)}
    return {"arn": row.job_name, "status": ON_DEMAND, "message": "", "held": False} if row.state == ON_DEMAND else None


def table_version(tally: Tally) -> str:
    """Hash of the table's (key, etag, record_id), in the order of the keys."""
    digest = hashlib.sha256()
    rows = tally.rows.sort_by([(name, "ascending") for name in ("key", "etag", "record_id")])
    for batch in rows.to_batches(max_chunksize=10_000):
        for identity in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            digest.update(repr(identity).encode())
    return digest.hexdigest()
