"""The digest of an embedding table, whatever the order of its rows and the types in which its numbers are stored."""

from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_NAMES = ("record_id", "source_record_id", "key", "etag", "size", "format", "job_id")
_MOMENT = pa.timestamp("us", tz="UTC")
_DIGEST_BYTES = 16


def digest_of(path: Path) -> str:
    """Number of rows and the sum of their hashes; the file is deleted."""
    rows = total = 0
    for batch in pq.ParquetFile(path).iter_batches(1024):
        vectors = batch.column("embedding").flatten().to_numpy(zero_copy_only=False).astype(np.float32)
        written = batch.column("last_modified").cast(_MOMENT).cast("int64").to_pylist()
        names = zip(*(batch.column(name).to_pylist() for name in _NAMES), written, strict=True)
        for values, vector in zip(names, vectors.reshape(batch.num_rows, -1), strict=True):
            row = blake2b(repr(values).encode() + vector.tobytes(), digest_size=_DIGEST_BYTES)
            total = (total + int.from_bytes(row.digest(), "big")) % 2 ** (8 * _DIGEST_BYTES)
            rows += 1
    path.unlink()
    return f"{rows}-{total:032x}"
