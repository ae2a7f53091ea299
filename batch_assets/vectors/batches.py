"""Cutting records into PutVectors calls that the service accepts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from batch_assets.errors import VectorIndexError
from batch_assets.vectors.wire import Record, encode_body, encoded_bytes

MAX_RECORDS = 500
MAX_BODY_BYTES = 20 * 1024 * 1024
"""Vectors per PutVectors call and request payload size (s3-vectors-limitations)."""


@dataclass(frozen=True)
class EncodedCall:
    """The body of one call, and how many vectors it puts: its length."""

    body: bytes
    vectors: int

    def __len__(self) -> int:
        """Return the number of vectors."""
        return self.vectors


def cut(
    records: Iterable[Record],
    *,
    bucket: str,
    index: str,
    max_records: int = MAX_RECORDS,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> Iterator[EncodedCall]:
    """Yield the records in order, in as few calls as fit both limits one after the other.

    As many as a call may hold are encoded at once. Only if that is too long, which takes unusually long numbers or
    metadata, the size of each record is looked at, and those that do not fit wait for the next call.

    Args:
        records: As of `wire.records_of`; read as a stream.
        bucket: Vector bucket named in the body.
        index: Index named in the body.
        max_records: Most records in a call.
        max_body_bytes: Most bytes in a body.

    Raises:
        VectorIndexError: If one record alone does not fit.
    """
    stream = iter(records)
    waiting: list[Record] = []
    while chosen := [*waiting, *islice(stream, max_records - len(waiting))]:
        body = encode_body(bucket, index, chosen)
        fitting = len(chosen)
        if len(body) > max_body_bytes:
            fitting = _fitting(chosen, max_body_bytes, envelope_bytes=len(encode_body(bucket, index, [])))
            body = encode_body(bucket, index, chosen[:fitting])
        waiting = chosen[fitting:]
        yield EncodedCall(body, fitting)


def _fitting(records: Sequence[Record], max_body_bytes: int, *, envelope_bytes: int) -> int:
    """Return how many of the records, from the first on, fit into one body."""
    size_bytes = envelope_bytes
    for number, record in enumerate(records):
        record_bytes = encoded_bytes(record)
        size_bytes += record_bytes + (1 if number else 0)
        if size_bytes > max_body_bytes:
            if number == 0:
                raise VectorIndexError(
                    f"the vector of {record['key']!r} takes {record_bytes:,} bytes, which do not fit into a request of "
                    f"{max_body_bytes:,}"
                )
            return number
    return len(records)
