"""Parquet tables in S3: one object a partition, in hive-style directories, replaced atomically.

`<root>/<table>/<dimension>=<value>/partition=<percent-encoded key>/data.parquet` is what DuckDB, Athena and Spark read
as partitioned tables. Facts that are no rows (which job was loaded, how much remains) stand in the parquet metadata,
so that rows and facts change together.
"""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from botocore.exceptions import ClientError

from batch_assets.errors import PartitionError, TableError
from batch_assets.storage.catalog import Catalog, TablePath
from batch_assets.storage.objects import ABSENT, S3Address, explained, is_missing, replace_file, version
from batch_assets.storage.parquet_object import ParquetObject
from batch_assets.storage.staged_table import FACTS, SCHEMA_VERSION, StagedTable

_ANY_VERSION = "*"
_PARTITION = re.compile(r"/partition=([^/]*)/data\.parquet\Z")

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class TableOutput:
    """Rows and facts of one partition to be written, and the version of the table that they were computed from.

    `replaces` is the version that was read (`ABSENT` for none); the write is refused if it is no longer the current
    one. `"*"` replaces whatever is there. `catalog` names the tables of another space than
    that of the settings. `rows` is an Arrow table or stream, a pandas frame, or a `StagedTable`.
    """

    rows: Any
    facts: Facts = field(default_factory=dict)
    replaces: str = _ANY_VERSION
    catalog: Catalog | None = None


@dataclass(frozen=True)
class StoredTable:
    """One partition of a table as it was when it was looked up; rows are read when they are asked for."""

    uri: str
    file: ParquetObject | None
    facts: Facts
    version: str

    @property
    def exists(self) -> bool:
        return self.file is not None

    @property
    def rows_count(self) -> int:
        return self.file.rows_count if self.file else 0

    def read(self, columns: Sequence[str] | None = None) -> pa.Table | None:
        """All rows of the named columns, or None if there is no such table."""
        return self.file.read(columns) if self.file else None

    def rows(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows of the named columns. Raises `TableError` if there is no such table."""
        table = self.read(columns)
        if table is None:
            raise self._missing()
        return table

    def stream(self) -> pa.RecordBatchReader:
        """All rows as a stream with a schema. Raises `TableError` if there is no such table."""
        if self.file is None:
            raise self._missing()
        return pa.RecordBatchReader.from_batches(self.file.schema, self.batches())

    def batches(self, columns: Sequence[str] | None = None, *, rows: int = 1024) -> Iterator[pa.RecordBatch]:
        """The rows as a stream of batches of at most `rows` rows; nothing if there is no such table."""
        if self.file is None:
            return
        yield from self.file.batches(columns, rows=rows)

    def _missing(self) -> TableError:
        return TableError(f"{self.uri} does not exist yet: materialise the assets before it for this partition")


@dataclass(frozen=True)
class Tables:
    """All tables below one folder of S3, as one catalog names them."""

    client: Any
    root: S3Address
    catalog: Catalog

    def partition(self, table: str, partition: str) -> StoredTable:
        """A partition of a table by name; see `open`."""
        return self.open(self.catalog.path(table, partition))

    def address(self, path: TablePath) -> S3Address:
        return S3Address(self.root.bucket, self.root.key + path.key)

    def folder(self, table: str, partition: str) -> S3Address:
        """The folder of a partition, ending in `/`, for objects of a name of their own."""
        address = self.address(self.catalog.path(table, partition))
        return S3Address(address.bucket, f"{address.key.rpartition('/')[0]}/")

    def spaces(self) -> list[str]:
        """The embedding spaces that have a job table."""
        prefix = f"{self.root.key}batch_job/space="
        with explained(f"s3://{self.root.bucket}/{prefix}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.root.bucket, Prefix=prefix, Delimiter="/"
            )
            return [
                unquote(entry["Prefix"][len(prefix) : -1]) for page in pages for entry in page.get("CommonPrefixes", [])
            ]

    def open(self, path: TablePath) -> StoredTable:
        """The table of a partition, or an empty one with version `ABSENT`. Raises `TableError` if it is damaged."""
        address = self.address(path)
        with explained(address.uri):
            try:
                file = ParquetObject(self.client, address)
            except ClientError as error:
                if is_missing(error):
                    return StoredTable(address.uri, None, {}, ABSENT)
                raise
            except pa.ArrowException as error:
                raise TableError(f"{address.uri} is no readable parquet file: {error}") from error
        facts = json.loads((file.schema.metadata or {}).get(FACTS, b"{}"))
        if facts.get("schema_version", 0) > SCHEMA_VERSION:
            raise TableError(f"{address.uri} was written by a newer release: upgrade batch_assets")
        return StoredTable(address.uri, file, facts, file.version)

    def write(self, path: TablePath, output: TableOutput) -> str:
        """Replace one partition as a whole, and give its new version.

        Raises `TableChangedError` if another run was faster.
        """
        address = self.address(path)
        with tempfile.TemporaryDirectory(prefix="batch-assets-") as folder:
            file = _staged(output.rows, Path(folder)).finish({"partition": path.partition, **output.facts})
            with explained(address.uri):
                replaces = version(self.client, address) if output.replaces == _ANY_VERSION else output.replaces
                return replace_file(self.client, address, file, replaces=replaces)

    def partitions(self, table: str) -> list[str]:
        """Keys of the partitions that a table has."""
        return list(self.versions(table))

    def versions(self, table: str) -> dict[str, str]:
        """Version of each partition of a table, in the order of the keys, at the cost of one listing."""
        folder = S3Address(self.root.bucket, f"{self.root.key}{self.catalog.folder(table)}")
        with explained(folder.uri):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=folder.bucket, Prefix=folder.key)
            found = {entry["Key"]: str(entry["ETag"]) for page in pages for entry in page.get("Contents", [])}
        named = ((self._partition(table, key), etag) for key, etag in found.items())
        return dict(sorted((partition, etag) for partition, etag in named if partition is not None))

    def _partition(self, table: str, key: str) -> str | None:
        """The partition of a table that is stored under a key, or None for another file."""
        name = _PARTITION.search(key)
        if name is None:
            return None
        partition = unquote(name.group(1))
        try:
            return partition if key == self.address(self.catalog.path(table, partition)).key else None
        except PartitionError:  # of another template
            return None


def _staged(rows: Any, folder: Path) -> StagedTable:
    """The rows as a file that lacks only its facts: as it was handed over, or made in a folder."""
    if isinstance(rows, StagedTable):
        return rows
    reader = _as_reader(rows)
    staged = StagedTable(folder / "data.parquet", reader.schema)
    for batch in reader:
        staged.write(batch)
    return staged


def _as_reader(rows: Any) -> pa.RecordBatchReader:
    if isinstance(rows, pa.RecordBatchReader):
        return rows
    if isinstance(rows, pa.Table):
        return rows.to_reader()
    return pa.Table.from_pandas(rows, preserve_index=False).to_reader()
