"""The IO manager, as assets use it."""

from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pytest
from dagster_aws.s3 import S3Resource

from batch_assets.errors import TableError
from batch_assets.storage.io_manager import ParquetIOManager, TablesResource
from batch_assets.storage.tables import StoredTable, TableOutput, Tables
from tests.conftest import TESTS, Aws

# Dagster itself calls what it deprecates, for every resource inside another.
DAYS = dg.DailyPartitionsDefinition("2024/01/01", fmt="%Y/%m/%d")
DAY = "2024/01/02"
ROWS = pa.table({"key": ["a.jpg", "b.jpg"], "size": pa.array([1, 2], pa.int64())})


@pytest.fixture
def resources(aws: Aws, tables: Tables) -> dict[str, Any]:
    """Give the resources of a code location whose tables are those of the fixture `tables`."""
    s3 = S3Resource(
        endpoint_url=aws.sandbox.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=TESTS,
        aws_secret_access_key=TESTS,
    )
    catalog = tables.catalog
    resource = TablesResource(
        s3=s3,
        tables_uri=tables.root.uri,
        space=catalog.space,
        vector_bucket=catalog.vector_bucket,
        index_name=catalog.indexes.form,
        prefix_template=catalog.indexes.template.template,
    )
    return {"io_manager": ParquetIOManager(tables=resource)}


def materialise(resources: dict[str, Any], *assets: Any) -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(list(assets), partition_key=DAY, resources=resources, instance=instance)


def writes(make: Callable[[], Any]) -> dg.AssetsDefinition:
    @dg.asset(name="image_inventory", partitions_def=DAYS)
    def image_inventory() -> Any:
        return make()

    return image_inventory


def reads(annotation: Any, seen: list[Any]) -> dg.AssetsDefinition:
    """An asset that asks for its input in one type, and writes nothing."""

    def reader(image_inventory: Any) -> None:
        seen.append(image_inventory.read_all() if annotation is pa.RecordBatchReader else image_inventory)

    reader.__annotations__ = {"image_inventory": annotation, "return": None}
    return dg.asset(name="reader", partitions_def=DAYS)(reader)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ROWS,
        lambda: ROWS.to_reader(max_chunksize=1),
        ROWS.to_pandas,
        lambda: TableOutput(ROWS),
        lambda: TableOutput(ROWS.to_pandas(), {"remaining": 0}),
    ],
    ids=["table", "stream", "frame", "output of a table", "output of a frame"],
)
def test_assets_may_return_tables_streams_and_frames(
    resources: dict[str, Any], tables: Tables, make: Callable[[], Any]
) -> None:
    """All of them become the same table."""
    assert materialise(resources, writes(make)).success
    stored = tables.partition("image_inventory", DAY).rows()
    assert stored.to_pylist() == ROWS.to_pylist()


def test_a_table_names_its_space_and_partition(resources: dict[str, Any], tables: Tables) -> None:
    """So that a file says what it is, wherever it is copied."""
    materialise(resources, writes(lambda: TableOutput(ROWS, {"listing_version": "v1"})))
    facts = tables.partition("image_inventory", DAY).facts
    assert (facts["space"], facts["partition"], facts["listing_version"]) == (tables.catalog.space, DAY, "v1")


def test_a_materialisation_links_to_its_object(resources: dict[str, Any], tables: Tables) -> None:
    """Under the metadata key that Dagster shows as the table's address."""
    result = materialise(resources, writes(lambda: ROWS))
    (event,) = result.asset_materializations_for_node("image_inventory")
    uri = tables.address(tables.catalog.path("image_inventory", DAY)).uri
    assert event.metadata["dagster/uri"].value == uri
    assert uri.endswith("/image_inventory/partition=2024%2F01%2F02/data.parquet")


def test_readers_get_the_type_that_they_annotate(resources: dict[str, Any], tables: Tables) -> None:
    """Rows on demand with facts, an Arrow table, a stream, or a pandas frame."""
    tables.write(tables.catalog.path("image_inventory", DAY), TableOutput(ROWS, {"remaining": 7}))
    seen: list[Any] = []
    for annotation in (StoredTable, pa.Table, pa.RecordBatchReader, pd.DataFrame):
        reader = reads(annotation, seen)
        assert materialise(resources, reader, dg.AssetSpec("image_inventory", partitions_def=DAYS)).success
    stored, table, streamed, frame = seen
    assert isinstance(stored, StoredTable)
    assert (stored.facts["remaining"], stored.rows().to_pylist()) == (7, ROWS.to_pylist())
    assert table.to_pylist() == streamed.to_pylist() == ROWS.to_pylist()
    pd.testing.assert_frame_equal(frame, ROWS.to_pandas())


@pytest.mark.parametrize("annotation", [pa.Table, pa.RecordBatchReader, pd.DataFrame])
def test_demanding_rows_of_a_missing_table_fails_clearly(resources: dict[str, Any], annotation: Any) -> None:
    """The error names the object and says what to materialise first."""
    with pytest.raises(TableError, match="does not exist yet: materialise the assets before it"):
        materialise(resources, reads(annotation, []), dg.AssetSpec("image_inventory", partitions_def=DAYS))


def test_a_missing_table_is_an_empty_stored_table(resources: dict[str, Any]) -> None:
    """Whoever can do without the rows asks for `StoredTable`."""
    seen: list[StoredTable] = []
    materialise(resources, reads(StoredTable, seen), dg.AssetSpec("image_inventory", partitions_def=DAYS))
    assert not seen[0].exists


def test_a_write_fails_when_the_version_that_was_read_has_changed(resources: dict[str, Any], tables: Tables) -> None:
    """Of two runs of a partition the slower one overwrites nothing."""
    path = tables.catalog.path("image_inventory", DAY)
    read = tables.write(path, TableOutput(ROWS))

    def overtaken() -> TableOutput:
        tables.write(path, TableOutput(ROWS.slice(1)))
        return TableOutput(ROWS, replaces=read)

    with pytest.raises(TableError, match="meanwhile; nothing was overwritten"):
        materialise(resources, writes(overtaken))
    assert tables.open(path).rows_count == 1


def test_a_stream_that_breaks_leaves_the_table_as_it_was(resources: dict[str, Any], tables: Tables) -> None:
    """A partition is replaced as a whole or not at all."""

    def breaking() -> pa.RecordBatchReader:
        def batches() -> Iterator[pa.RecordBatch]:
            yield from ROWS.to_batches()
            raise ConnectionError("the source went away")

        return pa.RecordBatchReader.from_batches(ROWS.schema, batches())

    path = tables.catalog.path("image_inventory", DAY)
    before = tables.write(path, TableOutput(ROWS))
    with pytest.raises(ConnectionError, match="the source went away"):
        materialise(resources, writes(breaking))
    assert tables.open(path).version == before
