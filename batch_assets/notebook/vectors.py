"""Vectors as one numpy matrix: the memory of Arrow itself where it lies in one piece."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from batch_assets.storage.tables import StoredTable

Matrix = NDArray[np.float32]


def matrix(vectors: pa.ChunkedArray | pa.FixedSizeListArray) -> Matrix:
    """The vectors of an Arrow column, shape (rows, dimension), read-only.

    Shares the memory of the column, unless that lies in several chunks, as of several partitions: then it is a copy.
    """
    if isinstance(vectors, pa.ChunkedArray):
        vectors = vectors.combine_chunks() if vectors.num_chunks != 1 else vectors.chunk(0)
    values: Matrix = vectors.flatten().to_numpy(zero_copy_only=True)
    return values.reshape(len(vectors), vectors.type.list_size)


def matrix_of_all(tables: Sequence[StoredTable], column: str, dimension: int) -> Matrix:
    """The vectors of several partitions in their order, filled in batch by batch: nothing is in memory twice."""
    filled = np.empty((sum(table.rows_count for table in tables), dimension), np.float32)
    position = 0
    for part in _parts(tables, column):
        filled[position : position + len(part)] = part
        position += len(part)
    filled.flags.writeable = False
    return filled


def _parts(tables: Sequence[StoredTable], column: str) -> Iterator[Matrix]:
    for table in tables:
        yield from (matrix(batch.column(column)) for batch in table.batches([column]))
