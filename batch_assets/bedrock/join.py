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

from batch_assets.bedrock.contents import Content
from batch_assets.bedrock.manifest import record_id
from batch_assets.bedrock.results import Embedded, Outcome, Refused

_BATCH_ROWS = 512

REJECTED = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False, metadata={"description": "S3 key of the object"}),
        pa.field("etag", pa.string(), nullable=False, metadata={"description": "ETag, without quotes"}),
        pa.field("size", pa.int64(), nullable=False, metadata={"description": "Size in bytes"}),
        pa.field("code", pa.string(), nullable=False, metadata={"description": "Reason or the model's error code"}),
        pa.field("message", pa.string(), nullable=False),
        pa.field("attempts", pa.int32(), nullable=False, metadata={"description": "How often it was sent"}),
        pa.field("retryable", pa.bool_(), nullable=False),
        pa.field("quarantined", pa.bool_(), nullable=False, metadata={"description": "Retryable, but tried enough"}),
        pa.field("final", pa.bool_(), nullable=False, metadata={"description": "False: it will be sent again"}),
    ]
)


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

    rows: list[tuple[str, str, str]] = field(default_factory=list)
    """(key, etag, record_id) of every row of the table."""
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
        self._ineligible = inventory.filter(pc.invert(inventory["eligible"])).to_pylist()
        self._wanted: dict[Content, list[dict[str, Any]]] = {}
        for row in inventory.filter(inventory["eligible"]).sort_by("key").to_pylist():
            self._wanted.setdefault((row["etag"], row["size"]), []).append(row)
        self._done: set[Content] = set()
        self._submitted = {row["record_id"]: row for row in submitted.to_pylist()} if submitted is not None else {}
        self._seen: set[str] = set()
        self._refused: dict[Content, Refused] = {}

    @property
    def images(self) -> int:
        return len(self._ineligible) + sum(len(rows) for rows in self._wanted.values())

    def batches(self, earlier: Iterable[pa.RecordBatch], outcomes: Iterable[Outcome]) -> Iterator[pa.RecordBatch]:
        """The rows of the new embedding table: first what is kept of the earlier rows, then what the job brought."""
        for batch in earlier:
            yield from self._kept(batch)
        buffer = _Buffer(self._dimension)
        for outcome in outcomes:
            for row in self._rows_of(outcome):
                buffer.add(row, outcome.vector)  # type: ignore[union-attr]  # only an Embedded outcome has rows
            if buffer.full:
                yield buffer.flush()
        if buffer.rows:
            yield buffer.flush()

    def rejected(self, earlier: Sequence[Mapping[str, Any]], *, max_attempts: int, counted: bool) -> pa.Table:
        """Pictures without a vector that were refused, after the stream was consumed; schema `REJECTED`.

        `earlier` rows are carried over while their bytes exist and have no vector; a new refusal counts one more
        attempt, unless `counted` says that the earlier rows know this job already. A retryable one is final when it
        was tried `max_attempts` times.
        """
        rows = [
            _rejected_row(row, code=row["reason"], message=_INELIGIBLE.get(row["reason"], row["reason"]))
            for row in self._ineligible
        ]
        history = {(row["etag"], row["size"]): row for row in earlier if row["attempts"]}
        for content in (history.keys() | self._refused.keys()) & self._wanted.keys() - self._done:
            known = history.get(content)
            refusal = self._refused.get(content)
            if refusal is None or (counted and known):
                rows.extend(_carried(row, known) for row in self._wanted[content])
            else:
                rows.extend(_refused(row, refusal, known, max_attempts) for row in self._wanted[content])
        return pa.Table.from_pylist(sorted(rows, key=lambda row: row["key"]), schema=REJECTED)

    def waiting(self, rejected: pa.Table) -> int:
        """Pictures that have no vector yet and were not refused for good."""
        final = set(rejected.filter(rejected["final"])["key"].to_pylist())
        return sum(
            row["key"] not in final
            for content, rows in self._wanted.items()
            if content not in self._done
            for row in rows
        )

    @property
    def records_missing(self) -> int:
        """Records of the job of which its output says nothing."""
        return len(self._submitted) - len(self._seen)

    def _kept(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        columns = batch.select(["etag", "size", "source_record_id", "job_id"]).to_pylist()
        rows: list[dict[str, Any]] = []
        positions: list[int] = []
        for position, old in enumerate(columns):
            content = (old["etag"], old["size"])
            if content in self._done or content not in self._wanted:
                continue
            self._done.add(content)
            for row in self._wanted[content]:
                rows.append(self._row(row, old["source_record_id"], old["job_id"]))
                positions.append(position)
        self.tally.kept += len(rows)
        if rows:
            vectors = batch.column("embedding").flatten().to_numpy().reshape(-1, self._dimension)
            yield _record_batch(rows, vectors[positions], self._dimension)

    def _rows_of(self, outcome: Outcome) -> list[dict[str, Any]]:
        """Count an outcome; the rows of all pictures that get its vector."""
        tally = self.tally
        if not isinstance(outcome, Embedded | Refused):
            tally.unreadable_lines += 1
            return []
        record = self._submitted.get(outcome.record_id)
        if record is None:
            tally.unknown_lines += 1
            return []
        content = (record["etag"], record["size"])
        repeated = outcome.record_id in self._seen
        self._seen.add(outcome.record_id)
        tally.duplicate_lines += repeated
        if content in self._done or (repeated and isinstance(outcome, Refused)):
            tally.records_known += not repeated
            return []
        if not any(_same_version(row, record) for row in self._wanted.get(content, [])):
            # Bedrock may have read other bytes than those that were planned.
            tally.records_changed += not repeated
            return []
        return self._settle(outcome, record["record_id"], content)

    def _settle(self, outcome: Embedded | Refused, source: str, content: Content) -> list[dict[str, Any]]:
        if isinstance(outcome, Refused):
            self._refused[content] = outcome
            self.tally.records_refused += 1
            self.tally.refusals[outcome.code] += 1
            return []
        earlier_refusal = self._refused.pop(content, None)
        if earlier_refusal is not None:
            self.tally.records_refused -= 1
            self.tally.refusals[earlier_refusal.code] -= 1
        self._done.add(content)
        rows = [self._row(row, source, self._job_id) for row in self._wanted[content]]
        self.tally.records_embedded += 1
        self.tally.added += len(rows)
        return rows

    def _row(self, picture: Mapping[str, Any], source_record_id: str, job_id: str) -> dict[str, Any]:
        identity = record_id(self._bucket, picture["key"], picture["etag"])
        self.tally.rows.append((picture["key"], picture["etag"], identity))
        return {
            "record_id": identity,
            "source_record_id": source_record_id,
            "key": picture["key"],
            "etag": picture["etag"],
            "size": picture["size"],
            "last_modified": picture["last_modified"],
            "format": picture["format"],
            "job_id": job_id,
        }


def _same_version(row: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether a picture was not written since it was planned, not even with other bytes and then its own again."""
    written = record.get("last_modified")  # not in a copy that an earlier release made
    return row["key"] == record["key"] and written in {None, row["last_modified"]}


class _Buffer:
    """Rows and vectors on their way into one record batch."""

    def __init__(self, dimension: int) -> None:
        self.rows: list[dict[str, Any]] = []
        self._vectors: list[NDArray[np.float32]] = []
        self._dimension = dimension

    def add(self, row: dict[str, Any], vector: NDArray[np.float32]) -> None:
        self.rows.append(row)
        self._vectors.append(vector)

    @property
    def full(self) -> bool:
        return len(self.rows) >= _BATCH_ROWS

    def flush(self) -> pa.RecordBatch:
        batch = _record_batch(self.rows, np.stack(self._vectors), self._dimension)
        self.rows, self._vectors = [], []
        return batch


_INELIGIBLE = {
    "folder_marker": "a folder marker, not a picture",
    "foreign_jsonl": "a .jsonl file, which Bedrock would read as job input",
    "unsupported_format": "the model takes .jpg, .jpeg, .png, .gif and .webp",
    "empty": "the object is empty",
    "too_large": "larger than the model takes",
}


def _record_batch(rows: list[dict[str, Any]], vectors: NDArray[np.float32], dimension: int) -> pa.RecordBatch:
    schema = embedding_schema(dimension)
    names = schema.names[:-1]
    columns = [pa.array([row[name] for row in rows], schema.field(name).type) for name in names]
    values = pa.array(np.ascontiguousarray(vectors).reshape(-1))
    columns.append(pa.FixedSizeListArray.from_arrays(values, type=schema.field("embedding").type))
    return pa.record_batch(columns, schema=schema)


def _rejected_row(row: Mapping[str, Any], *, code: str, message: str) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("key", "etag", "size")},
        "code": code,
        "message": message,
        "attempts": 0,
        "retryable": False,
        "quarantined": False,
        "final": True,
    }


def _carried(row: Mapping[str, Any], known: Mapping[str, Any] | None) -> dict[str, Any]:
    return {**(known or {}), **{name: row[name] for name in ("key", "etag", "size")}}


def _refused(
    row: Mapping[str, Any], refusal: Refused, known: Mapping[str, Any] | None, max_attempts: int
) -> dict[str, Any]:
    attempts = (known["attempts"] if known else 0) + 1
    quarantined = refusal.retryable and attempts >= max_attempts
    return {
        **_rejected_row(row, code=refusal.code, message=refusal.message),
        "attempts": attempts,
        "retryable": refusal.retryable,
        "quarantined": quarantined,
        "final": quarantined or not refusal.retryable,
    }
