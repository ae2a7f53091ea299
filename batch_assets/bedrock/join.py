"""Joining a job's outcomes with the pictures that exist now: the embedding table and the rejected images.

A picture gets a vector from the earlier table (same bytes, whatever the key) or from the job, if the picture that was
sent is still the same version. Every record of the job ends as embedded, refused, changed meanwhile, or missing; one
that is missing is simply planned again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from batch_assets.bedrock import rejections
from batch_assets.bedrock.manifest import MANIFEST, record_id
from batch_assets.bedrock.pictures import Pictures, Records
from batch_assets.bedrock.results import Refused, Unreadable
from batch_assets.bedrock.shards import Block

_BATCH_ROWS = 512
_LONG_RUN = 8

_IDENTITY = pa.schema([pa.field(name, pa.string(), nullable=False) for name in ("key", "etag", "record_id")])


def embedding_schema(dimension: int) -> pa.Schema:
    """Schema of the embedding table of a space with vectors of `dimension` float32."""
    vector = pa.list_(pa.field("element", pa.float32(), nullable=False), dimension)
    return pa.schema(
        [
            pa.field("record_id", pa.string(), nullable=False, metadata={"description": "Hash of bucket, key, etag"}),
            pa.field("source_record_id", pa.string(), nullable=False, metadata={"description": "The record paid for"}),
            pa.field("key", pa.string(), nullable=False, metadata={"description": "S3 key of the picture"}),
            pa.field("etag", pa.string(), nullable=False, metadata={"description": "ETag, without quotes"}),
            pa.field("size", pa.int64(), nullable=False, metadata={"description": "Size in bytes"}),
            pa.field(
                "last_modified",
                pa.timestamp("us", tz="UTC"),
                nullable=False,
                metadata={"description": "When the object was written"},
            ),
            pa.field("format", pa.string(), nullable=False, metadata={"description": "The model's name of the format"}),
            pa.field("job_id", pa.string(), nullable=False, metadata={"description": "Job that embedded the bytes"}),
            pa.field("embedding", vector, nullable=False, metadata={"description": "The vector, as the model gave it"}),
        ]
    )


@dataclass
class Tally:
    """What became of the pictures and of the records; filled while the stream of `Join.batches` is consumed."""

    identities: list[pa.RecordBatch] = field(default_factory=list)
    kept: int = 0
    added: int = 0
    records_embedded: int = 0
    records_refused: int = 0
    records_changed: int = 0
    records_known: int = 0
    duplicate_lines: int = 0
    unknown_lines: int = 0
    unreadable_lines: int = 0
    refusals: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> pa.Table:
        """`key`, `etag` and `record_id` of every row of the table."""
        return pa.Table.from_batches(self.identities, schema=_IDENTITY)


class Join:
    """One partition's pictures as they exist now, waiting for their vectors.

    Args:
        inventory: the prefix, listed anew (schema `INVENTORY`).
        bucket: source bucket, part of the record ids.
        dimension: length of the vectors.
        submitted: the records that the job was given (schema `MANIFEST`), or None if there was no job.
        job_id: id of that job.
    """

    def __init__(
        self, inventory: pa.Table, *, bucket: str, dimension: int, submitted: pa.Table | None, job_id: str
    ) -> None:
        self.tally = Tally()
        self._bucket, self._dimension, self._job_id = bucket, dimension, job_id
        self._schema = embedding_schema(dimension)
        self._ineligible = inventory.filter(pc.invert(inventory["eligible"]))
        self._pictures = Pictures(inventory.filter(inventory["eligible"]))
        self._done = bytearray(self._pictures.contents)
        self._records = Records(MANIFEST.empty_table() if submitted is None else submitted, self._pictures)
        self._refused: dict[int, Refused] = {}

    @property
    def images(self) -> int:
        return int(self._ineligible.num_rows + self._pictures.rows.num_rows)

    def batches(self, earlier: Iterable[pa.RecordBatch], outcomes: Iterable[Block]) -> Iterator[pa.RecordBatch]:
        """The rows of the new embedding table: first what is kept of the earlier rows, then what the job brought."""
        for batch in earlier:
            yield from self._kept(batch)
        for block in outcomes:
            yield from self._added(block)

    def rejected(self, earlier: Sequence[Mapping[str, Any]], *, max_attempts: int, counted: bool) -> pa.Table:
        """Pictures without a vector that were refused, after the stream was consumed; schema `REJECTED`.

        `earlier` rows are carried over while their bytes exist and have no vector; a new refusal counts one more
        attempt, unless `counted` says that the earlier rows know this job already. A retryable one is final when it
        was tried `max_attempts` times.
        """
        rows = [rejections.ineligible(row) for row in self._ineligible.to_pylist()]
        history = {self._pictures.number((row["etag"], row["size"])): row for row in earlier if row["attempts"]}
        for content in history.keys() | self._refused.keys():
            if content is None or self._done[content]:
                continue
            known, refusal = history.get(content), self._refused.get(content)
            for row in self._pictures.rows_of([content]).to_pylist():
                if refusal is None or (counted and known):
                    rows.append(rejections.carried(row, known))
                else:
                    rows.append(rejections.refused(row, refusal, known, max_attempts))
        return pa.Table.from_pylist(sorted(rows, key=lambda row: row["key"]), schema=rejections.REJECTED)

    def waiting(self, rejected: pa.Table) -> int:
        """Pictures that have no vector yet and were not refused for good."""
        final = rejected.filter(rejected["final"])["key"]
        without = self._pictures.rows["key"].filter(
            pa.array(~np.frombuffer(self._done, np.bool_)[self._pictures.content])
        )
        return int(pc.sum(pc.invert(pc.is_in(without, value_set=final.combine_chunks()))).as_py() or 0)

    @property
    def records_answered(self) -> int:
        """Records of which the output says something, those of others included; a repeated line counts once."""
        return self._records.seen_count + self.tally.unknown_lines + self.tally.unreadable_lines

    @property
    def records_missing(self) -> int:
        """Records of the job of which its output says nothing."""
        return len(self._records) - self._records.seen_count

    def _kept(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        etags, sizes = batch["etag"].to_pylist(), batch["size"].to_pylist()
        chosen, contents = [], []
        for position, content in enumerate(map(self._pictures.number, zip(etags, sizes, strict=True))):
            if content is not None and not self._done[content]:
                self._done[content] = 1
                chosen.append(position)
                contents.append(content)
        origin = batch.select(["source_record_id", "job_id"]).take(pa.array(chosen, pa.int64()))
        values = batch["embedding"].flatten()
        for made in self._rows(contents, origin["source_record_id"], origin["job_id"], values, chosen):
            self.tally.kept += made.num_rows
            yield made

    def _added(self, block: Block) -> Iterator[pa.RecordBatch]:
        chosen, contents, sources = [], [], []
        vector = 0
        for outcome in block.outcomes:
            content = self._content_of(outcome)
            if isinstance(outcome, str):
                if content is not None:
                    chosen.append(vector)
                    contents.append(content)
                    sources.append(outcome)
                vector += 1
        jobs = pa.repeat(self._job_id, len(sources))
        values = pa.array(block.vectors.reshape(-1))
        for made in self._rows(contents, pa.array(sources, pa.string()), jobs, values, chosen):
            self.tally.added += made.num_rows
            yield made

    def _content_of(self, outcome: str | Refused | Unreadable) -> int | None:
        """Count an outcome; the content that gets its vector, if it has one that is of use."""
        tally, records = self.tally, self._records
        if isinstance(outcome, Unreadable):
            tally.unreadable_lines += 1
            return None
        refusal = outcome if isinstance(outcome, Refused) else None
        record = records.number(refusal.record_id if refusal else str(outcome))
        if record is None:
            tally.unknown_lines += 1
            return None
        repeated = not records.see(record)
        tally.duplicate_lines += repeated
        content = records.content[record]
        if (content >= 0 and self._done[content]) or (repeated and refusal):
            tally.records_known += not repeated
            return None
        if not records.unchanged[record]:
            # Bedrock may have read other bytes than those that were planned.
            tally.records_changed += not repeated
            return None
        return self._settle(content, refusal)

    def _settle(self, content: int, refusal: Refused | None) -> int | None:
        if refusal is not None:
            self._refused[content] = refusal
            self.tally.records_refused += 1
            self.tally.refusals[refusal.code] += 1
            return None
        earlier_refusal = self._refused.pop(content, None)
        if earlier_refusal is not None:
            self.tally.records_refused -= 1
            self.tally.refusals[earlier_refusal.code] -= 1
        self._done[content] = 1
        self.tally.records_embedded += 1
        return content

    def _rows(
        self, contents: list[int], sources: pa.Array, jobs: pa.Array, values: pa.Array, positions: list[int]
    ) -> Iterator[pa.RecordBatch]:
        """A row for every picture with these contents.

        Each content has a source record, a job, and the position of its vector among the `values`.
        """
        if not contents:
            return
        places, pictures = self._pictures.copies(contents)
        rows = self._pictures.rows.take(pictures)
        versions = zip(rows["key"].to_pylist(), rows["etag"].to_pylist(), strict=True)
        vectors = pa.FixedSizeListArray.from_arrays(values, type=self._schema.field("embedding").type)
        columns = {
            **{name: rows[name] for name in rows.column_names},
            "record_id": pa.array([record_id(self._bucket, key, etag) for key, etag in versions], pa.string()),
            "source_record_id": sources.take(places),
            "job_id": jobs.take(places),
            "embedding": _taken(vectors, np.asarray(positions)[places]),
        }
        made = pa.table([columns[name] for name in self._schema.names], schema=self._schema)
        self.tally.identities += made.select(_IDENTITY.names).to_batches()
        yield from made.to_batches(max_chunksize=_BATCH_ROWS)


def _taken(vectors: pa.Array, positions: NDArray[np.int64]) -> pa.ChunkedArray:
    """The vectors at these positions; long runs of neighbours are not copied."""
    starts = np.flatnonzero(np.diff(positions, prepend=-2) != 1)
    if len(starts) * _LONG_RUN > len(positions):
        return pa.chunked_array([vectors.take(positions)])
    ends = [*starts[1:], len(positions)]
    return pa.chunked_array(
        [vectors.slice(positions[start], end - start) for start, end in zip(starts, ends, strict=True)]
    )
