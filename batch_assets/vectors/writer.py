"""Writing vectors to an index and deleting them: a few calls in flight, paced, repeated when throttled."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from batch_assets.vectors import batches, wire
from batch_assets.vectors.backoff import Backoff
from batch_assets.vectors.flight import in_chunks, run_in_flight
from batch_assets.vectors.rate import RateLimiter

if TYPE_CHECKING:
    from mypy_boto3_s3vectors import S3VectorsClient

_Batch = TypeVar("_Batch", bound=Sized)
_DELETE_MAX_KEYS = 500
"""Vectors per DeleteVectors call (s3-vectors-limitations)."""


@dataclass(frozen=True)
class VectorBlock:
    """Rows to put: n keys, float32 vectors of shape (n, d), n metadata documents."""

    keys: Sequence[str]
    vectors: NDArray[np.float32]
    metadata: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class WriteStatistics:
    """What a stream of writes came to.

    Attributes:
        vectors: Vectors put, or keys deleted.
        calls: Calls that the service accepted.
        throttled: Attempts that it refused with 429 or 503, and those that boto3 itself repeated.
        seconds: From the first row to the last answer.
    """

    vectors: int
    calls: int
    throttled: int
    seconds: float


@dataclass(frozen=True)
class VectorWriter:
    """Puts to and deletes from one index.

    Attributes:
        client: Of S3 Vectors.
        bucket: Vector bucket.
        index: Index.
        limiter: Shared by everybody in this process who writes to the index.
        backoff: How calls are repeated.
        calls_in_flight: Calls that wait for an answer at a time; each holds at most 20 MiB.
    """

    client: "S3VectorsClient"
    bucket: str
    index: str
    limiter: RateLimiter = field(default_factory=RateLimiter)
    backoff: Backoff = field(default_factory=Backoff)
    calls_in_flight: int = 4

    def put(self, blocks: Iterable[VectorBlock]) -> WriteStatistics:
        """Put every row, overwriting vectors of the same keys. Blocks are read as a stream.

        Raises:
            VectorIndexError: If the service refuses a call for good or for too long. Some rows may then
                be in the index; putting all of them again is safe.
        """
        records = (record for block in blocks for record in wire.records_of(block.keys, block.vectors, block.metadata))
        return self._write("PutVectors", batches.cut(records, bucket=self.bucket, index=self.index), self._put)

    def delete(self, keys: Iterable[str]) -> WriteStatistics:
        """Delete the vectors of these keys, 500 a call; unknown keys are no error.

        Raises:
            VectorIndexError: As for `put`.
        """
        return self._write("DeleteVectors", in_chunks(keys, _DELETE_MAX_KEYS), self._delete)

    def _put(self, call: batches.EncodedCall) -> int:
        return wire.put_body(self.client, bucket=self.bucket, index=self.index, body=call.body)

    def _delete(self, keys: Sequence[str]) -> int:
        answer = self.client.delete_vectors(vectorBucketName=self.bucket, indexName=self.index, keys=keys)
        return int(answer["ResponseMetadata"]["RetryAttempts"])

    def _write(self, operation: str, calls: Iterable[_Batch], send: Callable[[_Batch], int]) -> WriteStatistics:
        """Send every batch; `send` returns how often boto3 repeated the call."""
        begun = time.monotonic()
        vectors = accepted = throttled = 0

        def attempt_all(batch: _Batch) -> tuple[int, int]:
            return len(batch), self._send_paced(operation, batch, send)

        for count, repeated in run_in_flight(attempt_all, calls, calls_in_flight=self.calls_in_flight):
            vectors += count
            accepted += 1
            throttled += repeated
        seconds = time.monotonic() - begun
        return WriteStatistics(vectors=vectors, calls=accepted, throttled=throttled, seconds=seconds)

    def _send_paced(self, operation: str, batch: _Batch, send: Callable[[_Batch], int]) -> int:
        throttled = 0

        def attempt() -> int:
            self.limiter.acquire(len(batch))
            return send(batch)

        def note_throttled() -> None:
            nonlocal throttled
            throttled += 1
            self.limiter.throttled()

        where = f"{operation} on index {self.index!r} of vector bucket {self.bucket!r}"
        repeated_by_boto3 = self.backoff.run(attempt, where=where, on_throttled=note_throttled)
        if repeated_by_boto3:
            self.limiter.throttled()
        else:
            self.limiter.succeeded()
        return throttled + repeated_by_boto3
