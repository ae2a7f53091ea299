"""Parquet tables in S3."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_assets.errors import SourceError, TableError
from batch_assets.partitions import IndexNames, PrefixTemplate
from batch_assets.storage.catalog import Catalog, TablePath
from batch_assets.storage.objects import ABSENT, S3Address, replace_file, version
from batch_assets.storage.staged_table import SCHEMA_VERSION, StagedTable, with_facts
from batch_assets.storage.tables import TableOutput, Tables
from tests.conftest import Aws

DAY = "2024/01/02"


def numbers(*values: int) -> pa.Table:
    return pa.table({"number": pa.array(values, pa.int64())})


def vectors(rows: int, dimension: int) -> pa.Table:
    values = np.arange(rows * dimension, dtype=np.float32)
    column = pa.FixedSizeListArray.from_arrays(pa.array(values), dimension)
    return pa.table({"key": [f"{row}.jpg" for row in range(rows)], "embedding": column})


def noise(rows: int, dimension: int) -> pa.Table:
    """Vectors that do not compress, in batches of 1,000."""
    values = np.random.default_rng(0).standard_normal(rows * dimension, dtype=np.float32)
    column = pa.FixedSizeListArray.from_arrays(pa.array(values), dimension)
    table = pa.table({"key": [f"{row}.jpg" for row in range(rows)], "embedding": column})
    return pa.Table.from_batches(table.to_batches(max_chunksize=1000))


def write(tables: Tables, rows: Any, *, day: str = DAY, table: str = "image_inventory", **options: Any) -> str:
    return tables.write(tables.catalog.path(table, day), TableOutput(rows, **options))


@contextmanager
def fetched(tables: Tables) -> Iterator[list[int]]:
    """Note the sizes, in bytes, of the ranges that are asked for."""
    sizes_bytes: list[int] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        first, last = params["Range"].removeprefix("bytes=").split("-")
        sizes_bytes.append(int(last) - int(first) + 1 if first else int(last))

    events = tables.client.meta.events
    events.register("provide-client-params.s3.GetObject", note)
    try:
        yield sizes_bytes
    finally:
        events.unregister("provide-client-params.s3.GetObject", note)


def test_rows_and_facts_come_back_as_they_were(tables: Tables) -> None:
    """Facts change together with the rows, in one object."""
    written = write(tables, numbers(1, 2, 3), facts={"loaded_job": "arn:1", "remaining": 0})
    table = tables.partition("image_inventory", DAY)
    assert table.rows().equals(numbers(1, 2, 3))
    assert (table.exists, table.rows_count, table.version) == (True, 3, written)
    assert table.facts == {
        "schema_version": SCHEMA_VERSION,
        "partition": DAY,
        "loaded_job": "arn:1",
        "remaining": 0,
    }


@pytest.mark.parametrize(
    "rows",
    [
        numbers(1, 2, 3),
        numbers(1, 2, 3).to_reader(max_chunksize=1),
        pd.DataFrame({"number": [1, 2, 3]}),
        pd.DataFrame({"number": [0, 1, 2, 3]})[1:],
    ],
    ids=["table", "stream", "frame", "sliced frame"],
)
def test_tables_streams_and_frames_become_the_same_table(tables: Tables, rows: Any) -> None:
    """The index of a frame is not stored."""
    write(tables, rows)
    table = tables.partition("image_inventory", DAY).rows()
    assert table.column_names == ["number"]
    assert table["number"].to_pylist() == [1, 2, 3]


def test_a_table_without_rows_has_its_schema(tables: Tables) -> None:
    """An empty partition is a table, not a missing one."""
    write(tables, numbers())
    table = tables.partition("image_inventory", DAY)
    assert (table.exists, table.rows_count, table.rows().schema.names) == (True, 0, ["number"])
    assert list(table.batches()) == []
    assert table.stream().read_all().num_rows == 0


def test_a_missing_table_is_empty_until_its_rows_are_demanded(tables: Tables) -> None:
    """Whoever can do without asks with `read`, whoever cannot gets a clear error."""
    table = tables.partition("image_inventory", DAY)
    assert (table.exists, table.rows_count, table.facts, table.version) == (False, 0, {}, ABSENT)
    assert table.read() is None
    assert list(table.batches()) == []
    for demand in (table.rows, table.stream):
        with pytest.raises(TableError, match=r"data\.parquet does not exist yet: materialise"):
            demand()


def test_rows_come_in_batches_of_a_bounded_size(tables: Tables) -> None:
    """However large the batches were that were written."""
    write(tables, numbers(*range(2500)))
    batches = list(tables.partition("image_inventory", DAY).batches(rows=1000))
    assert [batch.num_rows for batch in batches] == [1000, 1000, 500]
    assert pa.Table.from_batches(batches).equals(numbers(*range(2500)))


@pytest.mark.parametrize(("rows", "dimension"), [(3, 4), (5000, 256)])
def test_vectors_come_back_bit_by_bit(tables: Tables, rows: int, dimension: int) -> None:
    """As lists of a fixed size, also when they fill several parts of a file."""
    write(tables, vectors(rows, dimension).to_reader(max_chunksize=1024), table="embedding_table")
    table = tables.partition("embedding_table", DAY)
    assert table.rows()["embedding"].combine_chunks().equals(vectors(rows, dimension)["embedding"].combine_chunks())
    assert table.read(["key"]).column_names == ["key"]  # type: ignore[union-attr]  # it exists
    assert sum(batch.num_rows for batch in table.batches(["embedding"])) == rows


def test_only_the_asked_columns_are_fetched(tables: Tables) -> None:
    """A look at the keys does not pay for the vectors."""
    write(tables, noise(5000, 256), table="embedding_table")
    with fetched(tables) as sizes_bytes:
        tables.partition("embedding_table", DAY).read(["key"])
    assert 0 < sum(sizes_bytes) < 500_000 < 5000 * 256 * 4


def test_a_small_table_is_read_with_one_request(tables: Tables) -> None:
    """Most tables of most partitions: each request is a tenth of a second of a run."""
    write(tables, vectors(100, 64), table="embedding_table")
    with fetched(tables) as sizes_bytes:
        table = tables.partition("embedding_table", DAY)
        assert table.rows().num_rows == sum(batch.num_rows for batch in table.batches()) == 100
    assert len(sizes_bytes) == 1


def test_the_row_groups_of_a_large_table_are_fetched_one_after_the_other(tables: Tables) -> None:
    """A reader that stops early has fetched no more than it has seen, and holds one group at a time."""
    rows = noise(8000, 256)
    write(tables, rows, table="embedding_table")
    with fetched(tables) as sizes_bytes:
        first = next(tables.partition("embedding_table", DAY).batches())
    assert first.to_pylist() == rows.slice(0, first.num_rows).to_pylist()
    assert sum(sizes_bytes) < 8000 * 256 * 4 / 2


def test_a_write_is_refused_when_the_version_that_was_read_has_changed(tables: Tables) -> None:
    """Nobody overwrites what he has not seen."""
    read = write(tables, numbers(1))
    write(tables, numbers(2), replaces=read)
    with pytest.raises(TableError, match="meanwhile; nothing was overwritten"):
        write(tables, numbers(3), replaces=read)
    assert tables.partition("image_inventory", DAY).rows().equals(numbers(2))


def test_a_write_is_refused_when_the_table_has_come_meanwhile(tables: Tables) -> None:
    """Where nothing was read, nothing may stand."""
    write(tables, numbers(1), replaces=ABSENT)
    with pytest.raises(TableError, match="meanwhile"):
        write(tables, numbers(2), replaces=ABSENT)


def test_a_write_is_refused_when_the_table_has_gone_meanwhile(tables: Tables) -> None:
    """What it was computed from is no longer there."""
    read = write(tables, numbers(1))
    address = tables.address(tables.catalog.path("image_inventory", DAY))
    tables.client.delete_object(Bucket=address.bucket, Key=address.key)
    with pytest.raises(TableError, match="removed by another run"):
        write(tables, numbers(2), replaces=read)


def test_of_many_writers_of_one_version_exactly_one_wins(tables: Tables) -> None:
    """The others are told, whatever the timing."""
    read = write(tables, numbers(0))

    def attempt(number: int) -> bool:
        try:
            write(tables, numbers(number), replaces=read)
        except TableError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(1, 9))) == 1


def test_a_table_that_is_replaced_while_it_is_read_is_told(tables: Tables) -> None:
    """Rows of two versions never mix."""
    write(tables, noise(2000, 64), table="embedding_table")
    table = tables.partition("embedding_table", DAY)
    write(tables, vectors(3, 64), table="embedding_table")
    with pytest.raises(TableError, match="replaced while it was read"):
        table.rows()


@pytest.mark.parametrize("body", [b"", b"not parquet at all"])
def test_a_damaged_table_is_told_by_its_address(tables: Tables, body: bytes) -> None:
    """It is neither a table without rows nor missing."""
    address = tables.address(tables.catalog.path("image_inventory", DAY))
    tables.client.put_object(Bucket=address.bucket, Key=address.key, Body=body)
    with pytest.raises(TableError, match="is no readable parquet file"):
        tables.partition("image_inventory", DAY)


def test_a_table_of_a_newer_release_is_refused(tables: Tables) -> None:
    """Rather than misread."""
    with pytest.MonkeyPatch.context() as newer:
        newer.setattr("batch_assets.storage.staged_table.SCHEMA_VERSION", SCHEMA_VERSION + 1)
        write(tables, numbers(1))
    with pytest.raises(TableError, match="upgrade batch_assets"):
        tables.partition("image_inventory", DAY)


def test_facts_that_are_carried_over_get_the_version_of_this_release(tables: Tables) -> None:
    """The rows are written in its schema, whatever the facts were copied from."""
    write(tables, numbers(1), facts={"schema_version": 0, "later": 7})
    assert tables.partition("image_inventory", DAY).facts["schema_version"] == SCHEMA_VERSION


def test_a_table_without_facts_is_read(tables: Tables, tmp_path: Path) -> None:
    """Such as one that was mended with another tool."""
    pq.write_table(numbers(1), tmp_path / "plain.parquet")
    address = tables.address(tables.catalog.path("image_inventory", DAY))
    tables.client.upload_file(str(tmp_path / "plain.parquet"), address.bucket, address.key)
    assert tables.partition("image_inventory", DAY).facts == {}


def test_a_missing_bucket_is_told(aws: Aws, tables: Tables) -> None:
    """With what to check."""
    elsewhere = Tables(aws.s3, S3Address("no-such-bucket", "tables/"), tables.catalog)
    with pytest.raises(SourceError, match="the bucket does not exist"):
        write(elsewhere, numbers(1))


def test_partitions_are_listed_by_their_keys(tables: Tables) -> None:
    """Also those that need encoding in a path."""
    days = ["2024/01/02", "2024-01-03", "dt=2024 é", "100%25"]
    for day in days:
        write(tables, numbers(1), day=day)
    assert tables.partitions("image_inventory") == sorted(days)
    assert tables.partitions("batch_job") == []


def test_large_files_go_up_in_parts_with_the_same_condition(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A multipart upload overwrites no more than a simple put would."""
    monkeypatch.setattr("batch_assets.storage.objects._PART_BYTES", 5 * 1024**2)
    path = tmp_path / "large"
    path.write_bytes(bytes(range(256)) * 4096 * 11)
    address = S3Address(tables.root.bucket, "large")
    read = replace_file(tables.client, address, path, replaces=ABSENT)
    assert version(tables.client, address) == read
    assert tables.client.get_object(Bucket=address.bucket, Key="large")["Body"].read() == path.read_bytes()
    with pytest.raises(TableError, match="meanwhile"):
        replace_file(tables.client, address, path, replaces=ABSENT)
    assert "Uploads" not in tables.client.list_multipart_uploads(Bucket=address.bucket)


def test_two_spaces_and_two_indexes_never_share_a_table() -> None:
    """They stand beside each other; the inventory alone belongs to all."""
    template = PrefixTemplate("photos/%Y/%m/%d/")
    one = Catalog("a--256", "vectors", IndexNames("index", template))
    other = Catalog("a--1024", "vectors", IndexNames("index-2", template))
    for table in ("batch_manifest", "batch_job", "embedding_table", "rejected_images", "vector_index"):
        assert one.path(table, DAY).key != other.path(table, DAY).key
    assert one.submitted_manifest(DAY, "f" * 64).key != other.submitted_manifest(DAY, "f" * 64).key
    assert one.path("image_inventory", DAY) == other.path("image_inventory", DAY)


texts = st.text(min_size=1, max_size=10)


@given(texts, texts)
@settings(deadline=None)
def test_distinct_partitions_have_distinct_objects(partition: str, other: str) -> None:
    """Percent-encoding loses nothing and makes no folders."""
    key = TablePath("t", partition).key
    assert (key == TablePath("t", other).key) is (partition == other)
    assert key.count("/") == 2


def test_duckdb_reads_the_directories_as_partitions(tables: Tables, tmp_path: Path) -> None:
    """Space and partition are columns, decoded, beside those of the rows."""
    write(tables, vectors(3, 4), table="embedding_table")
    write(tables, vectors(2, 4), table="embedding_table", day="2024/01/03")
    for entry in tables.client.list_objects_v2(Bucket=tables.root.bucket)["Contents"]:
        path = tmp_path / entry["Key"]
        path.parent.mkdir(parents=True)
        tables.client.download_file(tables.root.bucket, entry["Key"], str(path))
    query = """
        select space, "partition", count(*), max(embedding[1])
        from read_parquet(?, hive_partitioning=true)
        where "partition" >= '2024/01/02' group by all order by all
    """
    space = tables.catalog.space
    with duckdb.connect() as database:
        found = database.execute(query, [f"{tmp_path}/**/data.parquet"]).fetchall()
    assert found == [(space, "2024/01/02", 3, 8.0), (space, "2024/01/03", 2, 4.0)]


def test_facts_are_json_that_other_tools_can_read(tmp_path: Path) -> None:
    """Under one key of the parquet metadata, beside what was there."""
    schema = with_facts(numbers().schema.with_metadata({"owner": "me"}), {"space": "nova"})
    assert schema.metadata[b"owner"] == b"me"
    assert json.loads(schema.metadata[b"batch_assets"]) == {"schema_version": SCHEMA_VERSION, "space": "nova"}
    path = StagedTable(tmp_path / "t.parquet", numbers().schema).finish({"space": "nova"})
    assert json.loads(pq.read_metadata(path).metadata[b"batch_assets"])["space"] == "nova"
    assert json.loads(pq.read_schema(path).metadata[b"batch_assets"])["space"] == "nova"
