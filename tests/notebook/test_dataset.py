"""`EmbeddingDataset`: the tables in the forms that people compute with."""

import datetime as dt
import sys
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from numpy.typing import NDArray

import batch_assets
from batch_assets import EmbeddingDataset
from batch_assets.errors import BatchAssetsError, PartitionError, TableError
from batch_assets.notebook.columns import conformed, with_partition
from batch_assets.notebook.vectors import matrix
from batch_assets.table_schemas import table_schemas
from tests.notebook.conftest import FIRST_DAY, NEXT_DAY, SCRIPT
from tests.world import ASSETS, KEY, NEXT_KEY, World, deployment_settings

PICTURES = len(FIRST_DAY) + 1, len(NEXT_DAY)
ALL_PICTURES = sum(PICTURES)
DIMENSION = 256


def buffers(column: pa.ChunkedArray) -> Iterable[tuple[int, int]]:
    """Begin and end in memory of the numbers of a vector column."""
    for chunk in column.chunks:
        values = chunk.flatten().buffers()[1]
        yield values.address, values.address + values.size


def address(array: NDArray[np.float32]) -> int:
    """Where an array begins in memory."""
    return int(array.__array_interface__["data"][0])


def test_all_rows_have_the_documented_columns_and_their_partition(dataset: EmbeddingDataset) -> None:
    """In the order of the partitions, and in that of the table within one."""
    table = dataset.to_arrow()

    assert table.schema.names == [*table_schemas(DIMENSION)["embedding_table"].names, "partition"]
    assert table.schema == dataset.schema
    assert table["partition"].to_pylist() == [KEY] * PICTURES[0] + [NEXT_KEY] * PICTURES[1]
    assert table["key"].to_pylist()[0] == f"photos/{KEY}/{SCRIPT}"
    assert len(dataset) == table.num_rows == ALL_PICTURES


def test_columns_come_in_the_order_that_is_asked_for(dataset: EmbeddingDataset) -> None:
    """Also the partition alone, which stands in no file."""
    assert dataset.to_arrow(["size", "key"]).schema.names == ["size", "key"]
    assert dataset.to_arrow(["partition"]).num_rows == ALL_PICTURES


@pytest.mark.parametrize("moment", [KEY, "2026-11-18", dt.date(2026, 11, 18), dt.datetime(2026, 11, 18, 7)])  # noqa: DTZ001 as partitions are named
def test_a_partition_is_named_by_key_or_date(dataset: EmbeddingDataset, moment: str | dt.date) -> None:
    """The other is not read."""
    day = dataset.partition(moment)
    assert day.partitions == [KEY]
    assert set(day.to_arrow(["partition"])["partition"].to_pylist()) == {KEY}


@pytest.mark.parametrize(
    ("since", "until", "partitions"),
    [
        (None, None, [KEY, NEXT_KEY]),
        ("2026-11-19", None, [NEXT_KEY]),
        (None, dt.date(2026, 11, 18), [KEY]),
        ("2026-11-01", "2026-11-30", [KEY, NEXT_KEY]),
        (KEY, KEY, [KEY]),
    ],
)
def test_a_range_includes_both_ends(
    dataset: EmbeddingDataset, since: str | None, until: str | dt.date | None, partitions: list[str]
) -> None:
    """Open ends reach as far as there are partitions."""
    assert dataset.between(since, until).partitions == partitions


def test_vectors_of_one_partition_are_arrows_own_memory(dataset: EmbeddingDataset) -> None:
    """No number is copied on the way from Arrow to numpy, to pandas, or back from a stream."""
    table = dataset.partition(KEY).to_arrow()
    vectors = matrix(table["embedding"])
    ((begin, end),) = buffers(table["embedding"])

    assert vectors.shape == (PICTURES[0], DIMENSION)
    assert vectors.dtype == np.float32
    assert (address(vectors), vectors.nbytes) == (begin, end - begin)
    assert not vectors.flags.writeable
    for number, cell in enumerate(table.to_pandas()["embedding"]):
        assert address(cell) == begin + number * DIMENSION * 4
    assert not dataset.partition(KEY).to_numpy().flags.owndata


def test_vectors_of_all_partitions_are_one_matrix(dataset: EmbeddingDataset) -> None:
    """In the order of the rows."""
    vectors = dataset.to_numpy()
    assert vectors.shape == (ALL_PICTURES, DIMENSION)
    assert not vectors.flags.writeable
    np.testing.assert_array_equal(vectors, matrix(dataset.to_arrow(["embedding"])["embedding"]))


def test_a_stream_has_the_same_rows_in_small_batches(dataset: EmbeddingDataset) -> None:
    """As batches, and as one reader with a schema."""
    batches = list(dataset.batches(["key", "partition"], rows=3))
    reader = dataset.stream(rows=3)

    assert max(batch.num_rows for batch in batches) == 3
    assert pa.Table.from_batches(batches) == dataset.to_arrow(["key", "partition"])
    assert reader.schema == dataset.schema
    assert reader.read_all() == dataset.to_arrow()


def test_pandas_has_a_row_a_picture(dataset: EmbeddingDataset) -> None:
    """Times know their zone."""
    frame = dataset.to_pandas(["key", "size", "last_modified", "partition"])
    assert frame.groupby("partition").size().to_dict() == dict(zip((KEY, NEXT_KEY), PICTURES, strict=True))
    assert str(frame["last_modified"].dt.tz) == "UTC"


def test_duckdb_queries_rows_and_vectors(dataset: EmbeddingDataset) -> None:
    """In Arrow's memory, vectors as arrays."""
    pictures = dataset.to_duckdb(["key", "embedding"])
    nearest = pictures.query(
        "pictures",
        "SELECT b.key FROM pictures a, pictures b WHERE ends_with(a.key, '/coffee.jpg') "
        "ORDER BY array_cosine_distance(a.embedding, b.embedding) LIMIT 1",
    )
    assert nearest is not None
    assert nearest.fetchall() == [(f"photos/{KEY}/coffee.jpg",)]


def test_a_missing_duckdb_is_told_with_its_extra(dataset: EmbeddingDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only who asks for it needs it."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(BatchAssetsError, match=r"install this package as batch_assets\[notebook\]"):
        dataset.to_duckdb()


def test_every_table_of_the_graph_can_be_read(dataset: EmbeddingDataset) -> None:
    """Of the partitions that were chosen."""
    sizes = {name: len(dataset.partition(KEY).table(name).to_arrow()) for name in ASSETS}
    assert sizes == {**dict.fromkeys(ASSETS, PICTURES[0]), "batch_job": 1, "rejected_images": 0}
    assert dataset.table("batch_job").to_arrow(["state"])["state"].to_pylist() == ["on_demand"] * 2


def test_columns_that_an_earlier_release_did_not_write_are_null() -> None:
    """The others are those of the file."""
    schema = with_partition(table_schemas(DIMENSION)["vector_index"])
    older = pa.record_batch({"key": ["a"], "etag": ["b"]})
    assert conformed(older, KEY, schema).to_pylist() == [{"key": "a", "etag": "b", "state": None, "partition": KEY}]


def test_nothing_loaded_yet_names_what_to_do(world: World) -> None:
    """In the error and in what a notebook shows; an empty dataset has no length but is no error."""
    empty = EmbeddingDataset(deployment_settings(world.aws))
    with pytest.raises(
        TableError, match=r"has no partition yet: choose one, such as 2026/11/18; launch .*plan_and_submit"
    ):
        empty.to_arrow()
    assert "has no partition yet" in empty._repr_html_()
    assert (len(empty), empty.partitions, bool(empty)) == (0, [], True)


def test_what_is_not_there_is_refused_by_name(dataset: EmbeddingDataset) -> None:
    """With what is there instead."""
    there = rf"there is {KEY} to {NEXT_KEY} \(2 in all\)"
    for wanted, name in (
        (dataset.partition("2027-01-01", KEY), "2027/01/01"),
        (dataset.between("2027-01-01"), "from 2027-01-01 00:00:00"),
    ):
        for read in (wanted.to_arrow, wanted.to_numpy, wanted.to_pandas, lambda: list(wanted.batches())):  # noqa: B023 called at once
            with pytest.raises(TableError, match=rf"has no partition {name}: .*{there}"):
                read()
    with pytest.raises(TableError, match=r"table has no column 'colour': its columns are record_id, .*, partition"):
        dataset.to_arrow(["key", "colour"])
    with pytest.raises(TableError, match=r"columns are a list: write \['key'\]"):
        dataset.to_arrow("key")
    with pytest.raises(TableError, match="there is no table 'pictures': there are image_inventory, "):
        dataset.table("pictures")


@pytest.mark.parametrize("moment", ["soon", "2026/13/01", ""])
def test_what_is_no_date_is_refused(dataset: EmbeddingDataset, moment: str) -> None:
    """With examples."""
    with pytest.raises(PartitionError, match="is no partition key like 2026/11/18 and no date like 2026-11-01"):
        dataset.partition(moment)


def test_a_range_that_is_upside_down_is_refused(dataset: EmbeddingDataset) -> None:
    """And so is the choice of no partition at all."""
    with pytest.raises(PartitionError, match="2026-11-30 is after 2026-11-01: exchange the two"):
        dataset.between("2026-11-30", "2026-11-01")
    with pytest.raises(PartitionError, match="name at least one partition"):
        dataset.partition()


def test_the_package_has_no_other_name() -> None:
    """A wrong one fails as in any module."""
    assert batch_assets.EmbeddingDataset is EmbeddingDataset
    with pytest.raises(AttributeError, match="has no attribute 'Dataset'"):
        _ = batch_assets.Dataset


def test_sizes_add_up(dataset: EmbeddingDataset, world: World) -> None:
    """What is read is what S3 holds."""
    objects = world.aws.s3.list_objects_v2(Bucket=world.settings.source_bucket, Prefix="photos/")["Contents"]
    total = pc.sum(dataset.to_arrow(["size"])["size"]).as_py()
    assert total == sum(entry["Size"] for entry in objects)
