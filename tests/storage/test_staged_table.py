"""A table on its way to S3: rows first, facts last."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_assets.storage.memory import system_memory
from batch_assets.storage.staged_table import StagedTable

_VECTOR = pa.list_(pa.field("element", pa.float32(), nullable=False), 2)
SCHEMA = pa.schema([pa.field("key", pa.string(), nullable=False), pa.field("embedding", _VECTOR, nullable=False)])


def rows(count: int) -> pa.RecordBatch:
    values = pa.array(np.arange(2 * count, dtype=np.float32))
    columns = [
        pa.array([f"{row}.jpg" for row in range(count)]),
        pa.FixedSizeListArray.from_arrays(values, type=_VECTOR),
    ]
    return pa.record_batch(columns, schema=SCHEMA)


def staged(path: Path, batches: list[pa.RecordBatch]) -> Path:
    table = StagedTable(path, SCHEMA)
    for batch in batches:
        table.write(batch)
    return table.finish({"remaining": 0})


@given(cuts=st.lists(st.integers(0, 1500), max_size=8).map(sorted))
@settings(deadline=None, max_examples=25)
def test_the_file_does_not_depend_on_how_its_rows_are_batched(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    """Byte by byte: many small batches do not become many small row groups."""
    folder, whole = tmp_path_factory.mktemp("staged"), rows(1500)
    parts = [whole.slice(start, end - start) for start, end in pairwise([0, *cuts, 1500])]
    one, other = staged(folder / "one", [whole]), staged(folder / "other", parts)
    assert one.read_bytes() == other.read_bytes()
    metadata = pq.read_metadata(one)
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [512, 512, 476]


def test_the_first_rows_are_at_hand_before_the_file_is_finished(tmp_path: Path) -> None:
    """For a preview, however the rows come."""
    table = StagedTable(tmp_path / "t", SCHEMA)
    assert table.first_rows.num_rows == 0
    for part in (rows(20).slice(0, 3), rows(20).slice(3, 17)):
        table.write(part)
    assert table.first_rows["key"].to_pylist() == [f"{row}.jpg" for row in range(8)]


def test_vectors_without_nulls_keep_their_type(tmp_path: Path) -> None:
    """A list of a fixed size whose numbers are never null reads twice as fast."""
    path = staged(tmp_path / "t", [rows(3)])
    assert pq.read_schema(path).field("embedding").equals(SCHEMA.field("embedding"))
    assert pq.read_table(path)["embedding"].combine_chunks().flatten().to_pylist() == [0, 1, 2, 3, 4, 5]


def test_the_usual_memory_is_back_after_a_stream() -> None:
    """Also when it breaks."""
    usual, within = pa.default_memory_pool().backend_name, []

    def breaks() -> None:
        with system_memory():
            within.append(pa.default_memory_pool().backend_name)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        breaks()
    assert (within, pa.default_memory_pool().backend_name) == (["system"], usual)
