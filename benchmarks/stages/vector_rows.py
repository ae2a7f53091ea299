"""Input of the PutVectors stages: keys, unit vectors and metadata, read in blocks as the pipeline reads its table."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.model import Workload

DIMENSION = 3_072
BUCKET = "benchmark-vectors"
INDEX = "pictures"
_BLOCK_ROWS = 500
_DISTINCT_ROWS = 2_000
_FILE = "rows.f32"

Block = tuple[Sequence[str], NDArray[np.float32], Sequence[Mapping[str, Any]]]


def write_rows(folder: Path, size: int) -> None:
    """Write unit vectors, 2,000 of them at most: larger sizes repeat them under other keys."""
    random = np.random.default_rng(4)
    rows = random.standard_normal((min(size, _DISTINCT_ROWS), DIMENSION), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows.tofile(folder / _FILE)


def read_blocks(workload: Workload, block_rows: int = _BLOCK_ROWS) -> Iterator[Block]:
    """Yield keys, vectors of shape (n, d) and metadata of all rows, at most so many at a time."""
    distinct = min(workload.size, _DISTINCT_ROWS)
    for start in range(0, workload.size, block_rows):
        numbers = range(start, min(start + block_rows, workload.size))
        vectors = _read(workload.folder / _FILE, start % distinct, len(numbers), distinct)
        yield [f"photos/2024/01/02/{number:09d}.jpg" for number in numbers], vectors, [_document(n) for n in numbers]


def _read(path: Path, start: int, rows: int, distinct: int) -> NDArray[np.float32]:
    """Return so many rows of the file from one on; after the last comes the first."""
    until_end = min(rows, distinct - start)
    parts = [np.fromfile(path, np.float32, until_end * DIMENSION, offset=start * DIMENSION * 4)]
    if until_end < rows:
        parts.append(np.fromfile(path, np.float32, (rows - until_end) * DIMENSION))
    return np.concatenate(parts).reshape(-1, DIMENSION)


def _document(number: int) -> Mapping[str, Any]:
    return {
        "partition": "2024/01/02",
        "format": "jpeg",
        "size": 100_000 + number,
        "last_modified": 1_704_153_600 + number,
        "s3_uri": f"s3://photos-bucket/photos/2024/01/02/{number:09d}.jpg",
        "etag": f"{number:032x}",
        "record_id": f"{number * 7:032x}",
        "job_id": "benchmark-job",
    }
