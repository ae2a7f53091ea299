"""Cutting encoded records into PutVectors calls that the service accepts."""

from collections.abc import Iterable, Iterator

from batch_assets.errors import VectorIndexError
from batch_assets.vectors.wire import body_bytes

MAX_RECORDS = 500
MAX_BODY_BYTES = 20 * 1024 * 1024
"""Vectors per PutVectors call and request payload size (s3-vectors-limitations)."""


def cut(
    records: Iterable[bytes],
    *,
    bucket: str,
    index: str,
    max_records: int = MAX_RECORDS,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> Iterator[list[bytes]]:
    """Yield the records in order, in as few calls as fit both limits one after the other.

    Sizes are exact: a body is what `wire` writes, byte for byte.

    Args:
        records: Encoded by `wire.encode_record`; read as a stream.
        bucket: Vector bucket named in the body.
        index: Index named in the body.
        max_records: Most records in a call.
        max_body_bytes: Most bytes in a body.

    Raises:
        VectorIndexError: If one record alone does not fit.
    """
    batch: list[bytes] = []
    envelope_bytes = body_bytes(bucket, index, [])
    size_bytes = envelope_bytes
    for record in records:
        if envelope_bytes + len(record) > max_body_bytes:
            raise VectorIndexError(
                f"a record of {len(record):,} bytes does not fit into a request of {max_body_bytes:,}: "
                f"{record[:80]!r}..."
            )
        grown_bytes = size_bytes + len(record) + (1 if batch else 0)
        if batch and (len(batch) == max_records or grown_bytes > max_body_bytes):
            yield batch
            batch, grown_bytes = [], envelope_bytes + len(record)
        batch.append(record)
        size_bytes = grown_bytes
    if batch:
        yield batch
