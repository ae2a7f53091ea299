"""The file of an embedding table: its size, and reading its vectors into numpy, beside the library's defaults."""

from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from batch_assets.bedrock.join import embedding_schema
from batch_assets.storage.staged_table import StagedTable
from benchmarks.model import Contender, Measure, Outcome, Role, Stage, Target, Workload

_DIMENSION = 3_072
_OURS, _DEFAULTS = "ours.parquet", "defaults.parquet"
_ROWS_AT_ONCE = 500
_DEFAULT_WAY = "library defaults"
_COLUMN = "embedding"


def _prepare(folder: Path, size: int) -> None:
    """Write the same vectors twice: with our schema and options, and as pyarrow does a column of lists by itself."""
    random = np.random.default_rng(3)
    schema = pa.schema([embedding_schema(_DIMENSION).field(_COLUMN)])
    vectors = [(random.standard_normal(_DIMENSION) / _DIMENSION**0.5).astype(np.float32) for _ in range(size)]
    staged = StagedTable(folder / _OURS, schema)
    for start in range(0, size, _ROWS_AT_ONCE):
        values = pa.array(np.concatenate(vectors[start : start + _ROWS_AT_ONCE]))
        column = pa.FixedSizeListArray.from_arrays(values, type=schema.field(0).type)
        staged.write(pa.record_batch([column], schema=schema))
    staged.finish({})
    pq.write_table(pa.table({_COLUMN: pa.array(vectors)}), folder / _DEFAULTS)


def _reading(name: str) -> Callable[[], Callable[[Workload], Outcome]]:
    def load() -> Callable[[Workload], Outcome]:
        import pandas as pd  # noqa: F401 - pyarrow does, when it first makes an array of numpy

        return partial(_read, name)

    return load


def _read(name: str, workload: Workload) -> Outcome:
    """All vectors, row group by row group, as a matrix of float32."""
    path = workload.folder / name
    file = pq.ParquetFile(path)
    vectors = np.empty((file.metadata.num_rows, _DIMENSION), np.float32)
    start = 0
    for group in range(file.num_row_groups):
        for chunk in file.read_row_group(group, columns=[_COLUMN])[_COLUMN].chunks:
            vectors[start : start + len(chunk)] = chunk.flatten().to_numpy().reshape(len(chunk), -1)
            start += len(chunk)
    return {"digest": lambda: blake2b(vectors.tobytes()).hexdigest(), "output_bytes": path.stat().st_size}


STAGE = Stage(
    name="results_table",
    title="Reading the vectors of an embedding table",
    unit="vectors",
    sizes=(10_000, 20_000, 40_000),
    quick_size=2_000,
    prepare=_prepare,
    contenders=(
        Contender("ours", Role.OURS, load=_reading(_OURS)),
        Contender(_DEFAULT_WAY, Role.PLAIN, load=_reading(_DEFAULTS)),
    ),
    targets=(
        Target(_DEFAULT_WAY, Measure.CPU, at_least=3),
        Target(_DEFAULT_WAY, Measure.OUTPUT, at_least=1 / 0.86),
    ),
    note=(
        "3,072 dimensions of float32. Ours: lists of a fixed size without nulls, no dictionary, bytes split by their "
        "place, zstd. Defaults: what `pyarrow.parquet.write_table` makes of a column of lists. The size is that of the "
        "file; both are read in the same way."
    ),
)
